"""A parsed INF file: sections, entries and fields, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kdrvgen.config.source import Extent, Source
from kdrvgen.report.finding import Place

__all__ = ["Entry", "Field", "Flaw", "Inf", "Section"]

_TOKEN = re.compile(r"%([^%\n]*)%")


class Field(NamedTuple):
    """A key or a value.

    Attributes:
        text: Its text without quotation marks, with string tokens as they are written.
        extent: Its place in the file, with quotation marks.
    """

    text: str
    extent: Extent


class Entry(NamedTuple):
    """A line of a section, with the lines that continue it.

    Attributes:
        key: The part before the equals sign; None if there is none.
        values: The other fields, which commas separate; at least one.
    """

    key: Field | None
    values: tuple[Field, ...]

    @property
    def extent(self) -> Extent:
        """The place of the whole entry."""
        first = self.key or self.values[0]
        return Extent(first.extent.start, self.values[-1].extent.end)

    def value(self, index: int) -> Field | None:
        """Return a value; None if it is left out."""
        if index < len(self.values) and self.values[index].text:
            return self.values[index]
        return None


class Section(NamedTuple):
    """A section; those with the same name are one section.

    Attributes:
        name: The name as it is written first.
        extent: The place of the name in its first header.
        entries: The entries of all headers.
    """

    name: str
    extent: Extent
    entries: tuple[Entry, ...]

    def find(self, key: str) -> Entry | None:
        """Return the first entry with a key, in any case of letters."""
        return next(self.all(key), None)

    def all(self, key: str) -> Iterator[Entry]:
        """Yield the entries with a key, in any case of letters."""
        for entry in self.entries:
            if entry.key and entry.key.text.lower() == key:
                yield entry


class Flaw(NamedTuple):
    """Text that does not follow the syntax of INF files.

    Attributes:
        message: What is wrong.
        help: What to do.
        extent: The place.
        is_harmless: Whether Windows still reads what the author meant.
    """

    message: str
    help: str
    extent: Extent
    is_harmless: bool = False


@dataclass(frozen=True)
class Inf:
    """A parsed INF file.

    Attributes:
        source: The text, with LF line ends.
        sections: The sections by their names in lower case, in the order of the file.
        flaws: What does not follow the syntax.
        encoding_flaw: Why Windows does not read the same characters; "" if it does.
        is_ansi: Whether the file is ANSI, whose characters depend on the code page of Windows.
    """

    source: Source
    sections: Mapping[str, Section]
    flaws: tuple[Flaw, ...] = ()
    encoding_flaw: str = ""
    is_ansi: bool = False

    def section(self, name: str) -> Section | None:
        """Return a section by its name, in any case of letters."""
        return self.sections.get(name.lower())

    def find(self, section: str, key: str) -> Entry | None:
        """Return the first entry with a key in a section; `key` is in lower case."""
        found = self.section(section)
        return found.find(key) if found else None

    def text(self, section: str, key: str) -> str:
        """Return the first value of a key with its string tokens replaced; "" if there is none."""
        entry = self.find(section, key)
        return self.expand(entry.values[0].text) if entry else ""

    @cached_property
    def strings(self) -> Mapping[str, str]:
        """The values of `[Strings]` by their keys in lower case."""
        section = self.section("strings")
        found: dict[str, str] = {}
        for entry in section.entries if section else ():
            if entry.key:
                text = ",".join(value.text for value in entry.values)
                found.setdefault(entry.key.text.lower(), text)
        return found

    def expand(self, text: str) -> str:
        """Return a text with its string tokens replaced, once; unknown tokens stay."""

        def value(token: re.Match[str]) -> str:
            name = token[1].lower()
            return self.strings.get(name, token[0]) if name else "%"

        return _TOKEN.sub(value, text)

    def fields(self) -> Iterator[tuple[Section, Field]]:
        """Yield each key and each value with its section, in the order of the sections."""
        for section in self.sections.values():
            for entry in section.entries:
                for field in (entry.key, *entry.values) if entry.key else entry.values:
                    yield section, field

    def tokens(self, text: str) -> Iterator[str]:
        """Yield the names of the string tokens in a text, without directory identifiers."""
        for token in _TOKEN.finditer(text):
            if token[1] and not re.fullmatch(r"-?\d+", token[1], re.ASCII):
                yield token[1]

    def place(self, where: Field | Entry | Section | Flaw) -> Place:
        """Return the place of a part of the file."""
        return self.source.place(where.extent)
