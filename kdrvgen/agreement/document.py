"""A TOML file that cargo or rustup reads: its values and their places."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from kdrvgen.config.locator import Node, scan
from kdrvgen.config.reader import read
from kdrvgen.config.secrets import hide_in_document
from kdrvgen.config.source import Source
from kdrvgen.config.syntax import explain
from kdrvgen.errors import ConfigError
from kdrvgen.model.base import TomlValue
from kdrvgen.output.paths import is_within, real_path, shown
from kdrvgen.report.finding import Place

__all__ = ["Document", "read_document"]


class Document(NamedTuple):
    """A TOML file.

    Attributes:
        source: Its text and the name for the user.
        data: Its content.
        root: The positions of its keys and values.
    """

    source: Source
    data: Mapping[str, Any]
    root: Node

    def get(self, *path: str) -> TomlValue:
        """Return the value at `path`, or None."""
        found: Any = self.data
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def place(self, *path: str | int) -> Place:
        """Return the place of the value at `path`, of the nearest table above, or of the file."""
        parts: Sequence[str | int] = path
        while parts:
            node = self.root.find(parts)
            extent = node and (node.value or node.header or node.key)
            if extent:
                return self.source.place(extent)
            parts = parts[:-1]
        return Place(self.source.name)


def read_document(
    folder: Path, name: str, *, is_wanted: Callable[[str], bool] | None = None
) -> Document | None:
    """Return the file `name` in `folder`.

    Args:
        folder: The folder.
        name: The file's path from there.
        is_wanted: Returns whether to read a file with this text; by default all.

    Returns:
        The file; None if it does not exist, if it is a link out of the folder, or if it is not
        wanted.

    Raises:
        ConfigError: It cannot be read, or is not TOML.
    """
    path = Path(shown(folder, name))
    if not os.path.lexists(path) or not is_within(real_path(folder), real_path(path)):
        return None
    source = Source.of(read(path), str(path))
    if is_wanted and not is_wanted(source.text):
        return None
    failure: Exception
    try:
        data = tomli.loads(source.text)
    except (ValueError, RecursionError) as error:
        failure = error
    else:
        found = scan(source.text)
        return Document(hide_in_document(source, found), data, found.root)
    # Raised outside of the handler, because tomli's error contains the whole text.
    raise ConfigError([explain(source, failure)])
