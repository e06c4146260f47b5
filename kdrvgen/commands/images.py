"""Finds the images and packages that were built: what `verify`, `package` and `submission` take."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kdrvgen.commands.projects import find_configs
from kdrvgen.config import load
from kdrvgen.errors import UsageError
from kdrvgen.model import Project
from kdrvgen.output.paths import shown
from kdrvgen.packaging.checks.contents import is_package, umdf_drivers
from kdrvgen.spelling import first_of

__all__ = ["PACKAGE_FOLDER", "Found", "built_image", "built_package", "find"]

PACKAGE_FOLDER = "package"
"""The name of the folder with the driver package, beside the image."""

_MOST_LISTED = 6


class Found(NamedTuple):
    """The images and the folders of packages.

    Attributes:
        images: The images.
        packages: The folders of packages.
        umdf: The images that are UMDF drivers, according to the INF files of the packages.
    """

    images: list[Path]
    packages: list[Path]
    umdf: set[Path]


def find(named: Sequence[str]) -> Found:
    """Return what the names stand for; without names, what the project here or above has built.

    Raises:
        UsageError: The project has no image yet, or a folder has neither an image nor a package.
    """
    found = Found([], [], set())
    if not named:
        _add_project(found, find_configs(()))
    for path in map(Path, named):
        ending = path.suffix.lower()
        if ending == ".toml":
            _add_project(found, find_configs([str(path)]))
        elif path.is_dir():
            _add_folder(found, path)
        elif ending in {".inf", ".cat"} and path.exists():
            found.packages.append(path.parent)
        elif ending == ".cab":
            raise UsageError(
                f"{path} is a cabinet. Name the folders of its packages, or unpack it, for example "
                "with cabextract. `cargo make submission` checks the cabinet that it makes."
            )
        else:
            found.images.append(path)
    images, packages = dict.fromkeys(found.images), dict.fromkeys(found.packages)
    return Found(list(images), list(packages), found.umdf)


def built_image() -> Path:
    """Return the image that the project in this folder or above it has built.

    Raises:
        UsageError: It has none, or several.
    """
    return _only("image", find(()).images)


def built_package() -> Path:
    """Return the package that the project in this folder or above it has made.

    Raises:
        UsageError: It has none, or several.
    """
    found = find(()).packages
    if not found:
        raise UsageError(
            "no driver package was made yet. `cargo make package` makes one. You can also name its "
            "folder."
        )
    return _only("package", found)


def _only(kind: str, found: Sequence[Path]) -> Path:
    if len(found) > 1:
        raise UsageError(f"there are {len(found)} {kind}s: name one of {_listed(found)}.")
    return found[0]


def _listed(paths: Sequence[Path]) -> str:
    return first_of([str(path) for path in paths], _MOST_LISTED)


def _add_project(found: Found, configs: Sequence[str]) -> None:
    images = _images_of(configs)
    found.images.extend(images)
    packages = [image.with_name(PACKAGE_FOLDER) for image in images]
    found.packages.extend(each for each in packages if each.is_dir() and is_package(each))


def _add_folder(found: Found, folder: Path) -> None:
    """Add the images and packages in a folder; a package is a folder with an INF and a catalog.

    A named folder is also one without catalog, which is then the finding. An image in a package is
    left out if the folder also has the same image beside the package.
    """
    images, packages = _below(folder)
    umdf = [driver for package in packages for driver in umdf_drivers(package)]
    found.umdf.update(umdf)
    images = sorted({*images, *umdf})
    if not images and not packages:
        raise UsageError(
            f"{folder} contains no *.sys and no package. `cargo make sign` creates one."
        )
    found.packages.extend(packages)
    for image in images:
        beside = image.parent.parent / image.name
        is_copy = image.parent in packages and beside in images and _are_equal(image, beside)
        if not is_copy:
            found.images.append(image)


def _are_equal(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)  # False for a pipe, without opening it
    except OSError:
        return False


def _images_of(configs: Sequence[str]) -> list[Path]:
    """Return the images that `cargo make sign` made for projects, for all targets and profiles."""
    found, folders = [], []
    for config in configs:
        project = load(config)
        for place in _outputs(project, Path(config).parent):
            folders.append(place.parent)
            if place.is_file():
                found.append(place)
    if not found:
        raise UsageError(
            f"no image was built yet, such as {folders[0]}{os.sep}*.sys. `cargo make sign` creates "
            "one. You can also name a file."
        )
    return found


def _outputs(project: Project, root: Path) -> Iterator[Path]:
    """Yield the path of the signed image for each target and profile."""
    driver = project.driver
    variable = os.environ.get("CARGO_TARGET_DIR")
    target_dir = Path(variable) if variable else None
    for triple in driver.triples:
        for profile in project.profiles:
            folder = driver.output_folder(root, triple, profile, target_dir)
            yield Path(shown(folder, driver.image))


def _below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return each *.sys in a folder and below, and each package; do not follow links to folders."""
    images, packages = [], []
    pending = [os.fspath(folder)]
    while pending:
        place = pending.pop()
        endings = set()
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                endings.add(Path(entry.name).suffix.lower())
                if entry.name.lower().endswith(".sys"):
                    images.append(Path(entry.path))
        if ".inf" in endings and (".cat" in endings or place == os.fspath(folder)):
            packages.append(Path(place))
    return sorted(images), sorted(packages)
