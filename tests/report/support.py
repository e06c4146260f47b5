"""Findings in each of the formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kdrvgen.characters import as_json
from kdrvgen.report import github, human, sarif
from kdrvgen.report.finding import Finding
from kdrvgen.report.json import as_data

Form = Literal["human", "json", "github", "sarif"]
FORMS: tuple[Form, ...] = ("human", "json", "github", "sarif")


def rendered(findings: Sequence[Finding], form: Form, omitted: int = 0) -> str:
    """Return the findings in a format."""
    if form == "human":
        return human.draw(findings, omitted=omitted)
    if form == "github":
        return github.annotate(findings, omitted)
    if form == "sarif":
        return as_json(sarif.log(findings, ()))
    return as_json({"findings": [as_data(each) for each in findings], "omitted": omitted})


def span(finding: Finding) -> tuple[int | None, int | None, int | None] | None:
    """Return line, column and length of a finding's place; None without a place."""
    place = finding.place
    return (place.line, place.column, place.length) if place and place.line else None
