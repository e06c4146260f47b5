"""What `kdrvgen verify` does, once the libraries of the extra `verify` are there."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

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
from kdrvgen.report.finding import Severity, at_least, counted
from kdrvgen.report.reporter import Reporter
from kdrvgen.spelling import first_of

__all__ = ["verify_file", "verify_files"]

_TITLE = b"<title>kdrvgen verify:"
_HEAD = 1024
"""The title of a report is in its first bytes."""
_MAX_NAMED = 3


def verify_file(
    file: Path, config: Path | None, profile: str | None, trust: Iterable[str | os.PathLike[str]]
) -> Inspection:
    """Check one image, as `kdrvgen.verify` describes it."""
    project = load(config) if config else None
    folder = config.parent if config else Path()
    return _inspected(file, project, folder, profile, _certificates(trust))


def verify_files(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Check the images that the arguments of `kdrvgen verify` name, and report the findings."""
    reporter.progress("looking for images")
    files = list(_files(arguments.files))
    trusted = _certificates(arguments.trust)
    projects: dict[Path, Project] = {}
    inspections = []
    for number, file in enumerate(files, 1):
        if len(files) > 1:
            reporter.progress(f"verifying {number}/{len(files)} {file}")
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
    reporter.progress("")
    findings = [finding for inspection in inspections for finding in inspection.findings]
    reporter.answer_findings(findings)
    reporter.offer_sarif(RULES)
    reporter.summary(
        "images", [as_data(inspection) for inspection in inspections], _summary(inspections)
    )
    if arguments.html:
        _write_page(Path(arguments.html), inspections)
    return _fail(inspections, arguments.fail_on)


def _files(named: Sequence[str]) -> Iterator[Path]:
    """Yield the images; without words those of the project or workspace that is here."""
    if not named:
        yield from _images_of(find_configs(()))
    for path in map(Path, named):
        if path.suffix == ".toml":
            yield from _images_of(find_configs([str(path)]))
        elif not path.is_dir():
            yield path
        elif below := sorted(_images_below(path)):
            yield from below
        else:
            raise UsageError(f"{path} contains no *.sys. `cargo make sign` creates one.")


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


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield each *.sys in a folder and below; do not follow links to folders."""
    pending = [os.fspath(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.name.lower().endswith(".sys"):
                    yield Path(entry.path)


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
    expected = expected_from(project, file, folder, profile) if project is not None else None
    return inspect(file, expected=expected, trusted=trusted)


def _summary(inspections: Sequence[Inspection]) -> str:
    lines = [f"{inspection.path}: {_counted([inspection])}" for inspection in inspections]
    if len(inspections) > 1:
        lines.append(f"{len(inspections)} images: {_counted(inspections)}")
    return "\n".join(lines)


def _counted(inspections: Sequence[Inspection]) -> str:
    findings = [finding for inspection in inspections for finding in inspection.findings]
    return ", ".join(counted(findings)) or "no findings"


def _write_page(path: Path, inspections: Sequence[Inspection]) -> None:
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


def _fail(inspections: Sequence[Inspection], fail_on: str) -> int:
    failed = [
        inspection for inspection in inspections if at_least(inspection.findings, Severity(fail_on))
    ]
    if not failed:
        return 0
    names = first_of([str(inspection.path) for inspection in failed], _MAX_NAMED)
    raise VerificationError(f"{names}: {_counted(failed)}.")
