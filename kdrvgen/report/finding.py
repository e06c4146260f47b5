"""What a finding is: a rule that something breaks, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Excerpt", "Finding", "Place", "Related", "Rule", "Severity", "at_least", "counted"]


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    """The command fails because of it, or would with another option."""
    WARNING = "warning"
    """Ends no command, but some machine, some Windows or a later step refuses it."""
    NOTE = "note"
    """Worth knowing."""
    OK = "ok"
    """Nothing is wrong: what `doctor` looked for is there."""


_ORDER = tuple(Severity)


class Rule(NamedTuple):
    """Something that should hold, and that has a row in the documentation.

    Attributes:
        id: Its name in kebab case; docs/commands.md lists the prefixes. It never changes.
        severity: How bad it is to break it, where nothing makes it milder.
        title: What is wrong with what breaks it, a phrase.
        why: Why it matters.
        reference: Where that is documented.
    """

    id: str
    severity: Severity
    title: str
    why: str
    reference: str


class Excerpt(NamedTuple):
    """What may be shown of a place, and which part of it is meant.

    Attributes:
        text: Of a text file the line, secrets masked; of a very long line a part. Of an image the
            field and its value.
        start: Index into `text` of the first character that is meant.
        length: How many characters are meant; 0 for the whole. May go one past the end of `text`.
        cut_left: Whether the line has more in front.
        cut_right: Whether the line has more behind.
    """

    text: str
    start: int = 0
    length: int = 0
    cut_left: bool = False
    cut_right: bool = False


class Place(NamedTuple):
    """Where something is.

    Attributes:
        file: The file, as the user named it or as seen from where the user stands.
        line: Counts from 1; None for the file as a whole.
        column: Counts from 1, in characters.
        length: How many characters are meant. Of several lines, what is on the first.
        offset: Of a binary file: where it begins, in bytes.
        excerpt: What is there, as far as it may be shown.
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
    """Another place that takes part in a finding, and what it has to do with it."""

    message: str
    place: Place


class Finding(NamedTuple):
    """A rule that something breaks. No text of it shows a secret.

    Attributes:
        rule: The rule's id.
        message: What is wrong, without a full stop.
        place: Where; None for what has no place, such as the command line.
        severity: How bad it is.
        help: What to do, one line for each piece of advice; may be empty.
        key: The key of the configuration that it is about; empty if there is none.
        related: Other places that take part.
        why: Why it matters, where the message does not say so.
        reference: Where that is documented.
        tags: What it matters for: of `doctor`, the tasks that need it.
        fixes: Commands that correct it, each safe to run as it is.
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

    @property
    def file(self) -> str:
        """The file of its place; "" without one."""
        return self.place.file if self.place else ""

    @property
    def source(self) -> str | None:
        """What is at its place, as far as it may be shown."""
        return self.place.excerpt.text if self.place and self.place.excerpt else None

    def named(self, file: str) -> Finding:
        """Return the same finding, whose file has another name."""
        return self._replace(place=self.place._replace(file=file)) if self.place else self

    def as_severe_as(self, severity: Severity) -> Finding:
        """Return the same finding with another severity."""
        return self._replace(severity=severity)


def at_least(findings: Iterable[Finding], severity: Severity) -> list[Finding]:
    """Return the findings that are as bad as `severity` or worse."""
    return [each for each in findings if _ORDER.index(each.severity) <= _ORDER.index(severity)]


def counted(findings: Sequence[Finding], omitted: int = 0) -> list[str]:
    """Return how many findings of each severity there are, such as `2 errors`; OK is left out.

    Args:
        findings: The findings.
        omitted: How many more errors there are.
    """
    counts = dict.fromkeys(_ORDER[:-1], 0)
    counts[Severity.ERROR] = omitted
    for finding in findings:
        if finding.severity is not Severity.OK:
            counts[finding.severity] += 1
    return [f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items() if count]
