"""Wine, in whose kernel the task smoke loads the driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.packages import install
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Severity

__all__ = ["wine"]

_SMOKE = (Task.SMOKE,)
# As smoke.sh looks for them.
_WINES = ("wine64", "/usr/lib/wine/wine64", "/usr/lib/wine/wine", "wine")
_SERVERS = ("wineserver", "/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver")
_NEEDED = 1_000_000_000


def wine(host: Host, project: Project) -> Iterator[Finding]:
    """Look for Wine, for its server, and for the room that they want."""
    if host.is_windows:
        yield _missing("Windows has a kernel of its own", "", "cargo make start")
        return
    if not any(triple.startswith("x86_64-") for triple in project.driver.triples):
        yield _missing("Wine's 64-bit kernel loads x86_64 drivers only", "", "")
        return
    program = next(filter(None, map(host.which, _WINES)), "")
    remedy = install(host, "wine")
    if not program:
        yield outcome(
            "Wine", Severity.ERROR, "is not installed", _SMOKE, "", remedy.advice, remedy.commands
        )
        return
    answer = host.run((program, "--version"))
    if answer.code != 0:
        yield _missing(f"does not run: {answer.first_line}", program, remedy.advice)
        return
    if not any(map(host.which, _SERVERS)):
        yield _missing("its wineserver is not installed", program, remedy.advice)
        return
    yield outcome("Wine", Severity.OK, answer.first_line, _SMOKE, program)
    yield from _room(host)


def _room(host: Host) -> Iterator[Finding]:
    base = host.env.get("XDG_CACHE_HOME") or str(Path(host.env.get("HOME", "/"), ".cache"))
    prefix = Path(base, "kdrvgen/smoke/wine")
    if (prefix / "ready").exists():
        return
    there = next(folder for folder in prefix.parents if folder.is_dir())
    free = host.free_bytes(there)
    if free < _NEEDED:
        told = f"{free // 1_000_000} MB are free, and Wine's folder takes 700"
        yield outcome("disk", Severity.ERROR, told, _SMOKE, str(there), "make room on that disk")


def _missing(message: str, place: str, advice: str) -> Finding:
    return outcome("Wine", Severity.ERROR, message, _SMOKE, place, advice)
