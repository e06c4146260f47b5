"""What a command that looks at files has to say of one of them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Remark"]


class Remark(NamedTuple):
    """Something found in a file.

    Attributes:
        title: The group it is told in, a line for people.
        kind: The group as programs call it.
        path: The file, as seen from where the user stands.
        line: The line; 0 for the file as a whole.
        message: What was found.
        remedy: What becomes of it or what to do; may be empty.
        counts: Whether it is told even to those who asked for quiet.
    """

    title: str
    kind: str
    path: str
    line: int
    message: str
    remedy: str
    counts: bool
