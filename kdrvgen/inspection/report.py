"""What was found, told to programs: as plain data, and as SARIF for code scanning."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kdrvgen import __version__
from kdrvgen.inspection.authenticode import Signature
from kdrvgen.inspection.checks import RULES
from kdrvgen.inspection.findings import Finding, Rule
from kdrvgen.inspection.inspect import Inspection

__all__ = ["as_data", "as_sarif"]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def as_data(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection as JSON has it."""
    image = inspection.image
    return {
        "path": str(inspection.path),
        "sha256": hashlib.sha256(image.data).hexdigest() if image else None,
        "machine": image.headers.machine_name if image else None,
        "subsystem": image.headers.subsystem_name if image else None,
        "signatures": [_signature(each) for each in inspection.signatures],
        "findings": [_finding(each) for each in inspection.findings],
    }


def as_sarif(inspections: Sequence[Inspection]) -> dict[str, Any]:
    """Return inspections as a SARIF log.

    Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
    """
    order = {rule.id: index for index, rule in enumerate(RULES)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kdrvgen",
                        "version": __version__,
                        "rules": [_rule(rule) for rule in RULES],
                    }
                },
                "results": [
                    _result(finding, inspection.path, order[finding.rule.id])
                    for inspection in inspections
                    for finding in inspection.findings
                ],
            }
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.id,
        "severity": str(finding.severity),
        "title": finding.rule.title,
        "evidence": finding.evidence._asdict(),
        "why": finding.rule.why,
        "fix": finding.fix,
        "source": finding.rule.source,
    }


def _signature(signature: Signature) -> dict[str, Any]:
    signer, stamp = signature.signer, signature.timestamp
    return {
        "nested": signature.nested,
        "digest": signature.digest,
        "verifies": not signature.problem and signature.claimed == signature.computed,
        "page-hashes": bool(signature.page_hashes),
        "subject": signer.subject if signer else None,
        "thumbprint": signer.thumbprint if signer else None,
        "not-before": signer.not_before.isoformat() if signer else None,
        "not-after": signer.not_after.isoformat() if signer else None,
        "timestamp": stamp.time.isoformat() if stamp and stamp.time else None,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    described = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"Source: {rule.source}"},
        "defaultConfiguration": {"level": str(rule.severity)},
    }
    return described | ({"helpUri": rule.source} if rule.source.startswith("https:") else {})


def _result(finding: Finding, path: Path, index: int) -> dict[str, Any]:
    evidence = finding.evidence
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if evidence.offset is not None:
        place["region"] = {"byteOffset": evidence.offset}
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {
            "text": f"{finding.rule.title}: {evidence.place}: {evidence.value}. {finding.fix}"
        },
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: Path) -> str:
    # As bytes, because a name need not be text.
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
