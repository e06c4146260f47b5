"""Which lines of two versions of a text are the same."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

__all__ = ["changed_lines", "matching_line"]


def changed_lines(before: Sequence[str], after: Sequence[str]) -> set[int]:
    """Return the numbers of the lines of `before` that `after` does not have, from 1."""
    kept = {
        first + index + 1
        for first, _, length in _matching_blocks(before, after)
        for index in range(length)
    }
    return {number for number in range(1, len(before) + 1) if number not in kept}


def matching_line(before: Sequence[str], after: Sequence[str], line: int) -> int | None:
    """Return the number that a line of `before` has in `after`, from 1; None if it is not there."""
    for first, second, length in _matching_blocks(before, after):
        if first < line <= first + length:
            return second + line - first
    return None


def _matching_blocks(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return the blocks that both have: start in each, and length.

    `SequenceMatcher` takes quadratic time where lines repeat, and two versions differ in one place
    mostly: it sees only what lies between the first difference and the last.
    """
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    matcher = SequenceMatcher(
        None, before[start : len(before) - end], after[start : len(after) - end], autojunk=False
    )
    middle = [
        (start + first, start + second, length)
        for first, second, length in matcher.get_matching_blocks()
    ]
    return [(0, 0, start), *middle, (len(before) - end, len(after) - end, end)]
