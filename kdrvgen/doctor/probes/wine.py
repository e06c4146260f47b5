"""Wine, which loads the driver in the task smoke."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.fix import install
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["wine"]

_SMOKE = (Task.SMOKE,)
_WINE = Check("Wine", _SMOKE)
_DISK = Check("disk", _SMOKE)
# In the order in which the task searches for them.
_WINES = ("wine64", "/usr/lib/wine/wine64", "/usr/lib/wine/wine", "wine")
_SERVERS = ("wineserver", "/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver")
_BYTES_FOR_WINE = 1_000_000_000


def wine(host: Host, project: Project) -> Iterator[Finding]:
    """Check Wine, its server, and the disk space that they need."""
    if host.is_windows:
        remedy = Remedy("to load the driver into Windows: cargo make start")
        yield _WINE.error("does not run on Windows", remedy=remedy)
        return
    if not any(triple.startswith("x86_64-") for triple in project.driver.triples):
        yield _WINE.error("Wine's 64-bit kernel loads x86_64 drivers only")
        return
    program = next(filter(None, map(host.which, _WINES)), "")
    remedy = install(host, "wine")
    if not program:
        yield _WINE.error("is not installed", remedy=remedy)
        return
    answer = host.run((program, "--version"))
    if answer.is_refused:
        yield _WINE.note(answer.text, program)
        return
    if answer.code != 0:
        # Installing it again would not repair it.
        yield _WINE.error(f"does not run: {answer.first_line}", program)
        return
    if not any(map(host.which, _SERVERS)):
        yield _WINE.error("its wineserver is not installed", program, Remedy(remedy.advice))
        return
    yield _WINE.ok(answer.first_line, program)
    yield from _disk(host)


def _disk(host: Host) -> Iterator[Finding]:
    base = host.user_folder("XDG_CACHE_HOME", ".cache")
    if base is None:
        message = "HOME is not set to an absolute path; Wine's folder is below it"
        yield _WINE.error(message, remedy=Remedy("set HOME, or XDG_CACHE_HOME"))
        return
    prefix = base / "kdrvgen/smoke/wine"
    if (prefix / "ready").exists():
        return
    folder = next(path for path in prefix.parents if path.is_dir())
    free = host.free_bytes(folder)
    if free < _BYTES_FOR_WINE:
        message = f"{free / 1e9:.1f} GB free; Wine's folder needs {_BYTES_FOR_WINE / 1e9:.1f} GB"
        yield _DISK.error(message, str(folder), Remedy("free some space on this disk"))
