"""The text of a configuration: lines, columns, and the parts that must not be shown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from kdrvgen.credentials import MASK
from kdrvgen.report.finding import Excerpt, Place

__all__ = ["Extent", "Source"]

_REACH = 240


class Extent(NamedTuple):
    """A half-open range of offsets in `Source.text`."""

    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """A configuration's text.

    Attributes:
        name: The file name as the user wrote it.
        text: The text with LF line ends and no byte order mark; tomli's offsets count in it.
        secrets: The ranges that `place` and `shown` mask, sorted, without overlap or contact.
    """

    name: str
    text: str
    secrets: tuple[Extent, ...] = ()

    @classmethod
    def of(cls, text: str, name: str) -> Source:
        """Return the source of `text`, which may have any line ends that TOML allows."""
        return cls(name, text.removeprefix("\ufeff").replace("\r\n", "\n"))

    def hiding(self, secrets: Iterable[Extent]) -> Source:
        """Return the same text with more ranges to hide."""
        merged: list[Extent] = []
        for start, end in sorted({*self.secrets, *secrets}):
            if merged and start <= merged[-1].end:
                merged[-1] = Extent(merged[-1].start, max(end, merged[-1].end))
            else:
                merged.append(Extent(start, end))
        return replace(self, secrets=tuple(merged))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def line_extent(self, offset: int) -> Extent:
        """Return the line that contains `offset`, without its line end."""
        line = bisect_right(self._starts, offset)
        is_last = line == len(self._starts)
        return Extent(self._starts[line - 1], len(self.text) if is_last else self._starts[line] - 1)

    def place(self, extent: Extent) -> Place:
        """Return the place of `extent`, with the excerpt that may be shown."""
        line = bisect_right(self._starts, extent.start)
        bounds = self.line_extent(extent.start)
        excerpt = self._excerpt(bounds, extent)
        length = max(1, min(extent.end, bounds.end) - extent.start)
        if self._is_hidden(extent):
            length = excerpt.length
        column = extent.start - bounds.start + 1
        return Place(self.name, line, column, length, excerpt=excerpt)

    def shown(self, extent: Extent) -> str:
        """Return the text of `extent`, or the mask if any of it is secret."""
        return MASK if self._is_hidden(extent) else self.text[extent.start : extent.end]

    def _is_hidden(self, extent: Extent) -> bool:
        return bool(self._hidden_within(extent.start, extent.end))

    def _excerpt(self, line: Extent, extent: Extent) -> Excerpt:
        left = max(line.start, extent.start - _REACH)
        right = min(line.end, min(extent.end, extent.start + _REACH) + _REACH)
        hidden = self._hidden_within(left, right)
        pieces: list[str] = []
        done = left
        for start, end in hidden:
            pieces += self.text[done:start], MASK
            done = end
        pieces.append(self.text[done:right])

        first = _after_masking(extent.start, left, hidden, into_mask=0)
        last = _after_masking(min(extent.end, right), left, hidden, into_mask=len(MASK))
        return Excerpt(
            "".join(pieces),
            first,
            max(1, last - first),
            cut_left=left > line.start,
            cut_right=right < line.end,
        )

    def _hidden_within(self, left: int, right: int) -> list[Extent]:
        first = bisect_right(self.secrets, left, key=lambda secret: secret.end)
        found: list[Extent] = []
        for start, end in islice(self.secrets, first, None):
            if start >= right:
                break
            found.append(Extent(max(start, left), min(end, right)))
        return found


def _after_masking(offset: int, left: int, hidden: list[Extent], *, into_mask: int) -> int:
    """Return the index of `offset` in the masked text.

    Inside a mask, this is `into_mask` characters after its start.
    """
    index = offset - left
    for start, end in hidden:
        if offset >= end:
            index += len(MASK) - (end - start)
        elif offset > start:
            index += into_mask - (offset - start)
    return index
