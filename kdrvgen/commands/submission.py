"""`kdrvgen submission PACKAGE…`: makes the cabinet and the requests for Microsoft's signature."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from kdrvgen.commands.arguments import several
from kdrvgen.commands.config_file import config_of
from kdrvgen.commands.images import built_package
from kdrvgen.commands.whole_folder import FolderReport, compared, keep_signed, report_folder
from kdrvgen.config import load
from kdrvgen.errors import UsageError
from kdrvgen.output.paths import path_from
from kdrvgen.packaging.cabinet import read_cabinet
from kdrvgen.packaging.checks.contents import files_in
from kdrvgen.packaging.checks.subject import Package, read_packages
from kdrvgen.packaging.folder import read_folder, write_folder
from kdrvgen.packaging.submission import PRODUCT, SUBMISSION, build_submission
from kdrvgen.report.finding import Severity, at_least
from kdrvgen.report.reporter import Reporter

__all__ = ["INTERMIXED", "make_submission", "populate_parser", "run"]

INTERMIXED = True
_FOLDER = "submission"


def populate_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the command's own arguments."""
    parser.add_argument(
        "packages",
        metavar="PACKAGE",
        nargs="*",
        help="the folder of a driver package, such as target/driver/…/package (default: the one "
        "that the project in this folder or above it has made)",
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


def make_submission(
    packages: Iterable[str | os.PathLike[str]],
    *,
    config: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> FolderReport:
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
    paths = [Path(package) for package in several("packages", packages)]
    if not paths:
        raise UsageError("name at least one folder of a driver package.")
    found = Path(config) if config is not None else config_of(paths[0])
    if found is None:
        raise UsageError(f"no config.toml was found above {paths[0]}. Name one with --config.")
    project = load(found)
    beside = Path(os.path.normpath(paths[0].absolute())).parent
    folder = Path(output) if output is not None else path_from(Path(), beside / _FOLDER)
    cabinet = f"{project.driver.stem}.cab"
    before = read_folder(folder, {cabinet, PRODUCT, SUBMISSION})
    made = build_submission(project, [_packages_in(path) for path in paths])
    if at_least(made.findings, Severity.ERROR):
        return FolderReport(folder, (), made.findings)
    after = keep_signed(cabinet, made.files, before, lambda data: [*read_cabinet(data).items()])
    if after != before and not dry_run:
        write_folder(folder, after)
    return compared(folder, before, after, made.findings)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out the command and report to `reporter`.

    Returns:
        0: all failures are raised, as by `make_submission`.

    Raises:
        UsageError: No package is named, and the project has none or several.
        VerificationError: A package breaks a rule.
    """
    made = make_submission(
        arguments.packages or [built_package()],
        config=arguments.config,
        output=arguments.output,
        dry_run=arguments.dry_run,
    )
    report_folder(made, "submission", reporter, planned=arguments.dry_run)
    return 0


def _packages_in(folder: Path) -> Sequence[Package]:
    names = files_in(folder)
    infs = [path for key, path in names.items() if key.endswith(".inf") and "/" not in key]
    if not infs:
        raise UsageError(f"{folder} contains no *.inf, so it is not a driver package.")
    now = dt.datetime.now(dt.UTC)
    return [package for path in infs for package in read_packages(path, names, now)]
