"""Reports the folder that a command replaces as a whole: a package, a submission."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kdrvgen.errors import VerificationError
from kdrvgen.report.files import Status
from kdrvgen.report.finding import Finding, Severity, at_least, counted
from kdrvgen.report.reporter import Reporter

__all__ = ["FolderReport", "compared", "keep_signed", "report_folder"]


class FolderReport(NamedTuple):
    """What was done to a folder.

    Attributes:
        folder: The folder.
        files: The name of each file and its change; none if an error prevented the folder.
        findings: What is wrong with the files: errors, warnings and notes.
    """

    folder: Path
    files: tuple[tuple[str, Status], ...]
    findings: tuple[Finding, ...]


def keep_signed(
    name: str,
    files: Mapping[str, bytes],
    before: Mapping[str, bytes],
    content: Callable[[bytes], object],
) -> Mapping[str, bytes]:
    """Return the files with the existing file `name`, which may be signed, if its content is equal.

    Args:
        name: The file.
        files: The new files.
        before: The existing files.
        content: Returns what is in the file besides a signature; raises ValueError if it is
            damaged.
    """
    try:
        is_equal = content(before.get(name, b"")) == content(files[name])
    except ValueError:
        return files
    return {**files, name: before[name]} if is_equal else files


def compared(
    folder: Path,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    findings: Sequence[Finding],
) -> FolderReport:
    """Return the report of a folder, with the change of each file."""
    files = tuple((name, _status(before.get(name), after[name])) for name in sorted(after))
    return FolderReport(folder, files, tuple(findings))


def _status(before: bytes | None, after: bytes) -> Status:
    if before is None:
        return Status.CREATED
    return Status.UNCHANGED if before == after else Status.UPDATED


def report_folder(report: FolderReport, kind: str, reporter: Reporter, *, planned: bool) -> None:
    """Print the findings and the files.

    Args:
        report: The report.
        kind: What the folder is, such as `package`.
        reporter: Prints them.
        planned: Whether nothing was written.

    Raises:
        VerificationError: There is an error among the findings.
    """
    reporter.answer_findings(report.findings)
    if errors := at_least(report.findings, Severity.ERROR):
        counts = ", ".join(counted(errors))
        raise VerificationError(f"{report.folder}: the {kind} was not written: {counts}.")
    rows = ((status, os.path.normpath(report.folder / name), "") for name, status in report.files)
    reporter.files(rows, planned=planned)
