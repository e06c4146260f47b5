"""What a finding is: a rule that an image breaks, where it can be seen, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Evidence", "Finding", "Rule", "Severity", "at_least", "found"]


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Windows refuses the image, or it is not what was asked for."""

    WARNING = "warning"
    """Some Windows refuse it, or it loads and is worse off."""

    NOTE = "note"
    """Worth knowing before it goes to another machine."""


class Rule(NamedTuple):
    """Something that holds for a good driver image.

    Attributes:
        id: Its name, which stays the same from version to version.
        severity: How bad it is to break it, where nothing makes it milder.
        title: What is wrong with an image that breaks it, a phrase.
        why: What comes of it.
        source: Where that is said.
    """

    id: str
    severity: Severity
    title: str
    why: str
    source: str


class Evidence(NamedTuple):
    """Where a finding can be seen in the file.

    Attributes:
        place: The field or structure, in the words of the PE specification or of PKCS #7.
        value: What stands there.
        offset: Where it begins in the file, in bytes; None for what is not at one place.
    """

    place: str
    value: str
    offset: int | None = None


class Finding(NamedTuple):
    """A rule that an image breaks.

    Attributes:
        rule: The rule.
        severity: As the rule has it, or milder where the image makes up for it.
        evidence: What shows it.
        fix: What to do, in terms of config.toml.
    """

    rule: Rule
    severity: Severity
    evidence: Evidence
    fix: str


_ORDER = tuple(Severity)


def found(rule: Rule, evidence: Evidence, fix: str, *, severity: Severity | None = None) -> Finding:
    """Return a finding of the rule's own severity, unless another one is given."""
    return Finding(rule, severity or rule.severity, evidence, fix)


def at_least(findings: Iterable[Finding], severity: Severity) -> list[Finding]:
    """Return the findings that are as bad as `severity` or worse."""
    return [each for each in findings if _ORDER.index(each.severity) <= _ORDER.index(severity)]
