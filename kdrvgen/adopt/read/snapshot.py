"""A project's files as they were read, and the TOML among them with the line of every key."""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import tomli

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.parse.passwords import password_places
from kdrvgen.config.keys import Path
from kdrvgen.config.locator import Node, locate
from kdrvgen.config.source import Extent, Source
from kdrvgen.config.syntax import explain
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Finding, Place

__all__ = ["Document", "Snapshot", "beside", "parse"]

_DEEPEST = 32


@dataclass(frozen=True)
class Snapshot:
    """What was read of a project.

    Attributes:
        files: Texts by path from the project's folder, divided by `/`; line ends are LF. Folders
            above are reached by `..`, as far as the root of the workspace.
        unreadable: Files that are there but hold no text, each with the reason.
        shown: What stands before a path where people read it: the folder as the user named it.
        place: Names of the folders that lead to the project's own, its own the last; as many as
            are known.
        has_schema: Whether the schema of config.toml lies in the folder, for editors.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    shown: str = "."
    place: tuple[str, ...] = ()
    has_schema: bool = False

    def name(self, path: str) -> str:
        """Return the path of a file as seen from where the user stands."""
        return posixpath.normpath(posixpath.join(self.shown, path))

    def from_here(self, path: str) -> str:
        """Return a path from the project's folder that need not leave it by the shortest way."""
        path = posixpath.normpath(path)
        climbed = path.count("../")
        down = "/".join((*self.place[len(self.place) - climbed :], ""))
        is_back = climbed <= len(self.place) and path[3 * climbed :].startswith(down)
        return path[3 * climbed + len(down) :] if climbed and is_back else path

    def find(self, *paths: str) -> str | None:
        """Return the first of the paths at which there is a text."""
        return next((path for path in paths if path in self.files), None)

    def above(self) -> list[str]:
        """Return the project's folder and those above it that were looked at, nearest first."""
        highest = max((path.count("../") for path in (*self.files, *self.unreadable)), default=0)
        return ["../" * level for level in range(highest + 1)]


@dataclass(frozen=True)
class Document:
    """A TOML file with the place of everything in it."""

    path: str
    text: str
    data: Mapping[str, Any]
    root: Node

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(at + 1 for at, character in enumerate(self.text) if character == "\n")]

    def origin(self, path: Path) -> Origin:
        """Return where `path`, or else the nearest thing above it, stands."""
        while path:
            node = self.root.find(path)
            extent = node and (node.key or node.value or node.header)
            if extent:
                return Origin(self.path, bisect_right(self._starts, extent.start))
            path = path[:-1]
        return Origin(self.path)

    def lines(self, path: Path) -> list[Said]:
        """Return the lines of a string, each with where it stands."""
        value = self.get(path)
        if not isinstance(value, str):
            return []
        node = self.root.find(path)
        first, step = self.origin(path).line, 0
        if node and node.value:
            first = bisect_right(self._starts, node.value.start)
            start = self.text[node.value.start : node.value.start + 4]
            if start[:3] in {"'''", '"""'}:
                first, step = first + (start[3:] == "\n"), 1
        return [
            Said(line, Origin(self.path, first + step * index))
            for index, line in enumerate(value.split("\n"))
        ]

    def get(self, path: Path) -> Any:  # noqa: ANN401 - TOML's values are of any type
        """Return the value at `path`, or None."""
        found: Any = self.data
        for part in path:
            if isinstance(found, Mapping):
                found = found.get(str(part))
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return None
        return found

    def table(self, *path: str) -> Mapping[str, Any]:
        """Return the table at `path`; an empty one if there is none."""
        found = self.get(path)
        return found if isinstance(found, Mapping) else {}

    def string(self, *path: str) -> Said | None:
        """Return the string at `path`, if it is one."""
        found = self.get(path)
        return Said(found, self.origin(path)) if isinstance(found, str) else None

    def words(self, *path: str) -> list[Said]:
        """Return an array's strings, or the words of a string, as cargo reads lists of flags."""
        found = self.get(path)
        if isinstance(found, str):
            return [Said(word, self.origin(path)) for word in found.split()]
        if not isinstance(found, list):
            return []
        return [
            Said(word, self.origin((*path, index)))
            for index, word in enumerate(found)
            if isinstance(word, str)
        ]


def parse(snapshot: Snapshot, path: str) -> Document:
    """Return a TOML file of the snapshot.

    Raises:
        ConfigError: It is no TOML, or no text; drawn as errors in config.toml are.
    """
    text = snapshot.files[path]
    source = Source.of(text, snapshot.name(path)).hiding(password_places(text))
    failure: Exception
    try:
        data = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        failure = error
    else:
        if _is_deeper(data, _DEEPEST):
            message = "it is nested too deeply to be read here"
            raise ConfigError([Finding("adopt-refused", message, Place(source.name))])
        found = Document(path, text, data, locate(text))
        for place in _long_integers(data):
            extent = _extent(found.root, place)
            message = "this integer needs more than TOML's 64 bits"
            raise ConfigError([Finding("adopt-refused", message, source.place(extent))])
        return found
    # Raised outside of the handler: tomli's error holds the whole text.
    raise ConfigError([explain(source, failure)])


def _long_integers(data: object, path: Path = ()) -> Iterator[Path]:
    """Yield where an integer stands that TOML does not have, but tomli reads: hexadecimal ones."""
    if isinstance(data, dict | list):
        entries = data.items() if isinstance(data, dict) else enumerate(data)
        for part, member in entries:
            yield from _long_integers(member, (*path, part))
    elif isinstance(data, int) and not -(2**63) <= data < 2**63:
        yield path


def _extent(root: Node, path: Path) -> Extent:
    node = root.find(path)
    return (node.value if node else None) or Extent(0, 1)


def _is_deeper(data: object, limit: int) -> bool:
    """Tell whether tables and arrays are nested deeper than `limit`."""
    level: list[Any] = [data]
    for _ in range(limit):
        members = [member for each in level for member in _members(each)]
        level = [each for each in members if isinstance(each, dict | list)]
    return bool(level)


def _members(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def beside(path: str, other: str) -> str:
    r"""Return where `other`, written in the file at `path`, lies; `\` divides as `/` does."""
    joined = posixpath.join(posixpath.dirname(path), other.replace("\\", "/"))
    return posixpath.normpath(joined)
