"""All exceptions that kdrvgen raises, and the exit code of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from kdrvgen.credentials import mask_words
from kdrvgen.report.diff import changed_lines
from kdrvgen.report.files import Entry, Report
from kdrvgen.report.finding import Finding
from kdrvgen.report.human import draw
from kdrvgen.spelling import quantity

__all__ = [
    "MOST_ERRORS",
    "ConfigError",
    "DriftError",
    "FileAccessError",
    "KdrvgenError",
    "OccupiedError",
    "RefusedError",
    "ToolError",
    "UsageError",
    "VerificationError",
]


MOST_ERRORS = 100
"""How many errors of one configuration are shown. The others are only counted."""


class KdrvgenError(Exception):
    """Base of all errors that kdrvgen raises on purpose. Its text is meant for the user.

    Attributes:
        exit_code: The exit code of the command.
        rule: The rule of its finding.
        omitted: The number of errors that `findings` leaves out.
    """

    exit_code: ClassVar[int] = 1
    rule: ClassVar[str] = "internal"
    omitted: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The errors, in the form that all commands report."""
        # The message may repeat an argument of the command line.
        return (Finding(self.rule, mask_words(str(self))),)


class UsageError(KdrvgenError):
    """The command line is not valid."""

    exit_code = 2
    rule = "usage"


class ConfigError(KdrvgenError):
    """The configuration cannot be read or does not describe a driver project.

    `findings` has the errors in the order of the file, at most `MOST_ERRORS`; `omitted` counts the
    others. `str()` of the exception is the report without colour, so that a traceback in a Python
    script is readable too.
    """

    exit_code = 3
    rule = "config"

    def __init__(self, findings: Sequence[Finding], omitted: int = 0) -> None:
        super().__init__(findings, omitted)
        self._findings: tuple[Finding, ...] = tuple(findings[:MOST_ERRORS])
        self.omitted = omitted + len(findings) - len(self._findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The errors, each with its place."""
        return self._findings

    def __str__(self) -> str:

        return draw(self.findings, omitted=self.omitted)


class DriftError(KdrvgenError):
    """`--check` found a generated file that does not match the configuration."""

    exit_code = 4
    rule = "drift"


class RefusedError(KdrvgenError):
    """Writing would overwrite something of the user's, so nothing was written.

    Attributes:
        report: The planned change of each file.
    """

    exit_code = 5
    rule = "refused"

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        """Return which files prevent writing, and what the user can do."""
        blamed = "\n".join(f"  {_blame(entry)}" for entry in self.report.refused)
        return (
            f"nothing was written, because these files are not safe to write:\n{blamed}\n"
            "--diff -v shows the lines. Move your edits into the configuration (your own tasks go "
            "into [makefile]), then run kdrvgen with --force to overwrite the files. To keep a "
            "file as your own, run `kdrvgen eject FILE`. A file that a newer kdrvgen wrote needs "
            "that version. --force never follows a link out of the project, or to a file that "
            "kdrvgen did not write."
        )


def _blame(entry: Entry) -> str:
    """Return why a file is refused, and how much of it kdrvgen would change."""
    if entry.before is None or entry.after is None or entry.before == entry.after:
        return f"{entry.path}: {entry.reason}"
    added, removed = changed_lines(entry.before, entry.after)
    return f"{entry.path}: {entry.reason}; kdrvgen would {_changes(added, removed)}"


def _changes(added: int, removed: int) -> str:
    counts = {"add": added, "remove": removed}
    return " and ".join(f"{verb} {quantity(n, 'line')}" for verb, n in counts.items() if n)


class OccupiedError(RefusedError):
    """The folder of a new project is not free, so nothing was written.

    Attributes:
        folder: The folder in the form that the user would write.
    """

    def __init__(self, folder: str, reason: str, report: Report) -> None:
        super().__init__(report)
        self.folder = folder
        self._reason = reason

    def __str__(self) -> str:
        """Return what is in the way, and what the user can do."""
        return (
            f"{self.folder} {self._reason}. Nothing was written: a new project never overwrites "
            "anything. Choose another name, or another folder with -o."
        )


class VerificationError(KdrvgenError):
    """A driver image has findings."""

    exit_code = 6
    rule = "verification"


class ToolError(KdrvgenError):
    """A tool that is needed is missing, or failed."""

    exit_code = 7
    rule = "tool"


class FileAccessError(KdrvgenError):
    """A file or folder cannot be read or written: permissions, a full disk, another run."""

    exit_code = 8
    rule = "access"
