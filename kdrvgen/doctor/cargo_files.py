"""The configuration files that cargo reads in the project's folder, and how it joins them.

Source: https://doc.rust-lang.org/cargo/reference/config.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kdrvgen.agreement.joining import clashes
from kdrvgen.config.reader import read
from kdrvgen.config.source import Source
from kdrvgen.config.syntax import parse
from kdrvgen.doctor.cfg import holds_for
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.rustup import cargo_home
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Place

__all__ = ["CargoFile", "CargoFiles", "Problem", "read_cargo_files"]

_NAMES = ("config", "config.toml")


class CargoFile(NamedTuple):
    """A configuration file.

    Attributes:
        path: The file.
        base: The folder at which relative paths in it start.
        data: Its content.
    """

    path: Path
    base: Path
    data: Mapping[str, Any]

    def table(self, *keys: str) -> Mapping[str, Any]:
        """Return the table at a path; empty if there is none."""
        value: object = self.data
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value if isinstance(value, Mapping) else {}

    def flags(self, triple: str) -> tuple[str, ...]:
        """Return the flags for rustc of a target."""
        tables = (
            table
            for name, table in self.table("target").items()
            if isinstance(table, Mapping) and (name == triple or holds_for(name, triple))
        )
        return tuple(flag for table in tables for flag in _list(table.get("rustflags")))

    @property
    def build_flags(self) -> tuple[str, ...]:
        """The flags for rustc of all targets that have none of their own."""
        return _list(self.table("build").get("rustflags"))

    def program(self, name: str) -> str:
        """Return a program as cargo reads it from this file: a name, or a path."""
        is_path = "/" in name or "\\" in name
        return str(self.base / name) if is_path else name


class Problem(NamedTuple):
    """What stops cargo when it reads the files: a message, its place, and what to do."""

    message: str
    place: Place | None
    advice: str


class CargoFiles(NamedTuple):
    """The files in the order of their priority, and what stops cargo when it reads them."""

    files: Sequence[CargoFile]
    problems: Sequence[Problem]

    def value(self, *keys: str) -> tuple[CargoFile, object] | None:
        """Return a value that is no table or array, and the first file that has it."""
        for file in self.files:
            value = file.table(*keys[:-1]).get(keys[-1])
            if value is not None:
                return file, value
        return None


def read_cargo_files(host: Host) -> CargoFiles:
    """Return the files that cargo reads when it runs in the project's folder."""
    files: list[CargoFile] = []
    problems: list[Problem] = []
    seen: set[Path] = set()
    folders = [folder / ".cargo" for folder in (host.folder, *host.folder.parents)]
    for folder in (*folders, cargo_home(host)):
        found = next((path for name in _NAMES if (path := folder / name).exists()), None)
        if found and found not in seen:
            _read(found, files, problems, seen)
    problems += (
        Problem(clash.message, Place(clash.file), "write the same type in both files")
        for clash in clashes((str(file.path), file.data) for file in files)
    )
    return CargoFiles(files, problems)


def _read(path: Path, files: list[CargoFile], problems: list[Problem], seen: set[Path]) -> None:
    """Read a file, and those that it includes, which have a lower priority."""
    seen.add(path)
    try:
        data = parse(Source.of(read(path), str(path)))
    except ConfigError as error:
        problems += (Problem(each.message, each.place, each.help) for each in error.findings)
        return
    files.append(CargoFile(path, path.parent.parent, data))
    for entry in reversed(_entries(data.get("include"))):
        is_table = isinstance(entry, Mapping)
        other = path.parent / str(entry.get("path", "") if is_table else entry)
        is_optional = is_table and entry.get("optional") is True
        if other not in seen and (other.exists() or not is_optional):
            _read(other, files, problems, seen)


def _entries(include: object) -> list[Any]:
    return include if isinstance(include, list) else [include] if isinstance(include, str) else []


def _list(value: object) -> tuple[str, ...]:
    """Return an array of strings, which can be one string with spaces between them."""
    if isinstance(value, str):
        return tuple(filter(None, re.split(" ", value)))
    return tuple(map(str, value)) if isinstance(value, list) else ()
