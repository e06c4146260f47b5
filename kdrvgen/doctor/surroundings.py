"""What lies around a build and changes it: variables, files, the disk, the clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Severity

__all__ = ["cargo_config", "clock", "disk", "rustflags"]

_BUILD = (Task.BUILD,)
_NEEDED = 200_000_000
_DAY = 86_400


def rustflags(host: Host, project: Project) -> Iterator[Finding]:
    """Look for variables that replace or change the flags of the cargo configuration.

    doc.rust-lang.org/cargo/reference/config.html, "build.rustflags": cargo takes them from one
    place only, and the environment comes first.
    """
    from kdrvgen.rendering.flags import target_plan  # noqa: PLC0415 - for this probe only

    plans = [target_plan(project, triple) for triple in project.driver.triples]
    matter = any(each.flags or any(each.extra_flags.values()) for each in plans)
    matter |= any(project.linker_for(name).reproducible for name in project.profiles)
    found = False
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"):
        if name not in host.env:
            continue
        found = True
        yield outcome(
            "flags for rustc",
            Severity.ERROR if matter else Severity.NOTE,
            f'{name}="{host.env[name]}" in the environment '
            + ("replaces the flags that make this a driver" if matter else "joins the build"),
            _BUILD,
            advice=f"{_unset(host, name)}; what it holds can stand in linker.rustflags",
        )
    for name in ("CARGO_BUILD_RUSTFLAGS", *map(_target_variable, project.driver.triples)):
        if name in host.env:
            found = True
            # The flags of a target go before those of every build.
            unused = matter and name.startswith("CARGO_BUILD")
            told = "is passed over" if unused else "joins the build"
            yield outcome(
                "flags for rustc",
                Severity.NOTE,
                f'{name}="{host.env[name]}" in the environment {told}',
                _BUILD,
                advice=f"{_unset(host, name)}; what it holds can stand in linker.rustflags",
            )
    if not found:
        yield outcome("flags for rustc", Severity.OK, "none in the environment", _BUILD)


def cargo_config(host: Host, project: Project) -> Iterator[Finding]:
    """Look for a `.cargo/config`, which cargo reads instead of `.cargo/config.toml`."""
    stale = host.folder / ".cargo/config"
    if project.toolchain.cargo_config == ".cargo/config.toml" and stale.exists():
        yield outcome(
            "cargo configuration",
            Severity.ERROR,
            ".cargo/config wins over .cargo/config.toml, which has what makes this a driver",
            _BUILD,
            str(stale),
            f"move what it says into {project.config_name}, and delete it",
        )


def disk(host: Host, project: Project) -> Iterator[Finding]:
    """Ask for the room on the disk that cargo builds on."""
    del project
    folder = host.folder / host.env.get("CARGO_TARGET_DIR", "")
    there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
    free = host.free_bytes(there)
    told = f"{free / 1e9:.1f} GB free"
    if free < _NEEDED:
        yield outcome("disk", Severity.ERROR, told, _BUILD, str(there), "make room on that disk")
    else:
        yield outcome("disk", Severity.OK, told, _BUILD, str(there))


def clock(host: Host, project: Project) -> Iterator[Finding]:
    """Hold the clock against the times of files, which were written before now."""
    del project
    names = ("config.toml", "Cargo.toml", "Makefile.toml", "build.rs", "src/lib.rs")
    own = Path(__file__)
    for file in (own, *(host.folder / name for name in names)):
        if file.is_file() and file.stat().st_mtime > host.now + _DAY:
            written = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
            yield outcome(
                "clock",
                Severity.NOTE,
                f"it is {_day(host)} here, and a file is of {written:%Y-%m-%d}",
                (Task.SIGN, Task.VERIFY),
                str(file),
                "if the clock is wrong, set it: certificates and time stamps depend on it",
            )
            return
    yield outcome("clock", Severity.OK, f"{_day(host)}, after all files", (Task.SIGN, Task.VERIFY))


def _day(host: Host) -> str:
    return f"{dt.datetime.fromtimestamp(host.now, dt.UTC):%Y-%m-%d %H:%M} UTC"


def _target_variable(triple: str) -> str:
    return f"CARGO_TARGET_{triple.upper().replace('-', '_')}_RUSTFLAGS"


def _unset(host: Host, name: str) -> str:
    return f"set {name}=" if host.is_windows else f"unset {name}"
