"""A draft of config.toml: its keys in order, each with the line that it comes from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.characters import visible
from kdrvgen.model.schema import FILE_NAME
from kdrvgen.rendering.quoting import key, toml

__all__ = ["Draft", "Entry"]

_Path: TypeAlias = tuple[str, ...]
_Line: TypeAlias = tuple[str, Origin | None]

_TABLES = (
    *("driver", "toolchain", "build", "linker", "wdk", "signing", "deploy", "package", "profiles"),
    *("cargo-config", "makefile"),
)
# A task without any of these does nothing.
_WORK_KEYS = frozenset({"command", "script", "run_task", "dependencies", "alias", "extend"})
_PROFILES = {"development": 0, "production": 1}
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of a key.

    Attributes:
        value: A value of TOML; for an array of texts a tuple of `Located`.
        origin: Where it comes from.
        inner: Where the keys of a table come from.
    """

    value: TomlValue
    origin: Origin
    inner: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def plain(self) -> TomlValue:
        """The value without the origins of its elements."""
        if isinstance(self.value, tuple):
            return [element.text for element in self.value]
        return self.value


class Draft:
    """The keys of config.toml by their paths.

    Args:
        has_schema: Whether the first line names the schema, for editors.
    """

    def __init__(self, *, has_schema: bool = False) -> None:
        self.entries: dict[_Path, Entry] = {}
        self.has_schema = has_schema
        self._finished: list[_Line] | None = None

    def finish(self) -> None:
        """Form the lines of the file. Its keys must not change any more."""
        self._finished = self._lines()

    def set(self, path: _Path, value: TomlValue, origin: Origin) -> None:
        """Set a key."""
        self.entries[path] = Entry(value, origin)

    def set_text(self, path: _Path, text: Located | None) -> None:
        """Set a key to a text of the project, if there is one."""
        if text is not None:
            self.set(path, text.text, text.origin)

    def set_array(self, path: _Path, elements: Sequence[Located]) -> None:
        """Set a key to an array of texts of the project, unless it is empty."""
        if elements:
            self.set(path, tuple(elements), elements[0].origin)

    def document(self) -> dict[str, TomlValue]:
        """Return the draft as tomli would read it."""
        document: dict[str, TomlValue] = {}
        for path, entry in self.entries.items():
            table = document
            for part in path[:-1]:
                table = table.setdefault(part, {})
            table[path[-1]] = entry.plain
        return document

    def drop(self, location: Sequence[str | int]) -> Origin | None:
        """Remove the value at `location`, or else the smallest entry that contains it.

        Returns:
            Where it came from; None if there was nothing to remove.
        """
        for length in range(len(location), 0, -1):
            path = tuple(str(part) for part in location[:length])
            entry = self.entries.get(path)
            if entry is None:
                continue
            index = location[length] if length < len(location) else None
            if path[:2] == ("makefile", "tasks") and length < len(location):
                rest = _without(entry.value, location[length:])
                del self.entries[path]
                if isinstance(rest, Mapping) and _WORK_KEYS & rest.keys():
                    self.entries[path] = Entry(rest, entry.origin, entry.inner)
                return entry.inner.get(str(index)) or entry.origin
            if isinstance(entry.value, tuple) and isinstance(index, int):
                element: Located = entry.value[index]
                rest = (*entry.value[:index], *entry.value[index + 1 :])
                self.entries[path] = Entry(rest, entry.origin)
                if not rest:
                    del self.entries[path]
                return element.origin
            del self.entries[path]
            inner = entry.inner.get(str(index)) if index is not None else None
            return inner or entry.origin
        return self._drop_table(tuple(map(str, location)))

    def _drop_table(self, location: _Path) -> Origin | None:
        """Remove all keys of a table, but never those of the whole document."""
        paths = [path for path in self.entries if path[: len(location)] == location]
        if not paths or not location:
            return None
        origin = self.entries[paths[0]].origin
        for path in paths:
            del self.entries[path]
        return origin

    def text(self, *, with_origins: bool = False) -> str:
        """Return the file; with origins, a comment on each line shows where it comes from."""
        lines = (
            f"{text}  # from {visible(str(origin))}" if with_origins and origin else text
            for text, origin in self._finished or self._lines()
        )
        return "\n".join(lines) + "\n"

    def origins(self) -> dict[int, Origin]:
        """Return where the lines of the file come from, by line number from 1."""
        origins: dict[int, Origin] = {}
        number = 1
        for text, origin in self._finished or self._lines():
            if origin:
                origins[number] = origin
            number += 1 + text.count("\n")
        return origins

    def _lines(self) -> list[_Line]:
        lines: list[_Line] = []
        first = {_table(path): place for place, path in reversed([*enumerate(self.entries)])}
        ordered = sorted(self.entries, key=lambda path: (_rank(path), first[_table(path)]))
        for table, group in itertools.groupby(ordered, key=_table):
            lines.append(("", None))
            paths = list(group)
            if table[:2] == ("makefile", "tasks"):
                entry = self.entries[paths[0]]
                lines.append((_header(paths[0]), entry.origin))
                lines += _task_lines(entry)
                continue
            lines.append((_header(table), None))
            for path in paths:
                name = ".".join(key(part) for part in path[len(table) :])
                lines += _entry_lines(name, self.entries[path])
        return [(f"#:schema ./{FILE_NAME}", None), *lines] if self.has_schema else lines[1:]


def _without(value: TomlValue, path: Sequence[str | int]) -> TomlValue:
    """Return a value without the member at a path, or without the smallest one around it.

    A table that only has this member is removed too.
    """
    key, *rest = path
    is_member = isinstance(value, Mapping) and key in value
    is_element = isinstance(value, list) and isinstance(key, int) and key < len(value)
    if not (is_member or is_element):
        return None
    inner = _without(value[key], rest) if rest else None
    if isinstance(value, list) and isinstance(key, int):
        return [*value[:key], *([] if inner is None else [inner]), *value[key + 1 :]]
    is_left = inner is not None and inner != {}
    return {**value, key: inner} if is_left else {k: v for k, v in value.items() if k != key}


def _header(table: _Path) -> str:
    return f"[{'.'.join(map(key, table))}]"


def _rank(path: _Path) -> tuple[int, int]:
    """Return the place of a key. The keys of a table precede the tables in it."""
    match path:
        case ("profiles", profile, *_):
            place = _PROFILES.get(profile, len(_PROFILES))
        case ("cargo-config", _, _, *_):
            place = 1
        case ("makefile", "env", _, _, *_):  # of a profile
            place = 1
        case ("makefile", "tasks", *_):
            place = 2
        case _:
            place = 0
    return _TABLES.index(path[0]), place


def _table(path: _Path) -> _Path:
    if path[0] == "profiles":
        return path[:2]
    if path[:2] == ("makefile", "tasks"):
        return path
    return path[:-1]


def _entry_lines(name: str, entry: Entry) -> Iterator[_Line]:
    if not isinstance(entry.value, tuple):
        yield f"{name} = {_written(entry.value)}", entry.origin
        return
    short = f"{name} = {toml(entry.plain)}"
    if len({element.origin for element in entry.value}) <= 1 and len(short) < _WIDTH:
        yield short, entry.origin
        return
    yield f"{name} = [", None
    for element in entry.value:
        yield f"    {toml(element.text)},", element.origin
    yield "]", None


def _task_lines(entry: Entry) -> Iterator[_Line]:
    for name, value in entry.value.items():
        yield f"{key(name)} = {_written(value)}", entry.inner.get(name, entry.origin)


def _written(value: TomlValue) -> str:
    """Return a value in TOML, with a script of several lines as a multi-line string."""
    if (
        isinstance(value, str)
        and "\n" in value
        and "'''" not in value
        and not value.endswith("'")
        and value.replace("\n", "").replace("\t", "").isprintable()
    ):
        return f"'''\n{value}'''"
    if isinstance(value, list) and len(toml(value)) > _WIDTH:
        return "[\n" + "".join(f"    {toml(member)},\n" for member in value) + "]"
    return toml(value)
