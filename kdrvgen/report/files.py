"""The report of what a run did, or would do, to each file."""

from __future__ import annotations

import enum
from collections import Counter
from pathlib import PurePosixPath
from typing import NamedTuple

from kdrvgen.report.diff import unified
from kdrvgen.report.finding import Finding

__all__ = ["UNKNOWN_FILE", "Entry", "Report", "Status"]


UNKNOWN_FILE = "drift-unknown-file"
"""The rule that the support folder has only kdrvgen's files. A violation fails `--check`."""


class Status(enum.StrEnum):
    """The change of one file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """Up to date except for CRLF line ends or a byte order mark; not rewritten."""
    EJECTED = "ejected"
    """Made the user's own with `kdrvgen eject`; not changed."""
    REMOVED = "removed"
    REFUSED = "refused"


_CHANGES = frozenset({Status.CREATED, Status.UPDATED, Status.REMOVED})


class Entry(NamedTuple):
    """One file of a report.

    Attributes:
        path: Relative to the project's folder.
        status: The change of the file.
        reason: The reason, if the status is not enough; else "".
        before: The text on disk with LF line ends; None if the file does not exist.
        after: The text that kdrvgen generates; None to remove the file.
    """

    path: PurePosixPath
    status: Status
    reason: str = ""
    before: str | None = None
    after: str | None = None

    def __repr__(self) -> str:
        """Return the attributes without the texts."""
        return f"Entry(path={self.path!r}, status={self.status!r}, reason={self.reason!r})"

    @property
    def diff(self) -> str:
        """The unified diff from the text on disk to the generated one; "" if they are the same."""
        return unified(str(self.path), self.before, self.after)


class Report(NamedTuple):
    """What a run did, or would do, and what the user should know.

    Attributes:
        entries: All files, in the order of their paths.
        warnings: Problems with files that kdrvgen does not own but that change the effect of its
            own. Their places are relative to the project's folder.
        disagreements: From `kdrvgen.generate` and `kdrvgen.check`: contradictions between the
            project and Cargo.toml or rust-toolchain.toml, and keys that have no effect. With a
            finding of severity `error`, the build cannot succeed.
    """

    entries: tuple[Entry, ...]
    warnings: tuple[Finding, ...] = ()
    disagreements: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        """Return how many files have each status, and how many findings there are."""
        counts = Counter(str(entry.status) for entry in self.entries)
        counts |= {"warnings": len(self.warnings), "disagreements": len(self.disagreements)}
        shown = (f"{count} {name}" for name, count in counts.items() if count)
        return f"Report({', '.join(shown)})"

    @property
    def changed(self) -> bool:
        """Whether any file was, or would be, created, updated or removed."""
        return any(entry.status in _CHANGES for entry in self.entries)

    @property
    def refused(self) -> tuple[Entry, ...]:
        """The files because of which nothing was written."""
        return tuple(entry for entry in self.entries if entry.status is Status.REFUSED)

    @property
    def drifted(self) -> bool:
        """Whether the files on disk differ from the configuration in any way."""
        return bool(self.drift or self.strangers)

    @property
    def drift(self) -> tuple[Entry, ...]:
        """The files that differ from the configuration."""
        return tuple(each for each in self.entries if each.status in _CHANGES | {Status.REFUSED})

    @property
    def strangers(self) -> tuple[Finding, ...]:
        """The files in the support folder that are not kdrvgen's."""
        return tuple(each for each in self.warnings if each.rule == UNKNOWN_FILE)
