"""Explain tomli's syntax errors: the place of each, and how to correct it."""

from __future__ import annotations

import re
from collections.abc import Callable

import tomli

from kdrvgen.config.keys import dotted
from kdrvgen.config.locator import Scan, scan
from kdrvgen.config.secrets import hide_in_line, shown_path
from kdrvgen.config.source import Extent, Source
from kdrvgen.credentials import MASK
from kdrvgen.report.finding import Finding, Related

__all__ = ["SYNTAX_RULE", "explain"]

SYNTAX_RULE = "toml-syntax"
"""The rule that a configuration is TOML."""

_SMART_QUOTES = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_BARE_VALUE = re.compile(r"[^\n#,\]}]*[^\n#,\]}\s;]")
_PATH_LIKE = re.compile(r"[A-Za-z]:[\\/]|\\\\|\.{0,2}/")
_LONGEST_QUOTED = 80
_BACKSLASHES = (
    "a backslash begins an escape sequence in a \"…\" string: write a Windows path in '…', "
    'or with `\\\\` or `/` in "…"'
)


def explain(source: Source, error: tomli.TOMLDecodeError) -> Finding:
    """Return the finding for a syntax error."""
    pos = min(error.pos, len(source.text))
    case = _Case(hide_in_line(source, pos), error.msg, pos)
    for begins, explainer in _EXPLAINERS:
        if error.msg.startswith(begins):
            return explainer(case)
    return case.finding(error.msg[:1].lower() + error.msg[1:], case.here())


class _Case:
    """One syntax error, and the text before it as far as the scanner can read it."""

    def __init__(self, source: Source, tomli_message: str, pos: int) -> None:
        self.source = source
        self.tomli_message = tomli_message
        self.text = source.text
        self.pos = pos
        self.scan: Scan = scan(source.text[:pos])

    def finding(
        self, message: str, extent: Extent, hint: str = "", *related: tuple[str, Extent]
    ) -> Finding:
        source = hide_in_line(self.source, extent.start)
        return Finding(
            SYNTAX_RULE,
            message,
            source.place(extent),
            help=hint,
            related=tuple(
                Related(note, hide_in_line(source, where.start).place(where))
                for note, where in related
            ),
        )

    def here(self, length: int = 1) -> Extent:
        """Return the place of the error; at the end of the text, the end of its last line."""
        pos = self.pos
        if not self.text[pos:].strip():
            pos = max(min(pos, len(self.text[:pos].rstrip())), 0)
        return Extent(pos, pos + length)

    def at_end(self) -> bool:
        return not self.text[self.pos :].strip()

    def rest_of_line(self) -> str:
        return self.text[self.pos : self.source.line_extent(self.pos).end]

    def key(self) -> str:
        """Return the key whose value tomli was reading, or the word "key"."""
        return self.names()[-1] if self.scan.last_key else "key"

    def names(self) -> list[str]:
        """Return the parts of the last key, with those of a credential masked."""
        written = self.scan.last_key[0] if self.scan.last_key else ()
        return [dotted((part,)) for part in shown_path(self.scan.last_path)[-len(written) :]]

    def quoted(self, start: int) -> tuple[Extent, str]:
        """Return the bare value from `start`, and a hint to put it in quotes."""
        found = _BARE_VALUE.match(self.text, start)
        extent = Extent(start, found.end() if found else start + 1)
        written = self.source.shown(extent)
        if (
            MASK in written
            or len(written) > _LONGEST_QUOTED
            or any(mark in written for mark in "\"'")
            or not written.strip()
        ):
            return extent, "put strings in quotes"
        mark = "'" if "\\" in written else '"'
        return extent, f"put strings in quotes: `{self.key()} = {mark}{written}{mark}`"


def _statement(case: _Case) -> Finding:
    rest = case.rest_of_line()
    hint = "a line is `key = value`, a `[table]` or a `# comment`"
    if rest.startswith(("//", ";", "--", "/*")):
        hint = "comments begin with `#`"
    elif rest[:1] in _SMART_QUOTES:
        hint = _smart(rest[:1])
    elif rest[:1] in "}]":
        hint = "remove the extra closing bracket"
    return case.finding("this line is not TOML", case.here(), hint)


def _smart(mark: str) -> str:
    return f"`{mark}` is a typographic quotation mark: TOML allows only \" and '"


def _value(case: _Case) -> Finding:
    rest = case.rest_of_line()
    if case.scan.open and case.at_end():
        return _unclosed(case)
    if not rest.strip() or rest[0] in "#,]}":
        hint = f'write a value after `{case.key()} =`, such as `{case.key()} = "…"`'
        return case.finding("a value is missing here", case.here(), hint)
    extent, hint = case.quoted(case.pos)
    word = case.source.shown(extent)
    if rest[0] in _SMART_QUOTES:
        hint = _smart(rest[0])
    elif word.lower() in {"true", "false", "yes", "no", "on", "off"}:
        hint = f"write `{'true' if word.lower() in {'true', 'yes', 'on'} else 'false'}`"
    elif word.lower() in {"none", "null", "nil"}:
        hint = "TOML has no null: leave the key out"
    elif _PATH_LIKE.match(word):
        hint = hint.replace("put strings", "put paths")
    return case.finding("this is not a TOML value", extent, hint)


def _after_statement(case: _Case) -> Finding:
    rest = case.rest_of_line()
    key = case.scan.last_key
    node = key[2][-1] if key else None
    if node and node.value and "\n" not in case.text[node.value.start : case.pos]:
        if case.text[node.value.start] not in "\"'[{":
            extent, hint = case.quoted(node.value.start)
            if "\n" not in case.text[node.value.end : case.pos] and rest[0] not in ";,":
                return case.finding("this is not a TOML value", extent, hint)
        elif rest[0] not in ";,#":
            hint = "write one `key = value` on each line"
            if case.text[node.value.start] in "\"'":
                hint += "; write a string that contains \" in '…', or write `\\\"`"
            return case.finding("unexpected text after the value", case.here(), hint)
    hint = {
        ";": "remove the `;`: the end of the line ends the statement",
        ",": "remove the `,`: commas separate only elements in brackets",
    }.get(rest[:1], "write one statement on each line")
    return case.finding("expected the end of the line", case.here(), hint)


def _equals(case: _Case) -> Finding:
    rest = case.rest_of_line()
    hint = "write `key = value`"
    if rest.startswith(":"):
        hint = f"write `{case.key()} = value`, with `=`"
    elif case.scan.last_key and rest.strip() and rest[0] not in "=#":
        hint = f"write `{case.key()} = …`; quote a key that contains spaces or other characters"
    return case.finding(f"`=` is missing after the key `{case.key()}`", case.here(), hint)


def _key_part(case: _Case) -> Finding:
    rest = case.rest_of_line()
    hint = "a key has letters, digits, `-` and `_`; quote any other key"
    if rest[:1] in _SMART_QUOTES and rest:
        hint = _smart(rest[0])
    return case.finding("expected a key", case.here(), hint)


def _unclosed(case: _Case) -> Finding:
    (start,) = case.scan.open[-1:]
    thing, bracket = ("array", "]") if case.text[start] == "[" else ("inline table", "}")
    started = [(f"the {thing} begins here", Extent(start, start + 1))]
    if case.at_end():
        message = f"the {thing} is not closed: `{bracket}` is missing"
        return case.finding(message, case.here(), "", *started)
    message = f"expected `,` or `{bracket}`"
    hint = _smart(case.text[case.pos]) if case.text[case.pos] in _SMART_QUOTES else ""
    return case.finding(message, case.here(), hint, *started)


def _escape(case: _Case) -> Finding:
    start = max(case.text.rfind("\\", 0, case.pos + 1), 0)
    extent = Extent(start, min(start + 2, len(case.text)))
    return case.finding("unknown escape sequence", extent, _BACKSLASHES)


def _scalar_value(case: _Case) -> Finding:
    start = max(case.text.rfind("\\", 0, case.pos), 0)
    return case.finding(
        "this escape sequence is not a valid Unicode character",
        Extent(start, case.pos),
        _BACKSLASHES,
    )


def _string_end(case: _Case) -> Finding:
    """Explain a string that is still open at the end of its line or of the file."""
    start = case.scan.stop
    if case.text[start : start + 1] not in {'"', "'"}:
        return _character(case)
    mark = case.text[start]
    closing = mark * 3 if case.text.startswith(mark * 3, start) else mark
    bounds = case.source.line_extent(start)
    extent = Extent(start, max(bounds.end, start + 1))
    hint = f"close it with {closing}"
    if len(closing) == 1 and case.text[start : bounds.end].endswith("\\" + mark):
        hint = _BACKSLASHES
    return case.finding("the string is not closed", extent, hint)


def _character(case: _Case) -> Finding:
    found = case.text[case.pos : case.pos + 1]
    if found == "\n":
        return _string_end(case)
    message = f"the control character U+{ord(found or chr(0)):04X} is not allowed here"
    hint = 'in a "…" string, write it as `\\u' + f"{ord(found or chr(0)):04X}`"
    if found == "\r":
        message = "a carriage return without a line feed is not allowed"
        hint = "save the file with LF or CRLF line ends"
    return case.finding(message, case.here(), hint)


def _bracket(case: _Case) -> Finding:
    closing = "]]" if "']]'" in case.tomli_message else "]"
    hint = f"write a table header on a line of its own: `{'[' * len(closing)}name{closing}`"
    return case.finding(f"`{closing}` is missing here", case.here(), hint)


def _twice(case: _Case) -> Finding:
    """Explain a key or table that is defined twice, with both places."""
    if case.scan.last_key is None:
        return case.finding("this is defined twice", case.here())
    _, extent, nodes = case.scan.last_key
    is_header = case.text[: extent.start].rstrip(" \t").endswith("[")
    name = ".".join(case.names())
    what = f"the table `[{name}]`" if is_header else f"the key `{name}`"
    earlier = nodes[-1].key
    if earlier and earlier.start < extent.start:
        hint = "move its keys to the first one" if is_header else "keep one of them"
        return case.finding(
            f"{what} is defined twice", extent, hint, ("first defined here", earlier)
        )
    whole = [node.value for node in nodes[:-1] if node.value and node.value.start < extent.start]
    return case.finding(
        f"{what} cannot extend a value that is already complete",
        extent,
        "",
        *(("the complete value", value) for value in whole[:1]),
    )


def _date(case: _Case) -> Finding:
    extent, _ = case.quoted(case.pos)
    return case.finding("this date does not exist", extent)


_EXPLAINERS: tuple[tuple[str, Callable[[_Case], Finding]], ...] = (
    ("Invalid statement", _statement),
    ("Invalid value", _value),
    ("Invalid date", _date),
    ("Expected newline", _after_statement),
    ("Expected '='", _equals),
    ("Expected ']", _bracket),
    ("Invalid initial character", _key_part),
    ("Unclosed", _unclosed),
    ("Unescaped", _escape),
    ("Invalid hex", _escape),
    ("Escaped character", _scalar_value),
    ("Unterminated string", _string_end),
    ("Expected \"'", _string_end),
    ("Illegal character", _character),
    ("Found invalid character", _character),
    ("Cannot", _twice),
    ("Duplicate inline table key", _twice),
)
