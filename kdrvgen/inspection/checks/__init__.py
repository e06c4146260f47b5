"""The rules, grouped by what they look at; each check yields what it finds in a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

from kdrvgen.inspection import sources
from kdrvgen.inspection.checks import (
    comparison,
    image,
    imports,
    layout,
    sections,
    signature,
    trust,
)
from kdrvgen.inspection.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["NOT_AN_IMAGE", "RULES", "check"]

NOT_AN_IMAGE = Rule(
    "image-format",
    Severity.ERROR,
    "it is no PE file",
    "Windows loads images of the Portable Executable format alone.",
    sources.PE_FORMAT,
)

_MODULES: tuple[ModuleType, ...] = (image, layout, sections, imports, signature, trust, comparison)
_CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = tuple(
    each for module in _MODULES for each in module.CHECKS
)

RULES: tuple[Rule, ...] = (
    NOT_AN_IMAGE,
    *(each for module in _MODULES for each in vars(module).values() if isinstance(each, Rule)),
)
"""Every rule there is, in the order in which they are checked."""


def check(subject: Subject) -> tuple[Finding, ...]:
    """Return everything that is found, the worst first."""
    order = list(Severity)
    findings = (each for one in _CHECKS for each in one(subject))
    return tuple(sorted(findings, key=lambda each: order.index(each.severity)))
