"""The rules of adopting: what a finding says of a project, and of the proposal for it."""

from __future__ import annotations

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = [
    "DIFFERENCE",
    "EQUIVALENT",
    "HAZARD",
    "UNKNOWN",
    "difference",
    "hazard",
    "note",
    "unknown",
]

HAZARD = "adopt-hazard"
"""Something in the project that goes wrong sooner or later; a note if the proposal cures it."""
DIFFERENCE = "adopt-difference"
"""Something understood that the proposal does in another way, or not at all."""
EQUIVALENT = "adopt-equivalent"
"""Something that means the same in the proposal, and is said in another way or place."""
UNKNOWN = "adopt-unknown"
"""Something that was not understood, and is left alone."""


def hazard(origin: Origin, message: str, remedy: str, *, cured: bool = True) -> Finding:
    """Return a hazard; `remedy` says how the generated pipeline is free of it, or what to do."""
    return _finding(HAZARD, Severity.NOTE if cured else Severity.WARNING, origin, message, remedy)


def difference(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what the proposal does otherwise."""
    return _finding(DIFFERENCE, Severity.WARNING, origin, message, remedy)


def note(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what means the same, said in another way."""
    return _finding(EQUIVALENT, Severity.NOTE, origin, message, remedy)


def unknown(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what was not understood."""
    return _finding(UNKNOWN, Severity.WARNING, origin, message, remedy)


def _finding(rule: str, severity: Severity, origin: Origin, message: str, remedy: str) -> Finding:
    """Return a finding whose file is relative to the project's folder, as that of its origin."""
    return Finding(rule, message, Place(origin.file, origin.line or None), severity, remedy)
