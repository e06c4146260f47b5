"""cargo, the Rust toolchain and its targets, cargo-make."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kdrvgen.agreement.manifest import read_manifest
from kdrvgen.doctor.check import SIGNING_TASKS, Check, Remedy
from kdrvgen.doctor.host import Answer, Host
from kdrvgen.doctor.probes.linker import host_linker, linkers
from kdrvgen.doctor.probes.validity import current_time
from kdrvgen.doctor.rustup import cargo_home, run_rust
from kdrvgen.doctor.tasks import Command, Task
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["cargo", "cargo_make", "rustc"]

_BUILD = (Task.BUILD,)
_CARGO = Check("cargo", _BUILD)
_RUSTC = Check("rustc", _BUILD)
_TARGET = Check("target", _BUILD)
_SOURCES = Check("library sources", _BUILD)
_CARGO_MAKE = Check("cargo-make", tuple(Task))
_CLOCK = Check("clock", SIGNING_TASKS)
_INSTALL_RUST = "install Rust with rustup: https://rustup.rs"
_INSTALL_CARGO_MAKE: Command = ("cargo", "install", "--locked", "cargo-make")

# Makefile.toml is written for this version of cargo-make; the tests run the other one.
_OLDEST_CARGO_MAKE = (0, 37)
_TESTED_CARGO_MAKE = "0.37.24"

# The first version with an edition: doc.rust-lang.org/edition-guide.
_EDITIONS = {"2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}


class Toolchain(NamedTuple):
    """What rustc prints about itself."""

    release: str
    host: str
    date: str
    sysroot: Path

    @property
    def rustup_name(self) -> str:
        """The name of the toolchain in rustup; "" if it does not come from rustup."""
        return self.sysroot.name if self.sysroot.parent.name == "toolchains" else ""


def cargo(host: Host, project: Project) -> Iterator[Finding]:
    """Check cargo."""
    answer = run_rust(host, project, "cargo", "--version")
    if answer.code == 0:
        yield _CARGO.ok(answer.first_line.removeprefix("cargo "), host.which("cargo"))
    else:
        yield _does_not_run(_CARGO, host, project, answer)


def rustc(host: Host, project: Project) -> Iterator[Finding]:
    """Check rustc, and what depends on its sysroot: targets, library sources, linkers."""
    version = run_rust(host, project, "rustc", "--version", "--verbose")
    sysroot = run_rust(host, project, "rustc", "--print", "sysroot")
    if version.code != 0 or sysroot.code != 0:
        yield _does_not_run(_RUSTC, host, project, version if version.code != 0 else sysroot)
        yield from linkers(host, project, None)
        return
    fields = dict(re.findall(r"^([a-z-]+): (.+)$", version.text, re.MULTILINE))
    toolchain = Toolchain(
        fields.get("release", ""),
        fields.get("host", "").strip(),
        fields.get("commit-date", "").strip(),
        Path(sysroot.text.strip()),
    )
    yield _toolchain(toolchain, host, project)
    yield from _targets(toolchain, host, project)
    yield from linkers(host, project, toolchain.sysroot)
    yield from host_linker(host, project, toolchain.host)
    yield from _clock(toolchain, host)


def cargo_make(host: Host, project: Project) -> Iterator[Finding]:
    """Check cargo-make and its version, without cargo: cargo would run an alias of this name."""
    del project
    # Where cargo searches for its subcommands.
    place = host.which("cargo-make") or host.which(str(cargo_home(host) / "bin/cargo-make"))
    if not place:
        remedy = Remedy(commands=(_INSTALL_CARGO_MAKE,))
        if not host.which("cargo"):
            remedy = Remedy("install cargo first")
        yield _CARGO_MAKE.error("is not installed", "", remedy)
        return
    answer = host.run((place, "make", "--version"))
    match = re.search(r"cargo-make (\d[\w.+-]*)", answer.text)
    if answer.is_refused:
        yield _CARGO_MAKE.note(answer.text, place)
        return
    if answer.code != 0 or match is None:
        reason = answer.text if answer.code is None else f"does not run: {answer.first_line}"
        # Installing it again would change nothing: cargo install leaves it as it is.
        yield _CARGO_MAKE.error(reason, place)
        return
    version = match[1]
    if numbers(version) < _OLDEST_CARGO_MAKE:
        message = f"{version} is too old: Makefile.toml needs 0.37 or newer"
        yield _CARGO_MAKE.error(message, place, Remedy(commands=(_INSTALL_CARGO_MAKE,)))
    elif numbers(version)[:2] == _OLDEST_CARGO_MAKE:
        yield _CARGO_MAKE.ok(version, place)
    else:
        message = f"{version} is untested; kdrvgen is tested with {_TESTED_CARGO_MAKE}"
        yield _CARGO_MAKE.note(message, place)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers at the beginning of a version."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()


def _does_not_run(check: Check, host: Host, project: Project, answer: Answer) -> Finding:
    place = host.which(check.name)
    if answer.is_refused:
        return check.note(answer.text, place)
    remedy = Remedy(_INSTALL_RUST)
    missing = re.search(r"toolchain '([\w.+-]+)' is not installed", answer.text)
    if missing and host.which("rustup"):
        parts = ("--component", "rust-src") if project.toolchain.build_std else _targets_of(project)
        remedy = Remedy(commands=(("rustup", "toolchain", "install", missing[1], *parts),))
    elif (channel := project.toolchain.channel) != "stable" and not host.which("rustup"):
        remedy = Remedy(f'toolchain.channel = "{channel}" needs rustup; {_INSTALL_RUST}')
    reason = answer.first_line if answer.code is None else f"does not run: {answer.first_line}"
    return check.error(reason, place, remedy)


def _targets_of(project: Project) -> Command:
    return tuple(word for triple in project.driver.triples for word in ("--target", triple))


def _toolchain(toolchain: Toolchain, host: Host, project: Project) -> Finding:
    edition = _edition(host, project)
    first = _EDITIONS.get(edition)
    name = toolchain.rustup_name
    if first and numbers(toolchain.release) < first:
        return _RUSTC.error(
            f"{toolchain.release} is older than {first[0]}.{first[1]}, the first version with "
            f"edition {edition}",
            str(toolchain.sysroot),
            Remedy(commands=(("rustup", "update", name),)) if name else Remedy(_INSTALL_RUST),
        )
    return _RUSTC.ok(f"{toolchain.release} for {toolchain.host}", str(toolchain.sysroot))


def _edition(host: Host, project: Project) -> str:
    """Return the edition in Cargo.toml; "" if it has none or cannot be read."""
    try:
        manifest = read_manifest(host.folder, project.driver.workspace_root)
    except ConfigError:  # Another probe reports it, with its place.
        return ""
    return (manifest.package("edition") if manifest else None) or ""


def _targets(toolchain: Toolchain, host: Host, project: Project) -> Iterator[Finding]:
    libraries = toolchain.sysroot / "lib/rustlib"
    if project.toolchain.build_std:
        sources = libraries / "src/rust/library"
        if (sources / "core/src/lib.rs").is_file():
            yield _SOURCES.ok("rust-src is installed", str(sources))
        else:
            remedy = _rustup_add(toolchain, host, "component", "rust-src")
            message = "toolchain.build-std needs rust-src, which is not installed"
            yield _SOURCES.error(message, str(sources), remedy)
        return
    for triple in project.driver.triples:
        folder = libraries / triple / "lib"
        if any(folder.glob("libcore-*.rlib")):
            yield _TARGET.ok(triple, str(folder))
        else:
            remedy = _rustup_add(toolchain, host, "target", triple)
            yield _TARGET.error(f"{triple} is not installed", str(folder), remedy)


def _rustup_add(toolchain: Toolchain, host: Host, kind: str, part: str) -> Remedy:
    """Return how to add a target or a component to the toolchain."""
    name = toolchain.rustup_name
    if name and host.which("rustup"):
        return Remedy(commands=(("rustup", kind, "add", "--toolchain", name, part),))
    return Remedy(f"this toolchain was not installed with rustup; {_INSTALL_RUST}")


def _clock(toolchain: Toolchain, host: Host) -> Iterator[Finding]:
    """Compare the clock with the release date of the compiler."""
    today = current_time(host).date()
    try:
        released = dt.date.fromisoformat(toolchain.date)
    except ValueError:
        return
    if today < released:
        yield _CLOCK.error(
            f"the clock shows {today}, which is before the release date of rustc ({released})",
            remedy=Remedy("set the clock: certificates and timestamps depend on it"),
        )
