"""What affects a build beside its tools: disk and clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from kdrvgen.doctor.check import SIGNING_TASKS, Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.probes.project import target_folders
from kdrvgen.doctor.probes.validity import current_time
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["clock", "disk"]

_BUILD = (Task.BUILD,)
_DISK = Check("disk", _BUILD)
_CLOCK = Check("clock", SIGNING_TASKS)
_BYTES_FOR_A_BUILD = 200_000_000
_SECONDS_PER_DAY = 86_400


def disk(host: Host, project: Project) -> Iterator[Finding]:
    """Check the free space on the disk that cargo builds on."""
    folder, *_ = target_folders(host, project)
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
