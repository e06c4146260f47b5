"""Findings as JSON values; docs/commands.md describes the members."""

from __future__ import annotations

from typing import Any

from kdrvgen.report.finding import Finding, Place

__all__ = ["as_data"]


def as_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON: the six members of all findings, then optional ones."""
    others = {
        "key": list(finding.key),
        "related": [{"message": each.message, **_place(each.place)} for each in finding.related],
        "why": finding.why,
        "reference": finding.reference,
        "tags": list(finding.tags),
        "fixes": [list(command) for command in finding.fixes],
    }
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "message": finding.message,
        "help": finding.help or None,
        **_place(finding.place),
        **{name: value for name, value in others.items() if value},
    }


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"place": None, "source": None}
    where = {"file": place.file, "line": place.line, "column": place.column}
    where |= {} if place.length is None else {"length": place.length}
    where |= {} if place.offset is None else {"offset": place.offset}
    return {"place": where, "source": place.excerpt.text if place.excerpt else None}
