"""The rules, one module per subject; each check yields the findings for an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

from kdrvgen.inspection.checks import (
    code,
    comparison,
    image,
    imports,
    layout,
    sections,
    signature,
    sources,
    trust,
)
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["NOT_AN_IMAGE", "RULES", "check"]

NOT_AN_IMAGE = Rule(
    "image-format",
    Severity.ERROR,
    "the file is not a PE image",
    "Windows loads only images in the Portable Executable (PE) format.",
    sources.PE_FORMAT,
)

_MODULES: tuple[ModuleType, ...] = (
    image,
    layout,
    sections,
    code,
    imports,
    signature,
    trust,
    comparison,
)
_CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = tuple(
    check_rule for module in _MODULES for check_rule in module.CHECKS
)

RULES: tuple[Rule, ...] = (
    NOT_AN_IMAGE,
    *(value for module in _MODULES for value in vars(module).values() if isinstance(value, Rule)),
)
"""All rules, in the order of the checks."""


def check(subject: Subject) -> tuple[Finding, ...]:
    """Return all findings for an image, the worst first."""
    order = list(Severity)
    findings = (finding for check_rule in _CHECKS for finding in check_rule(subject))
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
