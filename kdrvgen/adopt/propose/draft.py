"""A config.toml in the making: its keys in order, each with where it comes from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.characters import visible
from kdrvgen.model.schema import FILE_NAME
from kdrvgen.rendering.quoting import key, toml

__all__ = ["Draft", "Entry"]

Path = tuple[str, ...]

_TABLES = (
    *("driver", "toolchain", "linker", "wdk", "signing", "deploy", "profiles"),
    *("cargo-config", "makefile"),
)
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value.

    Attributes:
        value: A value of TOML; an array's strings carry where each comes from.
        origin: Where it comes from.
        inner: Of a table, where its keys come from.
    """

    value: Any
    origin: Origin
    inner: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def plain(self) -> Any:  # noqa: ANN401 - TOML's values are of any type
        """The value without where its elements come from."""
        if isinstance(self.value, tuple):
            return [said.text for said in self.value]
        return self.value


class Draft:
    """Keys of config.toml by their paths, and whether editors are told of its schema."""

    def __init__(self, *, has_schema: bool = False) -> None:
        self.entries: dict[Path, Entry] = {}
        self.has_schema = has_schema

    def say(self, path: Path, value: object, origin: Origin) -> None:
        """Set a key."""
        self.entries[path] = Entry(value, origin)

    def take(self, path: Path, said: Said | None) -> None:
        """Set a key to a text of the project, if there is one."""
        if said is not None:
            self.say(path, said.text, said.origin)

    def say_all(self, path: Path, members: Sequence[Said]) -> None:
        """Set a key to an array of texts of the project; one that is empty is left out."""
        if members:
            self.say(path, tuple(members), members[0].origin)

    def document(self) -> dict[str, Any]:
        """Return the whole as tomli would."""
        found: dict[str, Any] = {}
        for path, entry in self.entries.items():
            table = found
            for part in path[:-1]:
                table = table.setdefault(part, {})
            table[path[-1]] = entry.plain
        return found

    def drop(self, location: Sequence[str | int]) -> Origin | None:
        """Take out the value at `location`, or else the nearest thing that holds it.

        Returns:
            Where it came from; None if there is nothing to take out.
        """
        for length in range(len(location), 0, -1):
            path = tuple(str(part) for part in location[:length])
            entry = self.entries.get(path)
            if entry is None:
                continue
            index = location[length] if length < len(location) else None
            if isinstance(entry.value, tuple) and isinstance(index, int):
                said: Said = entry.value[index]
                rest = (*entry.value[:index], *entry.value[index + 1 :])
                self.entries[path] = Entry(rest, entry.origin)
                if not rest:
                    del self.entries[path]
                return said.origin
            del self.entries[path]
            inner = entry.inner.get(str(index)) if index is not None else None
            return inner or entry.origin
        return self._drop_below(tuple(map(str, location)))

    def _drop_below(self, location: Path) -> Origin | None:
        """Take out all keys of a table. The table of all there is stays."""
        found = [path for path in self.entries if path[: len(location)] == location]
        if not found or not location:
            return None
        origin = self.entries[found[0]].origin
        for path in found:
            del self.entries[path]
        return origin

    def text(self, *, with_origins: bool = False) -> str:
        """Return the file, with or without a comment on every line that says where it is from."""
        written = [_commented(text, origin, with_origins) for text, origin in self._lines()]
        return "\n".join(written) + "\n"

    def origins(self) -> dict[int, Origin]:
        """Return where the lines of the file come from, by their numbers from 1."""
        found: dict[int, Origin] = {}
        number = 1
        for text, origin in self._lines():
            if origin:
                found[number] = origin
            number += 1 + text.count("\n")
        return found

    def _lines(self) -> list[tuple[str, Origin | None]]:
        lines: list[tuple[str, Origin | None]] = []
        places = {_table(path): place for place, path in reversed([*enumerate(self.entries)])}
        ordered = sorted(self.entries, key=lambda path: (_rank(path), places[_table(path)]))
        for table, group in itertools.groupby(ordered, key=_table):
            lines.append(("", None))
            paths = list(group)
            if table[:2] == ("makefile", "tasks"):
                entry = self.entries[paths[0]]
                lines.append((_header(paths[0]), entry.origin))
                lines += _task(entry)
                continue
            lines.append((_header(table), None))
            for path in paths:
                name = ".".join(key(part) for part in path[len(table) :])
                lines += _lines(name, self.entries[path])
        return [(f"#:schema ./{FILE_NAME}", None), *lines] if self.has_schema else lines[1:]


def _header(table: Path) -> str:
    return f"[{'.'.join(map(key, table))}]"


def _rank(path: Path) -> tuple[int, int]:
    # A table's own keys come before those of the tables in it.
    order = {"development": 0, "production": 1}
    place = order.get(path[1], 2) if path[0] == "profiles" else 0
    if path[0] == "cargo-config":
        place = len(path) > len(("cargo-config", "a table's name"))
    if path[0] == "makefile":
        place = ("env", "tasks").index(path[1]) * 2 + (len(path) > 3)  # noqa: PLR2004 - a profile's
    return _TABLES.index(path[0]), place


def _table(path: Path) -> Path:
    if path[0] == "profiles":
        return path[:2]
    if path[:2] == ("makefile", "tasks"):
        return path
    return path[:-1]


def _lines(name: str, entry: Entry) -> Iterator[tuple[str, Origin | None]]:
    if not isinstance(entry.value, tuple):
        yield f"{name} = {_written(entry.value)}", entry.origin
        return
    short = f"{name} = {toml(entry.plain)}"
    if len({said.origin for said in entry.value}) <= 1 and len(short) < _WIDTH:
        yield short, entry.origin
        return
    yield f"{name} = [", None
    for said in entry.value:
        yield f"    {toml(said.text)},", said.origin
    yield "]", None


def _task(entry: Entry) -> Iterator[tuple[str, Origin | None]]:
    for name, value in entry.value.items():
        yield f"{key(name)} = {_written(value)}", entry.inner.get(name, entry.origin)


def _written(value: object) -> str:
    """Return a value of TOML; a script of several lines as it would be written by hand."""
    if (
        isinstance(value, str)
        and "\n" in value
        and "'''" not in value
        and not value.endswith("'")
        and all(character.isprintable() or character in "\n\t" for character in value)
    ):
        return f"'''\n{value}'''"
    if isinstance(value, list) and len(toml(value)) > _WIDTH:
        return "[\n" + "".join(f"    {toml(member)},\n" for member in value) + "]"
    return toml(value)


def _commented(text: str, origin: Origin | None, is_wanted: bool) -> str:  # noqa: FBT001
    return f"{text}  # from {visible(str(origin))}" if is_wanted and origin else text
