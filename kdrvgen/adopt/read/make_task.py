"""A task of Makefile.toml, with the keys that it inherits and their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.adopt.read.document import Document

__all__ = ["MakeTask"]


@dataclass(frozen=True, slots=True)
class MakeTask:
    """A task of Makefile.toml.

    Attributes:
        name: Its name.
        table: Its keys in TOML, with those of an earlier task of the same name.
        keys: The keys that apply on Windows, with those of the tasks that it extends.
        places: For each key, the file and the path in it.
        origin: Where the task is.
    """

    name: str
    table: Mapping[str, TomlValue]
    keys: Mapping[str, TomlValue]
    places: Mapping[str, tuple[Document, tuple[str, ...]]]
    origin: Origin

    def where(self, key: str, *inner: str) -> Origin:
        """Return where a key, or a key in its table, is; else where the task is."""
        if key not in self.places:
            return self.origin
        document, path = self.places[key]
        return document.origin((*path, *inner))

    def strings(self, key: str) -> list[Located]:
        """Return the lines of a key's string or strings."""
        if key not in self.places:
            value = self.keys.get(key)
            members = value if isinstance(value, list) else [value]
            return [Located(member, self.origin) for member in members if isinstance(member, str)]
        document, path = self.places[key]
        value = document.get(path)
        if isinstance(value, list):
            return [line for index in range(len(value)) for line in document.lines((*path, index))]
        return document.lines(path)

    def names(self, key: str) -> list[str]:
        """Return the tasks that a key such as `dependencies` names."""
        value = self.keys.get(key)
        members = value if isinstance(value, list) else [value]
        names = [each.get("name") if isinstance(each, Mapping) else each for each in members]
        return [name for name in names if isinstance(name, str)]
