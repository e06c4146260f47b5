"""What adopting has to say of a project: where something stands, what it is, what becomes of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Finding", "Kind", "Origin", "Said", "difference", "hazard", "note", "unknown"]


class Origin(NamedTuple):
    """A line of a file; 0 stands for the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Said(NamedTuple):
    """A text and where the project says it."""

    text: str
    origin: Origin


class Kind(enum.StrEnum):
    """What a finding is about."""

    HAZARD = "hazard"
    """Something in the project that goes wrong sooner or later."""
    DIFFERENCE = "difference"
    """Something understood that the proposal does in another way, or not at all."""
    NOTE = "note"
    """Something that means the same in the proposal, and is said in another way or place."""
    UNKNOWN = "not understood"
    """Something that was not understood, and is left alone."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to know before the proposal is used. No text of it shows a secret.

    Attributes:
        kind: What it is about.
        origin: Where it stands, its file relative to the project's folder.
        message: What it is and why it matters.
        remedy: What becomes of it or what to do; may be empty.
        cured: Of a hazard: whether the generated pipeline is free of it.
    """

    origin: Origin
    kind: Kind
    message: str
    remedy: str = ""
    cured: bool = False


def hazard(origin: Origin, message: str, remedy: str, *, cured: bool = True) -> Finding:
    """Return a hazard; `remedy` says how the generated pipeline is free of it, or what to do."""
    return Finding(origin, Kind.HAZARD, message, remedy, cured)


def difference(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what the proposal does otherwise."""
    return Finding(origin, Kind.DIFFERENCE, message, remedy)


def note(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what means the same, said in another way."""
    return Finding(origin, Kind.NOTE, message, remedy)


def unknown(origin: Origin, message: str, remedy: str = "") -> Finding:
    """Return what was not understood."""
    return Finding(origin, Kind.UNKNOWN, message, remedy)
