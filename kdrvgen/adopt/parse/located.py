"""A piece of a project's text, and the file and line that it comes from."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Located", "Origin"]


class Origin(NamedTuple):
    """A line of a file; line 0 stands for the whole file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Located(NamedTuple):
    """A text, and where it comes from."""

    text: str
    origin: Origin
