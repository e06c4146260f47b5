"""What shows that an image breaks a rule."""

from __future__ import annotations

from typing import NamedTuple

from kdrvgen.report.finding import Excerpt, Finding, Place, Rule, Severity

__all__ = ["Evidence", "found"]


class Evidence(NamedTuple):
    """Where it can be seen in the file that a rule is broken.

    Attributes:
        field: The field or structure, in the words of the PE specification or of PKCS #7.
        value: What stands there.
        offset: Where it begins in the file, in bytes; None for what is not at one place.
    """

    field: str
    value: str
    offset: int | None = None


def found(rule: Rule, evidence: Evidence, fix: str, *, severity: Severity | None = None) -> Finding:
    """Return a finding in an image whose file is named later.

    Args:
        rule: The rule that the image breaks.
        evidence: What shows it.
        fix: What to do, in terms of config.toml.
        severity: How bad it is, if not as the rule has it.
    """
    excerpt = Excerpt(f"{evidence.field}: {evidence.value}")
    return Finding(
        rule=rule.id,
        message=rule.title,
        place=Place("", offset=evidence.offset, excerpt=excerpt),
        severity=severity or rule.severity,
        help=fix,
        why=rule.why,
        reference=rule.reference,
    )
