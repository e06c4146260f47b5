"""A TOML file of a project, with the line of each key."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.passwords import password_spans
from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.config.keys import Path
from kdrvgen.config.locator import Node, locate
from kdrvgen.config.source import Extent, Source
from kdrvgen.config.syntax import parse
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Finding, Place

__all__ = ["Document", "read_document"]

_MAX_DEPTH = 32


@dataclass(frozen=True)
class Document:
    """A TOML file."""

    path: str
    text: str
    data: Mapping[str, TomlValue]
    root: Node

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def origin(self, path: Path) -> Origin:
        """Return the line of the key at `path`, or else of the nearest table around it."""
        while path:
            node = self.root.find(path)
            extent = node and (node.key or node.value or node.header)
            if extent:
                return Origin(self.path, bisect_right(self._line_starts, extent.start))
            path = path[:-1]
        return Origin(self.path)

    def lines(self, path: Path) -> list[Located]:
        """Return the lines of a string; none if the value is not a string."""
        value = self.get(path)
        if not isinstance(value, str):
            return []
        node = self.root.find(path)
        first, step = self.origin(path).line, 0
        if node and node.value:
            first = bisect_right(self._line_starts, node.value.start)
            start = self.text[node.value.start : node.value.start + 4]
            if start[:3] in {"'''", '"""'}:
                first, step = first + (start[3:] == "\n"), 1
        return [
            Located(line, Origin(self.path, first + step * index))
            for index, line in enumerate(value.split("\n"))
        ]

    def get(self, path: Path) -> TomlValue:
        """Return the value at `path`, or None."""
        value: TomlValue = self.data
        for part in path:
            if isinstance(value, Mapping):
                value = value.get(str(part))
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def table(self, *path: str) -> Mapping[str, TomlValue]:
        """Return the table at `path`; an empty one if there is none."""
        value = self.get(path)
        return value if isinstance(value, Mapping) else {}

    def string(self, *path: str) -> Located | None:
        """Return the string at `path`; None if the value is not a string."""
        value = self.get(path)
        return Located(value, self.origin(path)) if isinstance(value, str) else None

    def words(self, *path: str) -> list[Located]:
        """Return the strings of an array or the words of a string, as cargo reads flags."""
        value = self.get(path)
        if isinstance(value, str):
            return [Located(word, self.origin(path)) for word in value.split()]
        if not isinstance(value, list):
            return []
        return [
            Located(word, self.origin((*path, index)))
            for index, word in enumerate(value)
            if isinstance(word, str)
        ]


def read_document(snapshot: Snapshot, path: str) -> Document:
    """Read a TOML file of the snapshot.

    Raises:
        ConfigError: It is not valid TOML, or not text. The error looks like one in config.toml.
    """
    known = snapshot.documents.get(path)
    if isinstance(known, Document):
        return known
    text = snapshot.files[path]
    source = Source.of(text, snapshot.name(path))
    try:
        data = parse(source)
    except ConfigError:
        data = parse(_without_passwords(source))  # the same error
    if _is_deeper(data, _MAX_DEPTH):
        message = f"the file nests values deeper than {_MAX_DEPTH} levels"
        raise ConfigError([Finding("adopt-refused", message, Place(source.name))])
    document = Document(path, text, data, locate(text))
    for place in _long_integers(data):
        extent = _extent(document.root, place)
        message = "this integer does not fit into 64 bits, the limit of TOML"
        raise ConfigError(
            [Finding("adopt-refused", message, _without_passwords(source).place(extent))]
        )
    snapshot.documents[path] = document
    return document


def _without_passwords(source: Source) -> Source:
    return source.hiding(Extent(*span) for span in password_spans(source.text))


def _long_integers(data: TomlValue, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of integers beyond TOML's range. tomli reads them if they are hexadecimal."""
    if isinstance(data, dict | list):
        entries = data.items() if isinstance(data, dict) else enumerate(data)
        for part, member in entries:
            yield from _long_integers(member, (*path, part))
    elif isinstance(data, int) and not -(2**63) <= data < 2**63:
        yield path


def _extent(root: Node, path: Path) -> Extent:
    node = root.find(path)
    return (node.value if node else None) or Extent(0, 1)


def _is_deeper(data: TomlValue, limit: int) -> bool:
    """Return whether tables and arrays nest deeper than `limit` levels."""
    level: list[TomlValue] = [data]
    for _ in range(limit):
        members = [member for container in level for member in _members(container)]
        level = [member for member in members if isinstance(member, dict | list)]
    return bool(level)


def _members(container: TomlValue) -> Iterable[TomlValue]:
    return container.values() if isinstance(container, dict) else container
