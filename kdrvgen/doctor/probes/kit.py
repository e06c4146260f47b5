"""The Windows Driver Kit, in the places where build.rs searches for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.model.wdk import FRAMEWORK_MAJORS
from kdrvgen.report.finding import Finding

__all__ = ["environment_roots", "kit", "kits_at", "registered", "versions"]

_ROOTS = r"SOFTWARE\Microsoft\Windows Kits\Installed Roots"
_ARCHITECTURES = {"x86_64": "x64", "i686": "x86", "aarch64": "arm64"}
_WDK = Check("WDK", (Task.BUILD,))
_INSTALL = Remedy("install the Windows Driver Kit, or set wdk.path to its root")


def kit(host: Host, project: Project) -> Iterator[Finding]:
    """Check the kit's libraries for each target."""
    if project.wdk.locate == "none":
        return
    places = _places(host, project)
    searched = "; ".join(f"{name}: {place or 'not set'}" for name, place in places)
    for triple in project.driver.triples:
        architecture = _ARCHITECTURES[triple.partition("-")[0]]
        folders = (
            _libraries(root, architecture, host, project)
            for _, place in places
            if place
            for root in kits_at(Path(place), architecture)
        )
        libraries = next(filter(None, folders), None)
        if libraries is None:
            yield _no_kit(host, project, triple, searched)
        elif framework := _missing_framework(libraries, architecture, project):
            yield _WDK.error(f"the kit has no {framework}", str(libraries), _INSTALL)
        else:
            version = libraries.parent.parent.name
            yield _WDK.ok(f"{version} for {triple}", str(libraries))


def _places(host: Host, project: Project) -> list[tuple[str, str]]:
    """Return the possible places of kits, each after the setting that names it; "" if not set."""
    locate = project.wdk.locate
    if locate == "path":
        return [("wdk.path", str(host.folder / project.wdk.path))]
    places = []
    if locate != "registry":
        places += environment_roots(host)
    if locate != "env":
        places += [
            (f"KitsRoot10 in the {view}-bit registry", registered(host, view)) for view in (64, 32)
        ]
    return places


def environment_roots(host: Host) -> list[tuple[str, str]]:
    """Return the roots of kits in the environment, each after its variable; "" if not set."""
    root = host.env.get("MicrosoftKitRoot", "")
    version = host.env.get("WDKKitVersion") or "10"
    return [
        ("WDKContentRoot", host.env.get("WDKContentRoot", "")),
        ("MicrosoftKitRoot", str(Path(root, "Windows Kits", version)) if root else ""),
    ]


def registered(host: Host, view: int) -> str:
    """Return the root of the kits that an installer wrote to the registry; "" if none did."""
    return str(host.registry(_ROOTS, "KitsRoot10", view) or "").strip()


def kits_at(place: Path, architecture: str) -> list[Path]:
    """Return the kits at a place: the place itself, and those in packages of NuGet."""
    package = next(
        (
            folder
            for folder in (place, *place.parents)
            if folder.name.lower().startswith("microsoft.windows.wdk.")
        ),
        None,
    )
    wanted = f"microsoft.windows.wdk.{architecture}"
    packages = []
    for entry in _entries(package.parent if package else place):
        name = entry.name.lower()
        if name == wanted:
            packages += versions(entry, ())
        elif name.startswith(f"{wanted}.") and (version := _numbers(name[len(wanted) + 1 :])):
            packages.append((version, entry))
    inner = (folder / "c" for _, folder in sorted(packages, reverse=True))
    return [place, place / "c", *inner]


def _libraries(root: Path, architecture: str, host: Host, project: Project) -> Path | None:
    """Return the kit's library folder for the driver's mode and an architecture."""
    wanted = project.wdk.version
    if not wanted and project.wdk.locate not in {"registry", "path"}:
        wanted = host.env.get("Version_Number", "")
    mode = "um" if project.driver.model == "umdf" else "km"
    lib = _inside(root, "Lib")
    for _, version in versions(lib, _numbers(wanted) or ()) if lib else ():
        modes = _inside(version, mode)
        libraries = _inside(modes, architecture) if modes else None
        if libraries and _entries(libraries):
            return libraries
    return None


def _missing_framework(libraries: Path, architecture: str, project: Project) -> str:
    """Return the framework that the kit lacks; "" if it has it, or none is needed."""
    model = project.driver.model
    if model == "wdm":
        return ""
    wanted = project.wdk.framework_version or str(FRAMEWORK_MAJORS[model])
    folder: Path | None = libraries.parents[2]
    for name in ("wdf", model, architecture):
        folder = _inside(folder, name) if folder else None
    if folder and versions(folder, _numbers(wanted) or ()):
        return ""
    return f"{model.upper()} {wanted}"


def _no_kit(host: Host, project: Project, triple: str, searched: str) -> Finding:
    if project.wdk.locate != "auto" or project.driver.model != "wdm":
        return _WDK.error(f"no kit for {triple}; searched {searched}", remedy=_INSTALL)
    message = f"no kit for {triple}; a driver that imports only with raw-dylib needs none"
    if host.is_windows:
        return _WDK.note(message, remedy=Remedy('if it needs none, set wdk.locate = "none"'))
    return _WDK.ok(message)


def versions(folder: Path, wanted: Sequence[int]) -> list[tuple[tuple[int, ...], Path]]:
    """Return the entries whose name is a version that begins with `wanted`, the newest first."""
    matching = [
        (version, entry)
        for entry in _entries(folder)
        if (version := _numbers(entry.name)) and version[: len(wanted)] == tuple(wanted)
    ]
    return sorted(matching, reverse=True)


def _numbers(version: str) -> tuple[int, ...] | None:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})*", version, re.ASCII):
        return None
    return tuple(map(int, version.split(".")))


def _inside(folder: Path, name: str) -> Path | None:
    """Return the entry of that name, ignoring case as Windows does."""
    return next((entry for entry in _entries(folder) if entry.name.lower() == name.lower()), None)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
