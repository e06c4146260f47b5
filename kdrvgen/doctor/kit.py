"""The Windows Driver Kit, where build.rs finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project
from kdrvgen.model.wdk import FRAMEWORK_MAJORS
from kdrvgen.report.finding import Finding, Severity

__all__ = ["kit", "registered", "versions"]

_ROOTS = r"SOFTWARE\Microsoft\Windows Kits\Installed Roots"
_ARCHITECTURES = {"x86_64": "x64", "i686": "x86", "aarch64": "arm64"}
_WHERE = "install the Windows Driver Kit, or name its root by wdk.path in the configuration"


def kit(host: Host, project: Project) -> Iterator[Finding]:
    """Look for the kit's libraries for each target."""
    if project.wdk.locate == "none":
        return
    places = _places(host, project)
    looked = "; ".join(f"{name}: {place or 'not set'}" for name, place in places)
    for triple in project.driver.triples:
        architecture = _ARCHITECTURES[triple.partition("-")[0]]
        found = next(
            (
                libraries
                for _, place in places
                if place
                for root in _kits(Path(place), architecture)
                if (libraries := _libraries(root, architecture, host, project))
            ),
            None,
        )
        if found is None:
            yield _lacking(host, project, triple, looked)
        elif framework := _lacks_framework(found, architecture, project):
            yield outcome("WDK", Severity.ERROR, framework, (Task.BUILD,), str(found), _WHERE)
        else:
            version = found.parent.parent.name
            yield outcome("WDK", Severity.OK, f"{version} for {triple}", (Task.BUILD,), str(found))


def _places(host: Host, project: Project) -> list[tuple[str, str]]:
    """Return where kits may be, each with what names it; "" where that is not set."""
    locate = project.wdk.locate
    if locate == "path":
        return [("wdk.path", str(host.folder / project.wdk.path))]
    places = []
    if locate != "registry":
        places.append(("WDKContentRoot", host.env.get("WDKContentRoot", "")))
        root = host.env.get("MicrosoftKitRoot", "")
        version = host.env.get("WDKKitVersion") or "10"
        places.append(
            ("MicrosoftKitRoot", str(Path(root, "Windows Kits", version)) if root else "")
        )
    if locate != "env":
        places += [
            (f"KitsRoot10 in the {view}-bit registry", registered(host, view)) for view in (64, 32)
        ]
    return places


def registered(host: Host, view: int) -> str:
    """Return the kits' root that the installers wrote to the registry; "" when they did not."""
    return str(host.registry(_ROOTS, "KitsRoot10", view) or "").strip()


def _kits(place: Path, architecture: str) -> list[Path]:
    """Return the kits at a place: the place itself, and what NuGet's packages hold."""
    package = next(
        (
            each
            for each in (place, *place.parents)
            if each.name.lower().startswith("microsoft.windows.wdk.")
        ),
        None,
    )
    wanted = f"microsoft.windows.wdk.{architecture}"
    found = []
    for entry in _entries(package.parent if package else place):
        name = entry.name.lower()
        if name == wanted:
            found += versions(entry, ())
        elif name.startswith(f"{wanted}.") and (version := _numbers(name[len(wanted) + 1 :])):
            found.append((version, entry))
    inner = (folder / "c" for _, folder in sorted(found, reverse=True))
    return [place, place / "c", *inner]


def _libraries(root: Path, architecture: str, host: Host, project: Project) -> Path | None:
    """Return the kit's folder of libraries for the driver's mode and an architecture."""
    asked = project.wdk.version
    if not asked and project.wdk.locate not in {"registry", "path"}:
        asked = host.env.get("Version_Number", "")
    mode = "um" if project.driver.model == "umdf" else "km"
    every = _inside(root, "Lib")
    for _, version in versions(every, _numbers(asked) or ()) if every else ():
        modes = _inside(version, mode)
        found = _inside(modes, architecture) if modes else None
        if found and _entries(found):
            return found
    return None


def _lacks_framework(libraries: Path, architecture: str, project: Project) -> str:
    """Return which framework is not beside the libraries; "" when it is, or none is needed."""
    model = project.driver.model
    if model == "wdm":
        return ""
    wanted = project.wdk.framework_version or str(FRAMEWORK_MAJORS[model])
    folder: Path | None = libraries.parents[2]
    for name in ("wdf", model, architecture):
        folder = _inside(folder, name) if folder else None
    if folder and versions(folder, _numbers(wanted) or ()):
        return ""
    return f"the kit has no {model.upper()} {wanted}"


def _lacking(host: Host, project: Project, triple: str, looked: str) -> Finding:
    if project.wdk.locate == "auto" and project.driver.model == "wdm":
        return outcome(
            "WDK",
            Severity.NOTE if host.is_windows else Severity.OK,
            f"none for {triple}; none is needed if the driver imports by raw-dylib alone",
            (Task.BUILD,),
            advice='wdk.locate = "none" in the configuration says so' if host.is_windows else "",
        )
    return outcome(
        "WDK",
        Severity.ERROR,
        f"none for {triple}; looked at {looked}",
        (Task.BUILD,),
        advice=_WHERE,
    )


def versions(folder: Path, wanted: Sequence[int]) -> list[tuple[tuple[int, ...], Path]]:
    """Return the entries named by a version that begins with `wanted`, the newest first."""
    found = [
        (version, entry)
        for entry in _entries(folder)
        if (version := _numbers(entry.name)) and version[: len(wanted)] == tuple(wanted)
    ]
    return sorted(found, reverse=True)


def _numbers(version: str) -> tuple[int, ...] | None:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})*", version, re.ASCII):
        return None
    return tuple(map(int, version.split(".")))


def _inside(folder: Path, name: str) -> Path | None:
    """Return the entry of that name; case does not count, as on Windows."""
    return next((entry for entry in _entries(folder) if entry.name.lower() == name.lower()), None)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
