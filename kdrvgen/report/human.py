"""Findings as text: the place, the line with carets under the marked part, and what to do.

Text from a file never reaches the terminal as a control character.
"""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from kdrvgen.characters import defused, visible
from kdrvgen.report.finding import Excerpt, Finding, Place, Severity, counted

__all__ = ["checklist", "draw"]

_WIDTH = 100
_TAB = 4
_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "ok": "32",
    "frame": "34",
    "bold": "1",
}
_STATES = {
    Severity.OK: "found",
    Severity.NOTE: "note",
    Severity.WARNING: "note",
    Severity.ERROR: "missing",
}
_LEFT = 11


def draw(
    findings: Sequence[Finding], *, color: bool = False, omitted: int = 0, has_count: bool = True
) -> str:
    """Return the text of findings, in their order.

    Args:
        findings: The findings.
        color: Whether to use ANSI colours.
        omitted: The number of errors that are left out and only counted.
        has_count: Whether the last line counts the findings. It needs a finding with a place.

    Returns:
        Lines, with an empty line after each finding that has a place.
    """
    brush = _Brush(color=color)
    lines = [line for finding in findings for line in brush.draw(finding)]
    files = dict.fromkeys(visible(each.file) for each in findings if each.place)
    if has_count and files:
        shown = f"; only the first {len(findings)} are shown" if omitted else ""
        total = " and ".join(counted(findings, omitted))
        lines.append(f"{total} in {', '.join(files)}{shown}")
    return defused("".join(f"{line}\n" for line in lines))


def checklist(findings: Sequence[Finding], every: Collection[str]) -> list[str]:
    """Return a line for each finding, including OK, followed by what to do.

    Args:
        findings: The findings. Their tags are the tasks that need them.
        every: All tags; a finding with all of them is shown with the tag `all`.
    """
    tags = [
        "all" if len(finding.tags) == len(every) else ", ".join(finding.tags)
        for finding in findings
    ]
    width = max(map(len, tags), default=0)
    lines: list[str] = []
    for each, shown in zip(findings, tags, strict=True):
        where = f"  ({each.place})" if each.place else ""
        text = " ".join(f"{each.message}{where}".splitlines())
        lines.append(f"{_STATES[each.severity]:{_LEFT}}{shown:{width}}  {text}")
        if each.severity is not Severity.OK:
            margin = " " * (_LEFT + width + 2)
            for advice in (*map(shlex.join, each.fixes), *each.help.splitlines()):
                arrow = "" if advice.startswith(" ") else "-> "
                lines.append(f"{margin}{arrow}{advice}")
    return lines


class _Brush:
    """Renders single findings."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def draw(self, finding: Finding) -> Iterator[str]:
        place, severity = finding.place, finding.severity
        # Name a rule that has a page, so that the user can find it there.
        rule = f" [{finding.rule}]" if finding.reference else ""
        if place is None:
            # An error of a command: the text is kdrvgen's own and can have several lines.
            kind = self._paint(f"{severity}:", severity)
            yield f"{kind} {visible(finding.message, keep=chr(10) + chr(9))}{rule}"
            yield from self._advice(finding, 1)
            return
        shown = [place, *(related.place for related in finding.related)]
        gutter = max((len(str(each.line)) for each in shown if each.line), default=1)
        yield from self._title(place, severity, f"{finding.message}{rule}")
        yield from self._frame(place, gutter, "^", severity)
        yield from self._advice(finding, gutter)
        for related in finding.related:
            yield from self._title(related.place, "note", related.message)
            yield from self._frame(related.place, gutter, "-", "note")
        yield ""

    def _title(self, place: Place, kind: str, message: str) -> Iterator[str]:
        where = self._paint(visible(str(place)), "bold")
        yield f"{where}: {self._paint(kind, kind)}: {self._paint(visible(message), 'bold')}"

    def _advice(self, finding: Finding, gutter: int) -> Iterator[str]:
        texts = {
            "why": [finding.why] if finding.why else [],
            "help": [*finding.help.splitlines(), *map(shlex.join, finding.fixes)],
            "see": [finding.reference] if finding.reference else [],
            "note": [finding.note] if finding.note else [],
        }
        for word, lines in texts.items():
            lead = f"= {word}: "
            for line in lines:
                yield f"{' ' * (gutter + 3)}{self._paint(lead, 'frame')}{visible(line)}".rstrip()
                lead = " " * len(lead)

    def _frame(self, place: Place, gutter: int, mark: str, style: str) -> Iterator[str]:
        if place.excerpt is None:
            return
        line, start, length = _fit(place.excerpt)
        bar = self._paint("|", "frame")
        number = self._paint(f"{place.line or '':>{gutter}}", "frame")
        yield f"  {number} {bar} {line}".rstrip()
        if place.excerpt.length:
            yield f"  {' ' * gutter} {bar} {' ' * start}{self._paint(mark * length, style)}"

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color else text


def _fit(excerpt: Excerpt) -> tuple[str, int, int]:
    """Return the line to print and the columns of its marked part; long lines are cut."""
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
    """Return the printed form of a character and its number of columns."""
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
    """Return the part of a line to print: from `first`, with as much context as fits."""
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
