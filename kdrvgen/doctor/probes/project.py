"""The project's own files and folders: what cargo needs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kdrvgen.agreement.manifest import Manifest, read_manifest
from kdrvgen.doctor.cargo_files import read_cargo_files
from kdrvgen.doctor.check import NO_REMEDY, Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.output.paths import real_path
from kdrvgen.report.finding import Finding

__all__ = ["project_files", "target_folders"]

_BUILD = (Task.BUILD,)
_PROJECT = Check("project", _BUILD)
_FOLDER = Check("target directory", _BUILD)
_SET_TARGET = "set CARGO_TARGET_DIR to a folder in which you can write"
_SET_LOCAL = "set CARGO_TARGET_DIR to a folder on a drive of this machine"
_COPY = "copy the project to a folder of your own"
_ADOPT = "`kdrvgen new` creates a whole project; for your own sources, run: cargo init --lib"


def project_files(host: Host, project: Project) -> Iterator[Finding]:
    """Check Cargo.toml and the library's source, and the folders that a build writes to."""
    with suppress(ConfigError):  # another probe reports it, with its place
        yield _manifest(host, read_manifest(host.folder, project.driver.workspace_root))
    yield from _writable(host, project)


def _manifest(host: Host, manifest: Manifest | None) -> Finding:
    if manifest is None:
        place = host.folder / "Cargo.toml"
        return _PROJECT.error(
            "no Cargo.toml; cargo builds packages only", str(place), Remedy(_ADOPT)
        )
    name = manifest.own.get("lib", "path")
    source = host.folder / (name if isinstance(name, str) else "src/lib.rs")
    if not source.is_file():
        remedy = Remedy("create it, or set path under [lib] in Cargo.toml")
        return _PROJECT.error("the source of the library does not exist", str(source), remedy)
    return _PROJECT.ok("Cargo.toml and the source of the library exist", str(host.folder))


def _writable(host: Host, project: Project) -> Iterator[Finding]:
    root = host.folder / (project.driver.workspace_root or "")
    driver = project.driver
    target, *others = target_folders(host, project)
    if host.is_windows and _is_in_network(target):
        message = "this is a network folder: the tasks cannot build, and Windows loads no driver"
        yield _FOLDER.error(message, str(target), Remedy(_SET_LOCAL))
        return
    advice = dict.fromkeys((target, *others), _SET_TARGET)
    if driver.output_dir:
        for profile in project.profiles:
            for triple in driver.triples:
                output = driver.output_folder(host.folder, triple, profile)
                advice.setdefault(_existing(output), f"change driver.output-dir, or {_COPY}")
    # Cargo writes Cargo.lock beside the workspace's manifest.
    if not (root / "Cargo.lock").exists():
        advice.setdefault(_existing(root), _COPY)
    for place, remedy in advice.items():
        if not host.is_writable(place):
            yield _FOLDER.error(
                "you cannot write here, and the tasks must", str(place), Remedy(remedy)
            )
            return
    if host.can_link(target):
        yield _FOLDER.ok("can be written", str(target))
    else:
        message = "this file system has no hard links; cargo copies files instead, and is slower"
        yield _FOLDER.note(message, str(target), NO_REMEDY)


def _is_in_network(folder: Path) -> bool:
    r"""Return whether a folder is on another machine, also on a drive that has a letter.

    cargo-make changes to the project's folder by its real path, which is then `\\?\UNC\…`. There,
    Windows takes a `/` as a part of a name (Microsoft Learn, "Naming Files, Paths").
    """
    return any(str(path).startswith("\\\\") for path in (folder, real_path(folder)))


def target_folders(host: Host, project: Project) -> tuple[Path, ...]:
    """Return the folders that a build writes to, or the nearest ones above that exist already.

    The first is cargo's. The tasks have their files in the same one or, if another variable or a
    cargo configuration sets `build.target-dir`, in that of the project.
    """
    own = host.folder / (project.driver.workspace_root or "") / "target"
    if variable := host.env.get("CARGO_TARGET_DIR"):
        return (_existing(host.folder / variable),)
    of_cargo = own
    if variable := host.env.get("CARGO_BUILD_TARGET_DIR"):
        of_cargo = host.folder / variable
    elif found := read_cargo_files(host).value("build", "target-dir"):
        file, value = found
        of_cargo = file.base / str(value)
    return tuple(dict.fromkeys((_existing(of_cargo), _existing(own))))


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
