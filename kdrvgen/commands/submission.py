"""`kdrvgen submission PACKAGE…`: makes the cabinet and the requests for Microsoft's signature."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kdrvgen.commands.config_file import config_of
from kdrvgen.config import load
from kdrvgen.errors import UsageError, VerificationError
from kdrvgen.packaging.cabinet import read_cabinet
from kdrvgen.packaging.checks.contents import files_in
from kdrvgen.packaging.checks.subject import Package, read_package
from kdrvgen.packaging.folder import read_folder, write_folder
from kdrvgen.packaging.submission import PRODUCT, SUBMISSION, build_submission
from kdrvgen.report.files import Status
from kdrvgen.report.finding import Finding, Severity, at_least, counted
from kdrvgen.report.reporter import Reporter

__all__ = ["INTERMIXED", "SubmissionReport", "make_submission", "populate_parser", "run"]

INTERMIXED = True
_FOLDER = "submission"


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "packages",
        metavar="PACKAGE",
        nargs="+",
        help="the folder of a driver package, such as target/driver/…/package",
    )
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="the configuration with [package.submission] (default: the one above PACKAGE)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help=f"the folder of the submission (default: {_FOLDER}, beside the first PACKAGE)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing; check the packages and list the files",
    )


class SubmissionReport(NamedTuple):
    """What was done to the folder of a submission.

    Attributes:
        folder: The folder.
        files: The name of each file and its change; none if an error prevented the submission.
        findings: What is wrong with the packages: errors, warnings and notes.
    """

    folder: Path
    files: tuple[tuple[str, Status], ...]
    findings: tuple[Finding, ...]


def make_submission(
    packages: Iterable[str | os.PathLike[str]],
    *,
    config: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> SubmissionReport:
    """Make the submission of driver packages to Microsoft's Partner Center.

    It is a cabinet, which you sign, and the bodies of two requests of Partner Center's API. Nothing
    is uploaded.

    Args:
        packages: The folders of the packages.
        config: The config.toml with `[package.submission]`; by default the one above the first
            package.
        output: The folder of the submission; by default `submission`, beside the first package.
        dry_run: Whether to write nothing.

    Returns:
        The change of each file, and the findings. With an error among them, nothing was written.

    Raises:
        UsageError: A folder has no INF, or the folder of the submission has other files.
        ConfigError: The configuration is not valid.
        FileAccessError: A file cannot be read or written.
    """
    paths = [Path(package) for package in packages]
    if not paths:
        raise UsageError("name at least one folder of a driver package.")
    found = Path(config) if config is not None else config_of(paths[0])
    if found is None:
        raise UsageError(f"no config.toml was found above {paths[0]}. Name one with --config.")
    project = load(found)
    beside = Path(os.path.normpath(paths[0].absolute())).parent
    folder = Path(output) if output is not None else _shown(beside / _FOLDER)
    cabinet = f"{project.driver.stem}.cab"
    before = read_folder(folder, {cabinet, PRODUCT, SUBMISSION})
    made = build_submission(project, [_packages_in(path) for path in paths])
    if at_least(made.findings, Severity.ERROR):
        return SubmissionReport(folder, (), made.findings)
    after = _kept(made.files, before, cabinet)
    if after != before and not dry_run:
        write_folder(folder, after)
    rows = tuple((name, _status(before.get(name), after[name])) for name in sorted(after))
    return SubmissionReport(folder, rows, made.findings)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0: all failures are raised, as by `make_submission`.

    Raises:
        VerificationError: A package breaks a rule.
    """
    made = make_submission(
        arguments.packages,
        config=arguments.config,
        output=arguments.output,
        dry_run=arguments.dry_run,
    )
    reporter.answer_findings(made.findings)
    if errors := at_least(made.findings, Severity.ERROR):
        counts = ", ".join(counted(errors))
        raise VerificationError(f"{made.folder}: the submission was not written: {counts}.")
    rows = ((status, os.path.normpath(made.folder / name), "") for name, status in made.files)
    reporter.files(rows, planned=arguments.dry_run)
    return 0


def _packages_in(folder: Path) -> Sequence[Package]:
    names = files_in(folder)
    infs = [path for key, path in names.items() if key.endswith(".inf") and "/" not in key]
    if not infs:
        raise UsageError(f"{folder} contains no *.inf, so it is not a driver package.")
    return [read_package(path, names, dt.datetime.now(dt.UTC)) for path in infs]


def _kept(
    files: Mapping[str, bytes], before: Mapping[str, bytes], cabinet: str
) -> Mapping[str, bytes]:
    """Return the files with the existing cabinet, which may be signed, if it has these files."""
    try:
        old, new = read_cabinet(before.get(cabinet, b"")), read_cabinet(files[cabinet])
    except ValueError:
        return files
    return {**files, cabinet: before[cabinet]} if list(old.items()) == list(new.items()) else files


def _shown(path: Path) -> Path:
    """Return a path relative to the current folder, if it is below it."""
    current = Path.cwd()
    return path.relative_to(current) if path.is_relative_to(current) else path


def _status(before: bytes | None, after: bytes) -> Status:
    if before is None:
        return Status.CREATED
    return Status.UNCHANGED if before == after else Status.UPDATED
