"""What `kdrvgen verify` does, once the libraries of the extra `verify` are there."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kdrvgen.commands.arguments import several
from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.images import PACKAGE_FOLDER, Found, find
from kdrvgen.commands.origins import with_origins
from kdrvgen.commands.page_file import new_page
from kdrvgen.commands.tally import Tally
from kdrvgen.config import load
from kdrvgen.errors import UsageError
from kdrvgen.inspection.checks import RULES
from kdrvgen.inspection.checks.subject import Expected
from kdrvgen.inspection.expected import expected_from
from kdrvgen.inspection.inspect import Inspection, inspect
from kdrvgen.inspection.page import page_parts
from kdrvgen.inspection.signature.certificates import MAX_CERTIFICATES, Certificate, load_all
from kdrvgen.model import Project
from kdrvgen.output.regular import read_regular
from kdrvgen.packaging.checks.inspect import RULES as PACKAGE_RULES
from kdrvgen.packaging.checks.inspect import PackageInspection, inspect_package
from kdrvgen.packaging.checks.listed_image import with_catalog
from kdrvgen.report.finding import Severity
from kdrvgen.report.reporter import Reporter

__all__ = ["verify_file", "verify_files", "verify_folder"]


def verify_folder(folder: Path, trust: Iterable[str | os.PathLike[str]]) -> PackageInspection:
    """Check one package, as `kdrvgen.verify_package` describes it."""
    return inspect_package(folder, trusted=_certificates(trust))


def verify_file(
    file: Path, config: Path | None, profile: str | None, trust: Iterable[str | os.PathLike[str]]
) -> Inspection:
    """Check one image, as `kdrvgen.verify` describes it."""
    expected = _expected(file, load(config), config.parent, profile) if config else None
    trusted = _certificates(trust)
    inspection = inspect(file, expected=expected, trusted=trusted)
    return _respecting_catalogs(inspection, expected, trusted)


def verify_files(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Check what the arguments of `kdrvgen verify` name, and report the findings.

    Each image is forgotten before the next one is read.
    """
    reporter.progress("looking for images")
    found = find(arguments.files)
    reporter.offer_sarif((*RULES, *(PACKAGE_RULES if found.packages else ())))
    trusted = _certificates(arguments.trust)
    tally = Tally()
    inspections = tally.counting(_reported(arguments, found, trusted, reporter))
    if arguments.html:
        names = [str(path) for path in (*found.images, *found.packages)]
        with new_page(Path(arguments.html)) as page_file:
            for part in page_parts(inspections, names):
                page_file.write(part)
    else:
        for _ in inspections:
            pass
    reporter.progress("")
    if tally.packages:
        reporter.data("packages", tally.packages)
    reporter.summary("images", tally.images, tally.summary())
    return tally.fail(Severity(arguments.fail_on))


def _reported(
    arguments: argparse.Namespace,
    found: Found,
    trusted: Sequence[Certificate],
    reporter: Reporter,
) -> Iterator[Inspection | PackageInspection]:
    """Inspect each file and package and report its findings, then yield the inspection."""
    files = found.images
    projects: dict[Path, Project] = {}
    for number, file in enumerate(files, 1):
        if len(files) > 1:
            reporter.progress(f"verifying {number}/{len(files)} {file}")
        config = None if arguments.no_config else _config(arguments.config, file)
        if config is not None and config not in projects:
            projects[config] = load(config)
        expected = (
            _expected(file, projects[config], config.parent, arguments.profile) if config else None
        )
        is_umdf = file in found.umdf
        inspection = inspect(file, expected=expected, trusted=trusted, is_umdf=is_umdf)
        inspection = _respecting_catalogs(inspection, expected, trusted)
        if config is not None:
            inspection = inspection._replace(
                findings=tuple(with_origins(inspection.findings, config))
            )
        reporter.answer_findings(inspection.findings)
        yield inspection
    for folder in found.packages:
        reporter.progress(f"verifying {folder}")
        package = inspect_package(folder, trusted=trusted)
        reporter.answer_findings(package.findings)
        yield package


def _config(given: str | None, file: Path) -> Path | None:
    return Path(given) if given else config_of(file)


def _certificates(files: Iterable[str | os.PathLike[str]]) -> tuple[Certificate, ...]:
    certificates: list[Certificate] = []
    for file in several("trust", files):
        try:
            certificates += load_all(read_regular(Path(file), MAX_CERTIFICATES))
        except ValueError:
            raise UsageError(f"{file} does not contain a certificate as PEM or DER.") from None
    return tuple(certificates)


def _expected(file: Path, project: Project, folder: Path, profile: str | None) -> Expected:
    # The folder above a package names the profile, and has the certificate too.
    built = file.parent.parent / file.name if file.parent.name == PACKAGE_FOLDER else file
    return expected_from(project, built, folder, profile)


def _respecting_catalogs(
    inspection: Inspection, expected: Expected | None, trusted: Iterable[Certificate]
) -> Inspection:
    """Return the inspection of an image that can have its signature in a catalog."""
    # An own driver has the signature that its configuration names.
    is_own = expected is not None and expected.signing.mode != "off"
    return inspection if is_own else with_catalog(inspection, trusted)
