"""What in a file shows that an image breaks a rule."""

from __future__ import annotations

from typing import NamedTuple

from kdrvgen.report.finding import Excerpt, Finding, Place, Rule, Severity

__all__ = ["Evidence", "violation"]


class Evidence(NamedTuple):
    """What shows that an image breaks a rule.

    Attributes:
        field: The field or structure, as the PE specification or PKCS #7 names it.
        value: Its value.
        offset: Where it begins in the file, in bytes; None if it is not at one place.
    """

    field: str
    value: str
    offset: int | None = None


def violation(
    rule: Rule,
    evidence: Evidence,
    fix: str,
    *,
    severity: Severity | None = None,
    message: str = "",
) -> Finding:
    """Return the finding that an image breaks a rule; the caller adds the file.

    Args:
        rule: The rule.
        evidence: What shows it.
        fix: What to do, in terms of config.toml.
        severity: The severity, if it differs from the rule's.
        message: What is wrong, if the rule's title does not say it.
    """
    excerpt = Excerpt(f"{evidence.field}: {evidence.value}")
    place = Place("", offset=evidence.offset, excerpt=excerpt)
    return rule.violation(place, fix, severity=severity, message=message)
