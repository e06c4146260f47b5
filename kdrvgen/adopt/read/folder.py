"""Reads a project from the disk: its files, those they name, and what cargo finds above them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable

from kdrvgen.adopt.read.snapshot import Snapshot, beside
from kdrvgen.config.reading import read_bytes
from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.model.schema import FILE_NAME

__all__ = ["read_project"]

_OWN = ("Makefile.toml", "Cargo.toml", "build.rs")
_EVERYWHERE = (".cargo/config", ".cargo/config.toml", "rust-toolchain", "rust-toolchain.toml")
_SCRIPTS = (".bat", ".cmd", ".ps1", ".sh")
_MOST_FILES = 200
_HIGHEST = 16
_FARTHEST = 4
_NAMED = re.compile(r"[\w./\\-]+\.(?:toml|bat|cmd|ps1|sh|rs)\b", re.ASCII)
_PATH_KEY = re.compile(r'\bpath\s*=\s*["\']([^"\'\n]+)["\']')
_BUILD_KEY = re.compile(r'^\s*build\s*=\s*["\']([^"\'\n]+)["\']', re.MULTILINE)


def read_project(folder: str) -> Snapshot:
    """Read what makes up the project in `folder`. Nothing is written, nothing is run.

    Raises:
        UsageError: There is no such folder, or no Cargo.toml in it.
        ConfigError: Cargo.toml cannot be read.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - paths of this function are as the user wrote them
        raise UsageError(f"there is no folder {folder}.")
    if not os.path.lexists(os.path.join(folder, "Cargo.toml")):  # noqa: PTH118 - likewise
        raise UsageError(
            f"there is no Cargo.toml in {folder}: name the folder of the driver's package."
        )
    reader = _Reader(folder)
    height = _height(reader)
    reader.take(_OWN)
    reader.take(up + name for up in height for name in _EVERYWHERE)
    reader.take(up + name for up in height[1:] for name in ("Cargo.toml", "Makefile.toml"))
    reader.take(_scripts_in(folder))
    reader.follow(height[-1])
    has_schema = os.path.isfile(os.path.join(folder, FILE_NAME))  # noqa: PTH113, PTH118 - see above
    place = os.path.abspath(folder).replace(os.sep, "/").split("/")  # noqa: PTH100 - see above
    return Snapshot(reader.files, reader.unreadable, folder, tuple(place[1:]), has_schema)


class _Reader:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}

    def _is_file(self, path: str) -> bool:
        return os.path.isfile(os.path.join(self.folder, *path.split("/")))  # noqa: PTH113, PTH118 - see read_project

    def take(self, paths: Iterable[str]) -> None:
        """Read the files at `paths` that exist."""
        for path in paths:
            known = path in self.files or path in self.unreadable
            if known or len(self.files) >= _MOST_FILES:
                continue
            place = os.path.join(self.folder, *path.split("/"))  # noqa: PTH118 - see read_project
            if not os.path.lexists(place):
                continue
            try:
                text = read_bytes(place).decode("utf-8-sig")
            except ConfigError as error:
                self.unreadable[path] = error.findings[0].message
            except UnicodeDecodeError as error:
                head = error.object[:2]
                marked = head in {b"\xff\xfe", b"\xfe\xff"}
                self.unreadable[path] = "it is UTF-16" if marked else "it is no UTF-8 text"
            else:
                self.files[path] = text.replace("\r\n", "\n")

    def follow(self, highest: str) -> None:
        """Read what the files read so far name, and what these name, below the highest folder."""
        looked: set[str] = set()
        while todo := sorted(set(self.files) - looked):
            for path in todo:
                looked.add(path)
                # A path dependency may be anywhere; what else is named lies in the workspace.
                is_manifest = posixpath.basename(path) == "Cargo.toml"
                limit = _FARTHEST if is_manifest else highest.count("../")
                self.take(
                    found
                    for found in _named(path, self.files[path])
                    if found.count("../") <= limit and self._is_file(found)
                )


def _named(path: str, text: str) -> Iterable[str]:
    if posixpath.basename(path) == "Cargo.toml":
        for found in _PATH_KEY.findall(text):
            yield beside(path, f"{found}/src/lib.rs")
        yield from (beside(path, found) for found in _BUILD_KEY.findall(text))
    elif not path.endswith(".rs"):
        for found in _NAMED.findall(text):
            # A task's words are relative to the project, an `extend` to the file it stands in.
            yield posixpath.normpath(found.replace("\\", "/").removeprefix("/"))
            yield beside(path, found)


def _height(reader: _Reader) -> list[str]:
    """Return `""`, `"../"`, … up to the root of the workspace that the folder is part of."""
    for level in range(_HIGHEST):
        path = "../" * level + "Cargo.toml"
        reader.take([path])
        if re.search(r"^\s*\[\s*workspace\b", reader.files.get(path, ""), re.MULTILINE):
            return ["../" * each for each in range(level + 1)]
    for path in [each for each in reader.files if each != "Cargo.toml"]:
        del reader.files[path]  # the package of another project
    return [""]


def _scripts_in(folder: str) -> Iterable[str]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - see read_project
    except OSError:
        return []
    return [name for name in names if name.lower().endswith(_SCRIPTS)][:_MOST_FILES]
