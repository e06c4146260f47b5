"""Where a project says something."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Origin", "Said"]


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
