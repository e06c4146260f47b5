"""The spelling of words: similar words, and the plural after a number."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest", "quantity"]

_SHORTEST_PREFIX = 3


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is similar to `word`, or "".

    A third of the letters may be wrong, as in rustc. Otherwise, `word` must be the beginning of
    exactly one known word.
    """
    candidates = sorted(known)
    lower = word.lower()
    limit = max(len(word), 3) // 3
    ranked = [
        (far, candidate)
        for candidate in candidates
        if abs(len(candidate) - len(word)) <= limit
        and (far := _distance(lower, candidate.lower())) <= limit
    ]
    if ranked:
        return min(ranked)[1]
    begun = [candidate for candidate in candidates if candidate.lower().startswith(lower)]
    return begun[0] if len(begun) == 1 and len(word) >= _SHORTEST_PREFIX else ""


def quantity(count: int, noun: str) -> str:
    """Return a number and its noun, such as `1 line` and `2 lines`.

    Args:
        count: The number.
        noun: The singular. Its plural must end with `s`.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _distance(left: str, right: str) -> int:
    """Return the number of letters to insert, delete, replace, or swap with their neighbour."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left):
        earlier, before, row = before, row, [i + 1]
        for j, b in enumerate(right):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (a != b))
            if i and j and a == right[j - 1] and left[i - 1] == b:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
    return row[-1]
