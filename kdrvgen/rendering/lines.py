"""Match the lines of two versions of a text."""

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
    """Return the number in `after` of a line of `before`, from 1; None if it does not exist."""
    for first, second, length in _matching_blocks(before, after):
        if first < line <= first + length:
            return second + line - first
    return None


def _matching_blocks(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return the blocks that both have: the start in each, and the length.

    `SequenceMatcher` takes quadratic time if lines repeat. Two versions usually differ in one
    place, so it compares only the lines between the first and the last difference.
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
