"""What a run did, or would do, to each file."""

from __future__ import annotations

import enum
from pathlib import PurePosixPath
from typing import NamedTuple

from kdrvgen.report.diff import unified
from kdrvgen.report.finding import Finding

__all__ = ["UNKNOWN_FILE", "Entry", "Report", "Status"]


UNKNOWN_FILE = "drift-unknown-file"
"""The rule that only kdrvgen's own files are in the support folder: `--check` fails."""


class Status(enum.StrEnum):
    """What becomes of one file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """Says what it should, but with CRLF line ends or a byte order mark; not rewritten."""
    EJECTED = "ejected"
    """The user's own, by `kdrvgen eject`; left alone."""
    REMOVED = "removed"
    REFUSED = "refused"


_CHANGES = frozenset({Status.CREATED, Status.UPDATED, Status.REMOVED})


class Entry(NamedTuple):
    """One file of a report.

    Attributes:
        path: Relative to the project's folder.
        status: What becomes of the file.
        reason: Why, where the status does not say it all; else "".
        before: The text found on disk with LF line ends; None when there is no such file.
        after: The text that kdrvgen makes; None when the file goes.
    """

    path: PurePosixPath
    status: Status
    reason: str = ""
    before: str | None = None
    after: str | None = None

    def __repr__(self) -> str:
        """Return all but the texts."""
        return f"Entry(path={self.path!r}, status={self.status!r}, reason={self.reason!r})"

    @property
    def diff(self) -> str:
        """The unified diff from the text on disk to kdrvgen's; "" when they are the same."""
        return unified(str(self.path), self.before, self.after)


class Report(NamedTuple):
    """What a run did, or would do, and what else the user should know.

    Attributes:
        entries: All files, in the order of their paths.
        warnings: About files that kdrvgen does not own but that spoil what it generates. Their
            places are relative to the project's folder.
        disagreements: Of `kdrvgen.generate` and `kdrvgen.check`: where Cargo.toml and
            rust-toolchain.toml contradict the project, and keys of it that have no effect. One of
            severity `error` is a build that cannot work.
    """

    entries: tuple[Entry, ...]
    warnings: tuple[Finding, ...] = ()
    disagreements: tuple[Finding, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any file was, or would be, created, updated or removed."""
        return any(entry.status in _CHANGES for entry in self.entries)

    @property
    def refused(self) -> tuple[Entry, ...]:
        """The files that stand in the way: because of them nothing was written."""
        return tuple(entry for entry in self.entries if entry.status is Status.REFUSED)

    @property
    def drifted(self) -> bool:
        """Whether the disk differs in any way from what the configuration says."""
        return bool(self.drift or self.strangers)

    @property
    def drift(self) -> tuple[Entry, ...]:
        """The files that differ from what the configuration says."""
        return tuple(each for each in self.entries if each.status in _CHANGES | {Status.REFUSED})

    @property
    def strangers(self) -> tuple[Finding, ...]:
        """The files that are not kdrvgen's, in a folder that is kdrvgen's alone."""
        return tuple(each for each in self.warnings if each.rule == UNKNOWN_FILE)
