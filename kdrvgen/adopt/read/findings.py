"""The kinds of findings about a hand-written project, and about the proposal for it."""

from __future__ import annotations

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = [
    "DIFFERENCE",
    "EQUIVALENT",
    "HAZARD",
    "UNKNOWN",
    "difference",
    "equivalent",
    "hazard",
    "unknown",
]

HAZARD = "adopt-hazard"
"""A defect of the project; a note if the generated pipeline does not have it, else a warning."""
DIFFERENCE = "adopt-difference"
"""A feature of the project that the proposal changes or leaves out."""
EQUIVALENT = "adopt-equivalent"
"""A feature of the project that the proposal expresses in another way."""
UNKNOWN = "adopt-unknown"
"""A part of the project that kdrvgen does not understand."""


def hazard(origin: Origin, message: str, remedy: str, *, is_avoided: bool = True) -> Finding:
    """Return a hazard.

    Args:
        origin: Where the project has it.
        message: What is wrong.
        remedy: How the generated pipeline avoids it, or what to do.
        is_avoided: Whether the generated pipeline avoids it.
    """
    severity = Severity.NOTE if is_avoided else Severity.WARNING
    return _finding(HAZARD, severity, origin, message, remedy)


def difference(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what the proposal changes or leaves out."""
    return _finding(DIFFERENCE, Severity.WARNING, origin, message, remedy)


def equivalent(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what the proposal expresses in another way."""
    return _finding(EQUIVALENT, Severity.NOTE, origin, message, remedy)


def unknown(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what kdrvgen does not understand."""
    return _finding(UNKNOWN, Severity.WARNING, origin, message, remedy)


def _finding(rule: str, severity: Severity, origin: Origin, message: str, remedy: str) -> Finding:
    """Return a finding whose file is relative to the project's folder, as in its origin."""
    return Finding(rule, message, Place(origin.file, origin.line or None), severity, remedy)
