"""Reads a project from disk: its files, the files that they name, and those of the workspace."""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from kdrvgen.adopt.parse.paths import beside, slashes
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.config.reader import read_bytes
from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.model.schema import FILE_NAME

__all__ = ["read_project"]

_IN_FOLDER = ("Makefile.toml", "Cargo.toml", "build.rs")
_IN_EACH_FOLDER = (".cargo/config", ".cargo/config.toml", "rust-toolchain", "rust-toolchain.toml")
_SCRIPTS = (".bat", ".cmd", ".ps1", ".sh")
_MAX_FILES = 200
_MAX_LEVELS_UP = 16
_MAX_LEVELS_UP_OF_DEPENDENCY = 4
_FILE_NAME = re.compile(r"[\w./\\-]+\.(?:toml|bat|cmd|ps1|sh|rs)\b", re.ASCII)
_PATH_KEY = re.compile(r'\bpath\s*=\s*["\']([^"\'\n]+)["\']')
_BUILD_KEY = re.compile(r'^\s*build\s*=\s*["\']([^"\'\n]+)["\']', re.MULTILINE)
_UTF_16_MARKS = frozenset({b"\xff\xfe", b"\xfe\xff"})


def read_project(folder: str) -> Snapshot:
    """Read the files of the project in `folder`. Writes nothing and runs nothing.

    Raises:
        UsageError: The folder does not exist, or has no Cargo.toml.
        ConfigError: Cargo.toml cannot be read.
    """
    if not _has_type(Path(folder), stat.S_ISDIR):
        raise UsageError(f"the folder {folder} does not exist.")
    if not os.path.lexists(Path(folder, "Cargo.toml")):
        raise UsageError(f"{folder} has no Cargo.toml: name the folder of the driver's package.")
    reader = _Reader(folder)
    prefixes = _prefixes(reader)
    reader.read(_IN_FOLDER)
    reader.read(prefix + name for prefix in prefixes for name in _IN_EACH_FOLDER)
    reader.read(
        prefix + name for prefix in prefixes[1:] for name in ("Cargo.toml", "Makefile.toml")
    )
    reader.read(_scripts_in(folder))
    reader.follow(prefixes[-1])
    has_schema = reader.is_file(FILE_NAME)
    place = os.path.normpath(Path(folder).absolute()).replace(os.sep, "/").split("/")
    return Snapshot(reader.files, reader.unreadable, folder, tuple(place[1:]), has_schema)


def _has_type(path: Path, is_type: Callable[[int], bool]) -> bool:
    """Return whether there is a file of a type. No name makes it raise, however long."""
    try:
        return is_type(path.stat().st_mode)
    except (OSError, ValueError):
        return False


class _Reader:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}

    def is_file(self, path: str) -> bool:
        """Return whether there is a file at `path`."""
        return _has_type(Path(self.folder, *path.split("/")), stat.S_ISREG)

    def read(self, paths: Iterable[str]) -> None:
        """Read the files at `paths` that exist."""
        for path in paths:
            is_known = path in self.files or path in self.unreadable
            if is_known or len(self.files) >= _MAX_FILES:
                continue
            place = Path(self.folder, *path.split("/"))
            if not os.path.lexists(place):
                continue
            try:
                text = read_bytes(str(place)).decode("utf-8-sig")
            except ConfigError as error:
                self.unreadable[path] = error.findings[0].message
            except UnicodeDecodeError as error:
                is_utf_16 = error.object[:2] in _UTF_16_MARKS
                encoding = "encoded as UTF-16, not UTF-8" if is_utf_16 else "not valid UTF-8"
                self.unreadable[path] = f"the file is {encoding}"
            else:
                self.files[path] = text.replace("\r\n", "\n")

    def follow(self, highest: str) -> None:
        """Read the files that the known ones name, and so on, up to the folder `highest`."""
        followed: set[str] = set()
        while paths := sorted(set(self.files) - followed):
            for path in paths:
                followed.add(path)
                # A path dependency may be anywhere; all other files must be in the workspace.
                is_manifest = posixpath.basename(path) == "Cargo.toml"
                limit = _MAX_LEVELS_UP_OF_DEPENDENCY if is_manifest else highest.count("../")
                self.read(
                    named
                    for named in _names_in(path, self.files[path])
                    if named.count("../") <= limit and self.is_file(named)
                )


def _names_in(path: str, text: str) -> Iterable[str]:
    if posixpath.basename(path) == "Cargo.toml":
        for dependency in _PATH_KEY.findall(text):
            yield beside(path, f"{dependency}/src/lib.rs")
        yield from (beside(path, script) for script in _BUILD_KEY.findall(text))
    elif not path.endswith(".rs"):
        for name in _FILE_NAME.findall(text):
            # A task's arguments are relative to the project, an `extend` to the file it is in.
            yield posixpath.normpath(slashes(name).removeprefix("/"))
            yield beside(path, name)


def _prefixes(reader: _Reader) -> list[str]:
    """Return `""`, `"../"`, … up to the root of the workspace that the folder belongs to."""
    for level in range(_MAX_LEVELS_UP):
        path = "../" * level + "Cargo.toml"
        reader.read([path])
        if re.search(r"^\s*\[\s*workspace\b", reader.files.get(path, ""), re.MULTILINE):
            return ["../" * each for each in range(level + 1)]
    for path in [path for path in reader.files if path != "Cargo.toml"]:
        del reader.files[path]  # the package of another project
    return [""]


def _scripts_in(folder: str) -> Iterable[str]:
    try:
        names = sorted(path.name for path in Path(folder).iterdir())
    except OSError:
        return []
    return [name for name in names if name.lower().endswith(_SCRIPTS)][:_MAX_FILES]
