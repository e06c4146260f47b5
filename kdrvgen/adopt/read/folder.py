"""Reads a project from disk: its files, the files that they name, and those of the workspace."""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from kdrvgen.adopt.parse.paths import beside, slashes
from kdrvgen.adopt.read.callers import caller_paths, is_about_building
from kdrvgen.adopt.read.other_makefiles import has_tasks
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.config.reader import read_bytes
from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.model.schema import FILE_NAME

__all__ = ["read_project"]

_IN_FOLDER = ("Cargo.toml", "build.rs", "config.toml")
_OF_CARGO = (".cargo/config", ".cargo/config.toml", "rust-toolchain", "rust-toolchain.toml")
_MAKEFILE = "Makefile.toml"
_SCRIPTS = (".bat", ".cmd", ".ps1", ".sh")
_INFS = (".inf", ".inx")
_JUSTFILES = frozenset({"justfile", ".justfile"})
_MAX_FILES = 200
_MAX_NAMES = 10_000
_MAX_LEVELS_UP = 16
# The look-behind keeps the time linear: a long word is tried once, not once for each character.
_FILE_NAME = re.compile(
    r"(?<![\w./\\-])[\w./\\-]*\.(?:toml|bat|cmd|ps1|sh|rs|env)(?![\w./\\-])", re.ASCII
)
_PATH_KEY = re.compile(r'\bpath\s*=\s*["\']([^"\'\n]+)["\']')
_BUILD_KEY = re.compile(r'^\s*build\s*=\s*["\']([^"\'\n]+)["\']', re.MULTILINE)
_EXCLUDE_KEY = re.compile(r"^\s*exclude\s*=\s*\[([^\]]*)\]", re.MULTILINE)
_MODULE = re.compile(r"^\s*(?:pub\s+)?mod\s+(\w+)\s*;", re.MULTILINE)
_TARGET_FILE = re.compile(r"[\w.]+(?:-[\w.]+)+\.json")
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
    border = _border(folder, prefixes)
    reader.read(_IN_FOLDER, border)
    reader.read((prefix + name for prefix in prefixes for name in _OF_CARGO), border)
    # Cargo and rustup read their files in every folder above, also outside of a workspace.
    above = _folders_above(folder)
    reader.read((prefix + name for prefix in above for name in _OF_CARGO), (above or prefixes)[-1])
    for prefix in prefixes:
        names = _names(folder, prefix)
        reader.read([prefix + "Cargo.toml"], border)
        # Windows does not distinguish upper and lower case.
        makefiles = [name for name in names if name.lower() == _MAKEFILE.lower()]
        reader.read([prefix + name for name in sorted(makefiles)[:1]], border)
        scripts = (name for name in names if name.lower().endswith(_SCRIPTS))
        justfiles = (name for name in names if name.lower() in _JUSTFILES)
        reader.read([prefix + name for name in (*scripts, *justfiles)], border)
    others = _Reader(folder)
    others.read((name for name in _names(folder, "") if name.lower().endswith(".toml")), border)
    reader.files |= {name: text for name, text in others.files.items() if has_tasks(name, text)}
    targets = [name for name in _names(folder, "") if _TARGET_FILE.fullmatch(name)]
    reader.read(targets, border)
    for name in targets:
        if '"llvm-target"' not in reader.files.get(name, ""):
            reader.files.pop(name, None)
    reader.follow(border)
    # The files that these name are not read.
    callers = _Reader(folder)
    highest = above[-1] if above and _is_repository(Path(folder, above[-1])) else border
    callers.read(filter(is_about_building, caller_paths(folder, highest)), highest)
    has_schema = reader.is_file(FILE_NAME)
    place = os.path.normpath(Path(folder).absolute()).replace(os.sep, "/").split("/")
    infs = frozenset(name for name in _names(folder, "") if name.lower().endswith(_INFS))
    return Snapshot(
        reader.files, reader.unreadable, folder, tuple(place[1:]), infs, has_schema, callers.files
    )


def _has_type(path: Path, is_type: Callable[[int], bool]) -> bool:
    """Return whether there is a file of a type. No name makes it raise, however long."""
    try:
        return is_type(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether a file is below a folder, also after following all links."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError, RecursionError):
        return False


class _Reader:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.files: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}

    def is_file(self, path: str) -> bool:
        """Return whether there is a file at `path`."""
        return _has_type(Path(self.folder, *path.split("/")), stat.S_ISREG)

    def read(self, paths: Iterable[str], border: str) -> None:
        """Read the files at `paths` that exist.

        Args:
            paths: Paths relative to the project's folder.
            border: The highest folder that a link may lead to, `""`, `"../"` and so on.
        """
        for path in paths:
            is_known = path in self.files or path in self.unreadable
            if is_known or len(self.files) >= _MAX_FILES:
                continue
            place = Path(self.folder, *path.split("/"))
            if not os.path.lexists(place):
                continue
            if not _is_inside(place, Path(self.folder, border)):
                self.unreadable[path] = "the file is a link that leads out of the project"
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
                self.read(
                    (
                        named
                        for named in _names_in(path, self.files[path])
                        if named.count("../") <= highest.count("../") and self.is_file(named)
                    ),
                    highest,
                )


def _names_in(path: str, text: str) -> Iterable[str]:
    if posixpath.basename(path) == "Cargo.toml":
        for dependency in _PATH_KEY.findall(text):
            yield beside(path, f"{dependency}/src/lib.rs")
        yield from (beside(path, script) for script in _BUILD_KEY.findall(text))
    elif path.endswith(".rs"):
        folder = posixpath.splitext(path)[0]
        for module in _MODULE.findall(text):
            yield beside(path, f"{module}.rs")
            yield f"{folder}/{module}.rs"
    else:
        for name in dict.fromkeys(_FILE_NAME.findall(text)):
            # A task's arguments are relative to the project, an `extend` to the file it is in.
            yield posixpath.normpath(slashes(name).removeprefix("/"))
            yield beside(path, name)


def _prefixes(reader: _Reader) -> list[str]:
    """Return `""`, `"../"`, … up to the root of the workspace that the folder belongs to.

    Without a workspace, returns only `""`.
    """
    place = Path(reader.folder).absolute()
    names = os.path.normpath(place).replace(os.sep, "/").split("/")
    for level in range(min(_MAX_LEVELS_UP, len(names))):
        path = "../" * level + "Cargo.toml"
        reader.read([path], "../" * level)
        text = reader.files.get(path, "")
        if re.search(r"^\s*\[\s*workspace\b", text, re.MULTILINE):
            if level and _is_excluded("/".join(names[len(names) - level :]), text):
                break
            return ["../" * each for each in range(level + 1)]
        if _is_repository(Path(reader.folder, *([".."] * level))):
            break
    for path in [path for path in reader.files if path != "Cargo.toml"]:
        del reader.files[path]  # the package of another project
    reader.unreadable = {path: why for path, why in reader.unreadable.items() if "/" not in path}
    return [""]


def _border(folder: str, prefixes: list[str]) -> str:
    """Return the highest folder that files of the project may be in, `""`, `"../"` and so on.

    It is the root of the workspace, or else that of the Git repository.
    """
    highest = ["", *_folders_above(folder)][-1]
    is_alone = len(prefixes) == 1 and _is_repository(Path(folder, highest))
    return highest if is_alone else prefixes[-1]


def _is_excluded(path: str, manifest: str) -> bool:
    """Return whether a workspace's Cargo.toml excludes the package at a path."""
    excluded = _EXCLUDE_KEY.search(manifest)
    names = re.findall(r"[\"']([^\"']+)[\"']", excluded[1]) if excluded else []
    return any(f"{path}/".startswith(f"{name.rstrip('/')}/") for name in names)


def _is_repository(folder: Path) -> bool:
    return os.path.lexists(folder / ".git")


def _folders_above(folder: str) -> list[str]:
    """Return `"../"`, `"../../"`, … up to the repository or below the user's own folder.

    Outside of a repository there is no other end than the root of the file system.
    """
    place = Path(os.path.normpath(Path(folder).absolute()))
    if _is_repository(place):
        return []
    above: list[str] = []
    try:
        home = Path.home()
    except RuntimeError:  # a container's user without a name and without HOME
        home = Path("/")
    for level, parent in enumerate(place.parents[:_MAX_LEVELS_UP], 1):
        if parent in {home, Path(parent.anchor)}:
            break
        above.append("../" * level)
        if _is_repository(parent):
            break
    return above


def _names(folder: str, prefix: str) -> list[str]:
    """Return the first names in a folder, in their order."""
    try:
        return sorted(path.name for path in Path(folder, prefix).iterdir())[:_MAX_NAMES]
    except (OSError, ValueError):
        return []
