"""A finding: the rule that is broken, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from kdrvgen.spelling import quantity

__all__ = ["Excerpt", "Finding", "Place", "Related", "Rule", "Severity", "at_least", "counted"]


class Severity(StrEnum):
    """The severity of a finding, the worst first."""

    ERROR = "error"
    """The command fails because of it, or would with another option."""
    WARNING = "warning"
    """The command continues, but a machine, a Windows version or a later step may fail."""
    NOTE = "note"
    """Information."""
    OK = "ok"
    """No problem: `doctor` found what it looked for."""


_ORDER = tuple(Severity)


class Rule(NamedTuple):
    """A rule that is checked, with a row in the documentation.

    Attributes:
        id: Its name in kebab case; docs/commands.md lists the prefixes. It never changes.
        severity: The severity of breaking it, unless something reduces it.
        title: What is wrong if it is broken, as a phrase.
        why: Why it matters.
        reference: The documentation of the rule.
    """

    id: str
    severity: Severity
    title: str
    why: str
    reference: str

    def violation(
        self, place: Place, advice: str, *, message: str = "", severity: Severity | None = None
    ) -> Finding:
        """Return the finding that the rule is broken.

        Args:
            place: Where.
            advice: What to do.
            message: What is wrong, if the rule's title does not say it.
            severity: The severity, if it differs from the rule's.
        """
        return Finding(
            self.id,
            message or self.title,
            place,
            severity or self.severity,
            advice,
            why=self.why,
            reference=self.reference,
        )


class Excerpt(NamedTuple):
    """The text of a place that may be shown, and its marked part.

    Attributes:
        text: In a text file, the line with secrets masked, or a part of a very long line. In an
            image, the field and its value.
        start: The index in `text` of the first marked character.
        length: The number of marked characters; 0 for the whole text. Can end one character after
            `text`.
        cut_left: Whether the line has more text before.
        cut_right: Whether the line has more text after.
    """

    text: str
    start: int = 0
    length: int = 0
    cut_left: bool = False
    cut_right: bool = False


class Place(NamedTuple):
    """A place in a file.

    Attributes:
        file: The file, as the user named it or relative to the current folder.
        line: The line, from 1; None for the file as a whole.
        column: The column in characters, from 1.
        length: The number of characters, at most up to the end of the line.
        offset: In a binary file, the offset in bytes.
        excerpt: The text at the place that may be shown.
    """

    file: str
    line: int | None = None
    column: int | None = None
    length: int | None = None
    offset: int | None = None
    excerpt: Excerpt | None = None

    def __str__(self) -> str:
        """Return `file:line:column`, or `file:0xOFFSET` in a binary file."""
        if self.offset is not None:
            return f"{self.file}:0x{self.offset:X}"
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    @property
    def order(self) -> tuple[int, int]:
        """Line and column, 0 for none: the order of places in one file."""
        return self.line or 0, self.column or 0


class Related(NamedTuple):
    """Another place of a finding, with a note."""

    message: str
    place: Place


class Finding(NamedTuple):
    """A broken rule, at a place. None of its texts shows a secret.

    Attributes:
        rule: The rule's id.
        message: What is wrong, without a full stop.
        place: The place; None if there is none, as on the command line.
        severity: Its severity.
        help: What to do, one line for each piece of advice; may be empty.
        key: The path of the configuration key to blame; empty if there is none.
        related: Other places, with notes.
        why: Why it matters, if the message does not say so.
        reference: The documentation of the rule.
        tags: Tags, which in `doctor` are the tasks that need the thing.
        fixes: Commands that correct it, each safe to run unchanged.
        note: In a report about many projects, where else the same is found; not in JSON, which has
            each finding.
        origin: The place in a source file to change, if `place` is in a file made from it.
    """

    rule: str
    message: str
    place: Place | None = None
    severity: Severity = Severity.ERROR
    help: str = ""
    key: tuple[str | int, ...] = ()
    related: tuple[Related, ...] = ()
    why: str = ""
    reference: str = ""
    tags: tuple[str, ...] = ()
    fixes: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    origin: Place | None = None

    def __repr__(self) -> str:
        """Return the severity, the place, the message and the rule."""
        where = f"{self.place}: " if self.place else ""
        return f"<Finding {where}{self.severity}: {self.message} [{self.rule}]>"

    @property
    def file(self) -> str:
        """The file of its place; "" without a place."""
        return self.place.file if self.place else ""

    @property
    def source(self) -> str | None:
        """The text at its place that may be shown."""
        return self.place.excerpt.text if self.place and self.place.excerpt else None

    def named(self, file: str) -> Finding:
        """Return the same finding with another file name."""
        return self._replace(place=self.place._replace(file=file)) if self.place else self

    def as_severe_as(self, severity: Severity) -> Finding:
        """Return the same finding with another severity."""
        return self._replace(severity=severity)


def at_least(findings: Iterable[Finding], severity: Severity) -> list[Finding]:
    """Return the findings with at least this severity."""
    return [each for each in findings if _ORDER.index(each.severity) <= _ORDER.index(severity)]


def counted(findings: Sequence[Finding], omitted: int = 0) -> list[str]:
    """Return the number of findings of each severity, such as `2 errors`, without OK.

    Args:
        findings: The findings.
        omitted: The number of errors that are left out.
    """
    counts = dict.fromkeys(_ORDER[:-1], 0)
    counts[Severity.ERROR] = omitted
    for finding in findings:
        if finding.severity is not Severity.OK:
            counts[finding.severity] += 1
    return [quantity(count, kind) for kind, count in counts.items() if count]
