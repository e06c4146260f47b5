"""Everything kdrvgen raises, and the exit code that each class stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from kdrvgen.credentials import mask_words
from kdrvgen.report.files import Report
from kdrvgen.report.finding import Finding
from kdrvgen.report.human import draw

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
"""How many errors in one configuration are shown. The others are counted."""


class KdrvgenError(Exception):
    """Base of all errors that kdrvgen raises on purpose. Its text is meant for the user.

    Attributes:
        exit_code: How the command ends.
        rule: The rule of its finding.
        omitted: How many more errors there are than `findings` has.
    """

    exit_code: ClassVar[int] = 1
    rule: ClassVar[str] = "internal"
    omitted: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, as all commands report it."""
        # It may repeat a word of the command line.
        return (Finding(self.rule, mask_words(str(self))),)


class UsageError(KdrvgenError):
    """The command line asks for something that does not exist."""

    exit_code = 2
    rule = "usage"


class ConfigError(KdrvgenError):
    """The configuration cannot be read or does not describe a driver project.

    `findings` says what is wrong, in the order of the file, but no more than `MOST_ERRORS`;
    `omitted` counts the others. `str()` of the error draws them without colour, so that a traceback
    in a Python script is readable too.
    """

    exit_code = 3
    rule = "config"

    def __init__(self, findings: Sequence[Finding], omitted: int = 0) -> None:
        super().__init__(findings, omitted)
        self._findings: tuple[Finding, ...] = tuple(findings[:MOST_ERRORS])
        self.omitted = omitted + len(findings) - len(self._findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, each at its place."""
        return self._findings

    def __str__(self) -> str:

        return draw(self.findings, omitted=self.omitted)


class DriftError(KdrvgenError):
    """`--check` found that a generated file is not what the configuration says."""

    exit_code = 4
    rule = "drift"


class RefusedError(KdrvgenError):
    """Writing would lose something of the user's, so nothing was written.

    Attributes:
        report: What would have become of each file.
    """

    exit_code = 5
    rule = "refused"

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        """Say which files stand in the way, and what the user can do."""
        blamed = "\n".join(f"  {entry.path}: {entry.reason}" for entry in self.report.refused)
        return (
            f"nothing was written, because this would be lost or written elsewhere:\n{blamed}\n"
            "Move your edits into the configuration ([makefile] takes your own tasks), then run "
            "kdrvgen with --force to write the files anew; or keep a file of your own by `kdrvgen "
            "eject FILE`. A file that a newer kdrvgen wrote needs that version. --force never "
            "follows a link out of the project, or to a file that kdrvgen did not write."
        )


class OccupiedError(RefusedError):
    """A new project's folder has something in it, so nothing was written.

    Attributes:
        folder: The folder, as the user would write it.
    """

    def __init__(self, folder: str, reason: str, report: Report) -> None:
        super().__init__(report)
        self.folder = folder
        self._reason = reason

    def __str__(self) -> str:
        """Say what stands there, and what the user can do."""
        return (
            f"{self.folder} {self._reason}. Nothing was written: a new project never takes the "
            "place of anything. Choose another name, or another folder by -o."
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
    """A file or folder cannot be written: permissions, a full disk, another run at work."""

    exit_code = 8
    rule = "access"
