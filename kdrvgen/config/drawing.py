"""How diagnostics look on a terminal: the line, a caret under what is meant, and what to do.

Nothing that comes from a file reaches the terminal as a control character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

from kdrvgen.characters import defused, visible
from kdrvgen.config.diagnostics import Diagnostic
from kdrvgen.config.source import Excerpt, Place

__all__ = ["Layout", "draw"]

Layout = Literal["human", "json", "github"]

_WIDTH = 100
_TAB = 4
_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "frame": "34", "bold": "1"}


def draw(
    diagnostics: Sequence[Diagnostic],
    *,
    layout: Layout = "human",
    color: bool = False,
    omitted: int = 0,
) -> str:
    """Put diagnostics into text, in their order.

    Args:
        diagnostics: What is to be told.
        layout: `human`, with source lines and carets and a closing count; `json`, one object;
            `github`, workflow commands, one a line.
        color: Whether the human layout uses ANSI colours.
        omitted: How many more errors there are, which are only counted.

    Returns:
        The text, ending with a line end.
    """
    if layout != "human":
        from kdrvgen.config import machine  # noqa: PLC0415 - terminals are the common case

        as_text = machine.as_json if layout == "json" else machine.as_github
        return as_text(diagnostics, omitted)
    brush = _Brush(color=color)
    lines = [line for diagnostic in diagnostics for line in (*brush.draw(diagnostic), "")]
    return defused("\n".join([*lines, _count(diagnostics, omitted), ""]))


def _count(diagnostics: Sequence[Diagnostic], omitted: int) -> str:
    files = dict.fromkeys(visible(diagnostic.file) for diagnostic in diagnostics)
    warnings = sum(diagnostic.severity == "warning" for diagnostic in diagnostics)
    counts = {"error": len(diagnostics) + omitted - warnings, "warning": warnings}
    total = " and ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items() if count
    )
    shown = f"; only the first {len(diagnostics)} are shown" if omitted else ""
    return f"{total} in {', '.join(files)}{shown}"


class _Brush:
    """Draws single diagnostics."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def draw(self, diagnostic: Diagnostic) -> Iterator[str]:
        shown = [diagnostic.place, *(related.place for related in diagnostic.related)]
        gutter = max((len(str(place.span.line)) for place in shown if place), default=1)
        severity = diagnostic.severity
        yield from self._title(diagnostic.file, diagnostic.place, severity, diagnostic.message)
        if diagnostic.place:
            yield from self._frame(diagnostic.place, gutter, "^", severity)
        for number, line in enumerate(diagnostic.hint.splitlines() if diagnostic.hint else ()):
            lead = "= help: " if not number else "        "
            yield f"{' ' * (gutter + 3)}{self._paint(lead, 'frame')}{visible(line)}".rstrip()
        for related in diagnostic.related:
            yield from self._title(
                related.file or diagnostic.file, related.place, "note", related.message
            )
            yield from self._frame(related.place, gutter, "-", "note")

    def _title(self, file: str, place: Place | None, kind: str, message: str) -> Iterator[str]:
        where = visible(file)
        if place:
            where += f":{place.span.line}:{place.span.column}"
        told = self._paint(visible(message), "bold")
        yield f"{self._paint(where, 'bold')}: {self._paint(kind, kind)}: {told}"

    def _frame(self, place: Place, gutter: int, mark: str, style: str) -> Iterator[str]:
        line, start, length = _fit(place.excerpt)
        bar = self._paint("|", "frame")
        number = self._paint(f"{place.span.line:>{gutter}}", "frame")
        yield f"  {number} {bar} {line}".rstrip()
        yield f"  {' ' * gutter} {bar} {' ' * start}{self._paint(mark * length, style)}"

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color else text


def _fit(excerpt: Excerpt) -> tuple[str, int, int]:
    """Give a line as it is drawn, and the columns of what is marked; long lines are cut around."""
    cells: list[tuple[str, int]] = []
    column = 0
    for character in excerpt.text:
        cell = _cell(character, column)
        cells.append(cell)
        column += cell[1]
    first, last = excerpt.start, excerpt.start + excerpt.length
    left, right = _window(cells, first, last)
    front = "…" if left or excerpt.cut_left else ""
    back = "…" if right < len(cells) or excerpt.cut_right else ""
    line = front + "".join(drawn for drawn, _ in cells[left:right]) + back
    start = len(front) + sum(width for _, width in cells[left:first])
    length = sum(width for _, width in cells[first : min(last, right)])
    return line, start, max(1, length)


def _cell(character: str, column: int) -> tuple[str, int]:
    """Give how a character is drawn and how many columns that takes."""
    if character == "\t":
        width = _TAB - column % _TAB
        return " " * width, width
    if " " <= character <= "~":
        return character, 1
    drawn = visible(character)
    if drawn != character:
        return drawn, len(drawn)
    if unicodedata.category(character) in {"Mn", "Me"}:
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _window(cells: Sequence[tuple[str, int]], first: int, last: int) -> tuple[int, int]:
    """Choose which part of a line to draw: `first` in it, and as much around as there is room."""
    if sum(width for _, width in cells) <= _WIDTH:
        return 0, len(cells)
    left = right = min(first, len(cells))
    room = _WIDTH
    while right < min(last, len(cells)) and room > _WIDTH // 4:
        room -= cells[right][1]
        right += 1
    before = room // 2
    while left > 0 and before > 0:
        left -= 1
        before -= cells[left][1]
        room -= cells[left][1]
    while right < len(cells) and room > 0:
        room -= cells[right][1]
        right += 1
    while left > 0 and room > 0:
        left -= 1
        room -= cells[left][1]
    return left, right
