"""The rules for INF files, with the numbers of Microsoft's InfVerif."""

from __future__ import annotations

from typing import NamedTuple

from kdrvgen.packaging.inf.document import Entry, Field, Flaw, Inf, Section
from kdrvgen.report.finding import Finding, Place, Rule

__all__ = ["InfRule", "violation"]


class InfRule(NamedTuple):
    """A rule for INF files.

    Attributes:
        rule: Its name, severity and reason.
        number: The number of InfVerif's error or warning for the same mistake; 0 if it has none.
    """

    rule: Rule
    number: int = 0


def violation(
    rule: InfRule,
    inf: Inf,
    where: Field | Entry | Section | Flaw | None,
    message: str,
    advice: str,
) -> Finding:
    """Return the finding for a broken rule.

    Args:
        rule: The rule.
        inf: The file.
        where: The part of the file to blame; None for the file as a whole.
        message: What is wrong, without a full stop.
        advice: What to do.
    """
    number = f" (InfVerif {rule.number})" if rule.number else ""
    place = Place(inf.source.name) if where is None else inf.place(where)
    return rule.rule.violation(place, advice, message=message + number)
