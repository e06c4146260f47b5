"""What affects a build beside its tools: variables, cargo's configuration, disk and clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from kdrvgen.doctor.check import SIGNING_TASKS, Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.validity import current_time
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.rendering.flags import target_plan
from kdrvgen.report.finding import Finding, Severity

__all__ = ["cargo_config", "clock", "disk", "rustflags"]

_BUILD = (Task.BUILD,)
_FLAGS = Check("flags for rustc", _BUILD)
_CARGO_CONFIG = Check("cargo configuration", _BUILD)
_DISK = Check("disk", _BUILD)
_CLOCK = Check("clock", SIGNING_TASKS)
_BYTES_FOR_A_BUILD = 200_000_000
_SECONDS_PER_DAY = 86_400


def rustflags(host: Host, project: Project) -> Iterator[Finding]:
    """Check for variables that replace or change the flags of the cargo configuration.

    Source: doc.rust-lang.org/cargo/reference/config.html, "build.rustflags". cargo reads the flags
    from one place only, and the environment comes first.
    """
    plans = [target_plan(project, triple) for triple in project.driver.triples]
    has_flags = any(plan.flags or any(plan.extra_flags.values()) for plan in plans)
    has_flags |= any(project.linker_for(name).reproducible for name in project.profiles)
    names_set = False
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"):
        if name not in host.env:
            continue
        names_set = True
        effect = "replaces the driver's linker arguments" if has_flags else "applies to the build"
        severity = Severity.ERROR if has_flags else Severity.NOTE
        yield _flags_in(host, name, effect, severity)
    for name in ("CARGO_BUILD_RUSTFLAGS", *map(_target_variable, project.driver.triples)):
        if name in host.env:
            names_set = True
            # The flags of a target replace those of [build].
            is_ignored = has_flags and name.startswith("CARGO_BUILD")
            effect = "is ignored" if is_ignored else "applies to the build"
            yield _flags_in(host, name, effect, Severity.NOTE)
    if not names_set:
        yield _FLAGS.ok("none in the environment")


def _flags_in(host: Host, name: str, effect: str, severity: Severity) -> Finding:
    unset = f"set {name}=" if host.is_windows else f"unset {name}"
    return _FLAGS.finding(
        severity,
        f'{name}="{host.env[name]}" in the environment {effect}',
        remedy=Remedy(f"{unset}; if the driver needs these flags, add them to linker.rustflags"),
    )


def cargo_config(host: Host, project: Project) -> Iterator[Finding]:
    """Check for a `.cargo/config`, which cargo reads instead of `.cargo/config.toml`."""
    old = host.folder / ".cargo/config"
    if project.toolchain.cargo_config == ".cargo/config.toml" and old.exists():
        yield _CARGO_CONFIG.error(
            "cargo reads .cargo/config instead of .cargo/config.toml, which has the driver's"
            " linker arguments",
            str(old),
            Remedy(f"move its settings to {project.config_name}, and delete it"),
        )


def disk(host: Host, project: Project) -> Iterator[Finding]:
    """Check the free space on the disk that cargo builds on."""
    del project
    target = host.folder / host.env.get("CARGO_TARGET_DIR", "")
    folder = next(path for path in (target, *target.absolute().parents) if path.is_dir())
    free = host.free_bytes(folder)
    message = f"{free / 1e9:.1f} GB free"
    if free < _BYTES_FOR_A_BUILD:
        message += f"; a build needs {_BYTES_FOR_A_BUILD / 1e9:.1f} GB"
        yield _DISK.error(message, str(folder), Remedy("free some space on this disk"))
    else:
        yield _DISK.ok(message, str(folder))


def clock(host: Host, project: Project) -> Iterator[Finding]:
    """Compare the clock with the times of files, which must not lie in the future."""
    del project
    names = ("config.toml", "Cargo.toml", "Makefile.toml", "build.rs", "src/lib.rs")
    now = f"{current_time(host):%Y-%m-%d %H:%M} UTC"
    for file in (Path(__file__), *(host.folder / name for name in names)):
        if file.is_file() and file.stat().st_mtime > host.now + _SECONDS_PER_DAY:
            written = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
            yield _CLOCK.note(
                f"the clock shows {now}, but a file was written on {written:%Y-%m-%d}",
                str(file),
                Remedy("if the clock is wrong, set it: certificates and timestamps depend on it"),
            )
            return
    yield _CLOCK.ok(f"{now}, later than all files")


def _target_variable(triple: str) -> str:
    return f"CARGO_TARGET_{triple.upper().replace('-', '_')}_RUSTFLAGS"
