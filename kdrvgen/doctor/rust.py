"""cargo, the toolchain and its targets, cargo-make."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kdrvgen.agreement.manifest import read_manifest
from kdrvgen.doctor.host import Answer, Host
from kdrvgen.doctor.linker import host_linker, linkers
from kdrvgen.doctor.packages import Remedy
from kdrvgen.doctor.tasks import Command, Task, outcome
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Severity

__all__ = ["cargo", "cargo_make", "rustc"]

_BUILD = (Task.BUILD,)
_RUSTUP = "install Rust by rustup: rustup.rs tells how"

# Makefile.toml is written for these, and the tests run the last one.
_OLDEST_CARGO_MAKE = (0, 37)
_TRIED_CARGO_MAKE = "0.37.24"

# doc.rust-lang.org/edition-guide: the version that an edition came with.
_EDITIONS = {"2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}


class Toolchain(NamedTuple):
    """What rustc says of itself."""

    release: str
    host: str
    day: str
    sysroot: Path

    @property
    def rustup_name(self) -> str:
        """What rustup calls the toolchain; "" when it is none of rustup's."""
        return self.sysroot.name if self.sysroot.parent.name == "toolchains" else ""


def _prefix(project: Project) -> Command:
    """Return what stands before cargo and rustc in the tasks."""
    channel = project.toolchain.channel
    return () if channel == "stable" else ("rustup", "run", channel)


def cargo(host: Host, project: Project) -> Iterator[Finding]:
    """Look for cargo."""
    answer = host.run((*_prefix(project), "cargo", "--version"))
    if answer.code != 0:
        yield _absent("cargo", host, project, answer)
        return
    yield outcome(
        "cargo",
        Severity.OK,
        answer.first_line.removeprefix("cargo "),
        _BUILD,
        host.which("cargo"),
    )


def rustc(host: Host, project: Project) -> Iterator[Finding]:
    """Look for rustc, and for what lies in its sysroot: targets, library sources, a linker."""
    prefix = _prefix(project)
    told = host.run((*prefix, "rustc", "--version", "--verbose"))
    where = host.run((*prefix, "rustc", "--print", "sysroot"))
    if told.code != 0 or where.code != 0:
        yield _absent("rustc", host, project, told if told.code != 0 else where)
        yield from linkers(host, project, None)
        return
    fields = dict(re.findall(r"^([a-z-]+): (.+)$", told.text, re.MULTILINE))
    toolchain = Toolchain(
        fields.get("release", ""),
        fields.get("host", "").strip(),
        fields.get("commit-date", "").strip(),
        Path(where.text.strip()),
    )
    yield _judged(toolchain, host, project)
    yield from _targets(toolchain, host, project)
    yield from linkers(host, project, toolchain.sysroot)
    yield from host_linker(host, project, toolchain.host)
    yield from _clock(toolchain, host)


def cargo_make(host: Host, project: Project) -> Iterator[Finding]:
    """Look for cargo-make."""
    del project
    answer = host.run(("cargo", "make", "--version"))
    install: Command = ("cargo", "install", "--locked", "cargo-make")
    place = host.which("cargo-make")
    found = re.search(r"cargo-make (\d[\w.+-]*)", answer.text)
    if answer.code != 0 or found is None:
        reason = "is not installed" if answer.code is not None else answer.text
        if answer.code is not None and "no such command" not in answer.text:
            reason = f"does not run: {answer.first_line}"
        commands = (install,) if host.which("cargo") else ()
        advice = "" if commands else "install cargo first"
        yield outcome("cargo-make", Severity.ERROR, reason, tuple(Task), place, advice, commands)
        return
    version = found[1]
    if numbers(version) < _OLDEST_CARGO_MAKE:
        yield outcome(
            "cargo-make",
            Severity.ERROR,
            f"{version} is older than 0.37, which Makefile.toml is written for",
            tuple(Task),
            place,
            commands=(install,),
        )
        return
    known = numbers(version)[:2] == _OLDEST_CARGO_MAKE
    yield outcome(
        "cargo-make",
        Severity.OK if known else Severity.NOTE,
        version if known else f"{version}; kdrvgen is tried with {_TRIED_CARGO_MAKE}",
        tuple(Task),
        place,
    )


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _absent(program: str, host: Host, project: Project, answer: Answer) -> Finding:
    remedy = Remedy(_RUSTUP)
    missing = re.search(r"toolchain '([\w.+-]+)' is not installed", answer.text)
    if missing and host.which("rustup"):
        remedy = Remedy(commands=(("rustup", "toolchain", "install", missing[1]),))
    elif _prefix(project) and not host.which("rustup"):
        remedy = Remedy(
            f'toolchain.channel = "{project.toolchain.channel}" is asked of rustup; {_RUSTUP}'
        )
    reason = answer.first_line if answer.code is None else f"does not run: {answer.first_line}"
    return outcome(
        program, Severity.ERROR, reason, _BUILD, host.which(program), remedy.advice, remedy.commands
    )


def _judged(toolchain: Toolchain, host: Host, project: Project) -> Finding:
    edition = _edition(host, project)
    since = _EDITIONS.get(edition)
    name = toolchain.rustup_name
    if since and numbers(toolchain.release) < since:
        return outcome(
            "rustc",
            Severity.ERROR,
            f"{toolchain.release} is older than {since[0]}.{since[1]}, which edition {edition}"
            " came with",
            _BUILD,
            str(toolchain.sysroot),
            "" if name else _RUSTUP,
            (("rustup", "update", name),) if name else (),
        )
    told = f"{toolchain.release} for {toolchain.host}"
    return outcome("rustc", Severity.OK, told, _BUILD, str(toolchain.sysroot))


def _edition(host: Host, project: Project) -> str:
    """Return the edition that Cargo.toml names; "" where it names none, or cannot be read."""
    try:
        manifest = read_manifest(host.folder, project.driver.workspace_root)
    except ConfigError:  # another probe reports it, with its place
        return ""
    return (manifest.package("edition") if manifest else None) or ""


def _targets(toolchain: Toolchain, host: Host, project: Project) -> Iterator[Finding]:
    name = toolchain.rustup_name
    has_rustup = bool(name and host.which("rustup"))
    libraries = toolchain.sysroot / "lib/rustlib"
    if project.toolchain.build_std:
        sources = libraries / "src/rust/library"
        there = (sources / "core/src/lib.rs").is_file()
        component = ("rustup", "component", "add", "--toolchain", name, "rust-src")
        yield outcome(
            "library sources",
            Severity.OK if there else Severity.ERROR,
            "for toolchain.build-std" if there else "toolchain.build-std needs rust-src",
            _BUILD,
            str(sources),
            "" if there or has_rustup else _RUSTUP,
            () if there or not has_rustup else (component,),
        )
        return
    for triple in project.driver.triples:
        folder = libraries / triple / "lib"
        there = any(folder.glob("libcore-*.rlib"))
        yield outcome(
            "target",
            Severity.OK if there else Severity.ERROR,
            triple if there else f"{triple} is not installed",
            _BUILD,
            str(folder),
            "" if there or has_rustup else f"this toolchain is not rustup's; {_RUSTUP}",
            ()
            if there or not has_rustup
            else (("rustup", "target", "add", "--toolchain", name, triple),),
        )


def _clock(toolchain: Toolchain, host: Host) -> Iterator[Finding]:
    """Hold the clock against the day that the compiler was made on."""
    now = dt.datetime.fromtimestamp(host.now, dt.UTC).date()
    try:
        made = dt.date.fromisoformat(toolchain.day)
    except ValueError:
        return
    if now < made:
        yield outcome(
            "clock",
            Severity.ERROR,
            f"it is {now} here, which is before rustc was made ({made})",
            (Task.SIGN, Task.VERIFY),
            advice="set the clock: certificates and time stamps depend on it",
        )
