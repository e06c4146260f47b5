"""Parses INF files as SetupAPI does, with the place of each field.

Sources: Microsoft Learn, "General Syntax Rules for INF Files"; Wine's setupapi, which the tests
compare.
"""

from __future__ import annotations

import re
from dataclasses import replace

from kdrvgen.config.source import Extent, Source
from kdrvgen.packaging.inf.document import Entry, Field, Flaw, Inf, Section
from kdrvgen.packaging.inf.text import Decoded, decode

__all__ = ["MAX_SIZE", "parse", "parse_decoded", "parse_text"]

MAX_SIZE = 4 << 20
"""The size in bytes of the largest INF file that kdrvgen reads; Windows' own are below 1 MB."""

_LONGEST_NAME = 255
_LONGEST_FIELD = 4095
_END_OF_FILE = "\x1a"
_PLAIN = re.compile(r'[^\n;"\\,=]+')
_QUOTED = re.compile(r'"((?:[^"\n]|"")*)("?)')
_BACKSLASHES = re.compile(r"\\(?:\\|[^\S\n])*")
_LINE_END = re.compile(r"(?:;[^\n]*)?\n[^\S\n]*")
_BLANK = re.compile(r"[^\S\n]*")
_COMMENT = re.compile(r"[^\n]*")
_SECTION = re.compile(r"\[([^\]\n]*)(\]?)")


def parse(data: bytes, name: str) -> Inf:
    """Return the INF file in `data`; whatever the bytes are, `flaws` has what is wrong.

    Args:
        data: The content of the file.
        name: The name of the file for findings.
    """
    return parse_decoded(decode(data), name)


def parse_decoded(decoded: Decoded, name: str) -> Inf:
    """Return the INF file with this text, as `parse` does."""
    inf = parse_text(decoded.text, name)
    return replace(inf, encoding_flaw=decoded.flaw, is_ansi=decoded.is_ansi)


def parse_text(text: str, name: str) -> Inf:
    """Return the INF file with this text, whatever the encoding of its file is."""
    source = Source.of(text.partition(_END_OF_FILE)[0], name)
    parser = _Parser(source.text)
    parser.parse()
    sections = {
        key: Section(header.text, header.extent, tuple(parser.entries[key]))
        for key, header in parser.headers.items()
    }
    return Inf(source, sections, tuple(parser.flaws))


class _Parser:
    """The state while a text is parsed: `at` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.headers: dict[str, Field] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.flaws: list[Flaw] = []
        self._current: list[Entry] | None = None

    def parse(self) -> None:
        while self.at < len(self.text):
            self._skip(_BLANK)
            match self.text[self.at : self.at + 1]:
                case "":
                    return
                case "\n":
                    self.at += 1
                case ";":
                    self._skip(_COMMENT)
                case "[":
                    self._header()
                case _:
                    self._entry()

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _flaw(self, message: str, advice: str, start: int, end: int) -> None:
        self.flaws.append(Flaw(message, advice, Extent(start, end)))

    def _header(self) -> None:
        found = _SECTION.match(self.text, self.at)
        if found is None:  # the caller has seen the bracket
            return
        name = found[1].strip()
        start, self.at = found.start(), found.end()
        if not found[2]:
            self._flaw("the name of a section has no `]`", "add `]`", start, found.end())
        elif not name or len(name) > _LONGEST_NAME:
            what = f"has more than {_LONGEST_NAME} characters" if name else "is empty"
            self._flaw(f"the name of a section {what}", "use another name", start, found.end())
        self._skip(_BLANK)
        if self.text[self.at : self.at + 1] not in {"", "\n", ";"}:
            advice = "begin a new line after `]`"
            self._flaw("there is text after the name of a section", advice, self.at, self.at + 1)
        extent = Extent(start + 1, max(start + 2, start + 1 + len(found[1])))
        self.headers.setdefault(name.lower(), Field(name, extent))
        self._current = self.entries.setdefault(name.lower(), [])

    def _entry(self) -> None:
        key: Field | None = None
        values: list[Field] = []
        while True:
            field, end = self._field(can_be_key=key is None and not values)
            if end == "=":
                key = field
                continue
            values.append(field)
            if end != ",":
                break
        entry = Entry(key, tuple(values))
        if self._current is None:
            message = "there is text before the first section, which Windows ignores"
            advice = "begin comments with `;`"
            self.flaws.append(Flaw(message, advice, entry.extent, is_harmless=True))
            self._current = []
        self._current.append(entry)

    def _field(self, *, can_be_key: bool) -> tuple[Field, str]:
        """Return the next field, and the character that ends it: a comma, `=`, or "" for a line."""
        parts: list[str] = []
        size = fixed = 0  # up to `fixed`, blanks are part of the text: quotation marks end there
        self._skip(_BLANK)
        start = last = self.at
        while True:
            character = self.text[self.at : self.at + 1]
            if character in {"", "\n", ";"}:
                self._skip(_COMMENT)
                ending = ""
                break
            if character == "," or (character == "=" and can_be_key):
                self.at += 1
                ending = character
                break
            if character == '"':
                parts.append(self._quoted())
                size += len(parts[-1])
                fixed, last = size, self.at
                continue
            run = self._run(character)
            if not run:
                start = start if parts else self.at
                continue
            parts.append(run)
            size += len(run)
            if run.strip():
                last = self.at - len(run) + len(run.rstrip())
        whole = "".join(parts)
        text = whole[:fixed] + whole[fixed:].rstrip()
        if len(text) > _LONGEST_FIELD:
            message = f"a value has more than {_LONGEST_FIELD} characters"
            self._flaw(message, "shorten it", start, last)
        return Field(text, Extent(start, last)), ending

    def _run(self, first: str) -> str:
        """Return the next characters without a special meaning; "" for the end of a line."""
        pattern = _BACKSLASHES if first == "\\" else _PLAIN
        found = pattern.match(self.text, self.at)
        run = found[0] if found else first
        self.at += len(run)
        if first == "\\" and (line := _LINE_END.match(self.text, self.at)):
            self.at = line.end()
            return ""
        return run

    def _quoted(self) -> str:
        found = _QUOTED.match(self.text, self.at)
        if found is None:  # the caller has seen the quotation mark
            return ""
        if not found[2]:
            message = "a quotation mark is not closed"
            self._flaw(message, 'add `"` at the end of the value', found.start(), found.end())
        self.at = found.end()
        return found[1].replace('""', '"')
