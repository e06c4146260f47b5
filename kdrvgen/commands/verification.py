"""What `kdrvgen verify` does, once the libraries of the extra `verify` are there."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.projects import find_configs
from kdrvgen.config import load
from kdrvgen.errors import FileAccessError, UsageError, VerificationError
from kdrvgen.inspection.checks import RULES
from kdrvgen.inspection.data import as_data
from kdrvgen.inspection.expected import expected_from
from kdrvgen.inspection.inspect import Inspection, inspect
from kdrvgen.inspection.page import page
from kdrvgen.inspection.signature.certificates import Certificate, load_all
from kdrvgen.model import Project
from kdrvgen.output.paths import shown
from kdrvgen.packaging.checks.contents import is_package
from kdrvgen.packaging.checks.inspect import RULES as PACKAGE_RULES
from kdrvgen.packaging.checks.inspect import PackageInspection, inspect_package
from kdrvgen.packaging.checks.inspect import as_data as package_as_data
from kdrvgen.report.finding import Severity, at_least, counted
from kdrvgen.report.reporter import Reporter
from kdrvgen.spelling import first_of, quantity

__all__ = ["verify_file", "verify_files", "verify_folder"]

_TITLE = b"<title>kdrvgen verify:"
_HEAD = 1024
"""The title of a report is in its first bytes."""
_MAX_NAMED = 3
_PACKAGE = "package"  # the name of the folder that `kdrvgen package` makes beside the image


class _Found(NamedTuple):
    """The images and the folders of packages to check."""

    images: list[Path]
    packages: list[Path]


def verify_folder(folder: Path, trust: Iterable[str | os.PathLike[str]]) -> PackageInspection:
    """Check one package, as `kdrvgen.verify_package` describes it."""
    return inspect_package(folder, trusted=_certificates(trust))


def verify_file(
    file: Path, config: Path | None, profile: str | None, trust: Iterable[str | os.PathLike[str]]
) -> Inspection:
    """Check one image, as `kdrvgen.verify` describes it."""
    project = load(config) if config else None
    folder = config.parent if config else Path()
    return _inspected(file, project, folder, profile, _certificates(trust))


def verify_files(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Check what the arguments of `kdrvgen verify` name, and report the findings."""
    reporter.progress("looking for images")
    found = _found(arguments.files)
    trusted = _certificates(arguments.trust)
    projects: dict[Path, Project] = {}
    inspections: list[Inspection | PackageInspection] = []
    for number, file in enumerate(found.images, 1):
        if len(found.images) > 1:
            reporter.progress(f"verifying {number}/{len(found.images)} {file}")
        config = None if arguments.no_config else _config(arguments.config, file)
        if config is not None and config not in projects:
            projects[config] = load(config)
        inspections.append(
            _inspected(
                file,
                projects[config] if config else None,
                config.parent if config else Path(),
                arguments.profile,
                trusted,
            )
        )
    for folder in found.packages:
        reporter.progress(f"verifying {folder}")
        inspections.append(inspect_package(folder, trusted=trusted))
    reporter.progress("")
    _report(inspections, reporter)
    if arguments.html:
        _write_page(Path(arguments.html), inspections)
    return _fail(inspections, arguments.fail_on)


def _report(inspections: Sequence[Inspection | PackageInspection], reporter: Reporter) -> None:
    images, packages = _split(inspections)
    reporter.answer_findings([finding for each in inspections for finding in each.findings])
    reporter.offer_sarif((*RULES, *(PACKAGE_RULES if packages else ())))
    if packages:
        reporter.data("packages", [package_as_data(package) for package in packages])
    reporter.summary("images", [as_data(image) for image in images], _summary(inspections))


def _split(
    inspections: Sequence[Inspection | PackageInspection],
) -> tuple[list[Inspection], list[PackageInspection]]:
    """Return the images and the packages."""
    images = [each for each in inspections if isinstance(each, Inspection)]
    return images, [each for each in inspections if isinstance(each, PackageInspection)]


def _found(named: Sequence[str]) -> _Found:
    """Return what to check; without words the images and packages of the project that is here."""
    found = _Found([], [])
    if not named:
        _add_project(found, find_configs(()))
    for path in map(Path, named):
        ending = path.suffix.lower()
        if ending == ".toml":
            _add_project(found, [str(path)])
        elif path.is_dir():
            _add_folder(found, path)
        elif ending in {".inf", ".cat"} and path.exists():
            found.packages.append(path.parent)
        else:
            found.images.append(path)
    return _Found(list(dict.fromkeys(found.images)), list(dict.fromkeys(found.packages)))


def _add_project(found: _Found, configs: Sequence[str]) -> None:
    images = _images_of(configs)
    found.images.extend(images)
    packages = [image.with_name(_PACKAGE) for image in images]
    found.packages.extend(each for each in packages if each.is_dir() and is_package(each))


def _add_folder(found: _Found, folder: Path) -> None:
    """Add the images and packages in a folder; a package is a folder with an INF and a catalog.

    A named folder is also one without catalog, which is then the finding. An image in a package is
    left out if the folder also has the same image beside the package.
    """
    images, packages = _below(folder)
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
        return one.read_bytes() == other.read_bytes()
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
            "one. To check another file, run `kdrvgen verify FILE.sys`."
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


def _config(given: str | None, file: Path) -> Path | None:
    return Path(given) if given else config_of(file)


def _certificates(files: Iterable[str | os.PathLike[str]]) -> tuple[Certificate, ...]:
    certificates: list[Certificate] = []
    for file in files:
        try:
            certificates += load_all(Path(file).read_bytes())
        except OSError as error:
            raise FileAccessError(f"{os.fspath(file)}: {error.strerror or error}") from None
        except ValueError:
            raise UsageError(
                f"{os.fspath(file)} does not contain a certificate as PEM or DER."
            ) from None
    return tuple(certificates)


def _inspected(
    file: Path,
    project: Project | None,
    folder: Path,
    profile: str | None,
    trusted: Sequence[Certificate],
) -> Inspection:
    # The folder above a package names the profile, and has the certificate too.
    built = file.parent.parent / file.name if file.parent.name == _PACKAGE else file
    expected = expected_from(project, built, folder, profile) if project is not None else None
    return inspect(file, expected=expected, trusted=trusted)


def _summary(inspections: Sequence[Inspection | PackageInspection]) -> str:
    lines = [f"{inspection.path}: {_counted([inspection])}" for inspection in inspections]
    if len(inspections) > 1:
        images, packages = _split(inspections)
        counts = ((len(images), "image"), (len(packages), "package"))
        numbers = [quantity(count, kind) for count, kind in counts if count]
        lines.append(f"{' and '.join(numbers)}: {_counted(inspections)}")
    return "\n".join(lines)


def _counted(inspections: Sequence[Inspection | PackageInspection]) -> str:
    findings = [finding for inspection in inspections for finding in inspection.findings]
    return ", ".join(counted(findings)) or "no findings"


def _write_page(path: Path, inspections: Sequence[Inspection | PackageInspection]) -> None:
    try:
        if path.is_file() and _TITLE not in path.read_bytes()[:_HEAD]:
            raise UsageError(
                f"--html {path} would overwrite a file that is not a report of kdrvgen verify. "
                "Choose another file."
            )
        # A file name can contain bytes that are not text.
        path.write_text(page(inspections), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None


def _fail(inspections: Sequence[Inspection | PackageInspection], fail_on: str) -> int:
    failed = [
        inspection for inspection in inspections if at_least(inspection.findings, Severity(fail_on))
    ]
    if not failed:
        return 0
    names = first_of([str(inspection.path) for inspection in failed], _MAX_NAMED)
    raise VerificationError(f"{names}: {_counted(failed)}.")
