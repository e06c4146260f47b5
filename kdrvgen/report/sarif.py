"""Findings as a SARIF log, for code scanning.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kdrvgen import __version__
from kdrvgen.report.finding import Finding, Place, Rule, Severity

__all__ = ["log"]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def log(
    findings: Sequence[Finding], rules: Sequence[Rule], *, is_complete: bool = True
) -> dict[str, Any]:
    """Return findings as a SARIF log.

    Args:
        findings: The findings.
        rules: All rules that were checked, including those that are not broken.
        is_complete: Whether everything was checked.
    """
    driver = {"name": "kdrvgen", "version": __version__, "rules": [_rule(each) for each in rules]}
    order = {rule.id: index for index, rule in enumerate(rules)}
    results = [_result(each, order) for each in findings]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": is_complete}],
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    described = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"Source: {rule.reference}"},
        "defaultConfiguration": {"level": str(rule.severity)},
    }
    is_page = rule.reference.startswith("https:")
    return described | ({"helpUri": rule.reference} if is_page else {})


def _result(finding: Finding, order: dict[str, int]) -> dict[str, Any]:
    is_well = finding.severity is Severity.OK
    parts = [finding.message, finding.source or ""]
    text = ": ".join(filter(None, parts))
    index = {"ruleIndex": order[finding.rule]} if finding.rule in order else {}
    # Code scanning shows only places in files of the repository.
    main = finding.origin or finding.place
    related = {"relatedLocations": [_location(finding.place)]} if finding.origin else {}
    return {
        "ruleId": finding.rule,
        **index,
        **({"kind": "pass"} if is_well else {}),
        "level": "none" if is_well else str(finding.severity),
        "message": {"text": f"{text}. {finding.help}".rstrip()},
        "locations": [_location(main)] if main else [],
        **related,
    }


def _location(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
    if place.offset is not None:
        physical["region"] = {"byteOffset": place.offset}
    elif place.line:
        column = {"startColumn": place.column} if place.column else {}
        physical["region"] = {"startLine": place.line, **column}
    return {"physicalLocation": physical}


def _uri(file: str) -> str:
    path = Path(file)
    # As bytes, because a file name is not always valid text.
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
