"""The files of the repository that call the project: README, CI files and scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["caller_paths", "folder_of_calls", "is_about_building", "is_prose"]

_PROSE = re.compile(r"readme(\.\w+)?|contributing\.md", re.IGNORECASE)
_CI = re.compile(r"\.gitlab-ci\.yml|azure-pipelines\.ya?ml|appveyor\.yml", re.IGNORECASE)
_WORKFLOW = re.compile(r"(.*/)?\.github/workflows/[^/]+\.ya?ml", re.IGNORECASE)
_SCRIPT = re.compile(r".+\.(bat|cmd|ps1|sh)|\.?justfile", re.IGNORECASE)
_WORKFLOWS = ".github/workflows"
_SKIPPED = frozenset({"target", "node_modules", "vendor"})
_MAX_DEPTH = 3
_MAX_FOLDERS = 1_000
_MAX_NAMES = 10_000


def is_about_building(path: str) -> bool:
    """Return whether a file describes or runs the build of the project."""
    name = path.rpartition("/")[2]
    is_named = _PROSE.fullmatch(name) or _CI.fullmatch(name)
    return bool(is_named or _WORKFLOW.fullmatch(path) or _SCRIPT.fullmatch(name))


def is_prose(path: str) -> bool:
    """Return whether a file is for people, who decide what they run."""
    return _PROSE.fullmatch(path.rpartition("/")[2]) is not None


def folder_of_calls(path: str) -> str:
    """Return the folder that the commands in a file run in, if they do not change it."""
    folder = path.rpartition("/")[0]
    return folder.removesuffix(_WORKFLOWS).removesuffix("/")


def caller_paths(folder: str, highest: str) -> Iterator[str]:
    """Yield the paths of files that may call the project, relative to its folder.

    They are the README and the CI files in the project's folder and those above it, and the scripts
    below the highest one, without those of other packages.

    Args:
        folder: The project's folder.
        highest: The highest folder, `""`, `"../"` and so on.
    """
    for level in range(highest.count("../") + 1):
        above = "../" * level
        for name in _names(Path(folder, above)):
            if _PROSE.fullmatch(name) or _CI.fullmatch(name):
                yield above + name
        for name in _names(Path(folder, above, *_WORKFLOWS.split("/"))):
            yield f"{above}{_WORKFLOWS}/{name}"
    place = Path(os.path.normpath(Path(folder).absolute()))
    root = Path(os.path.normpath(place / highest))
    for path in _scripts(root, place):
        yield os.path.relpath(path, place).replace(os.sep, "/")


def _scripts(root: Path, project: Path) -> Iterator[Path]:
    """Yield the scripts some levels below the root, and below the project."""
    waiting = [(project, 0), *([(root, 0)] if root != project else ())]
    seen: set[Path] = set()
    while waiting and len(seen) < _MAX_FOLDERS:
        folder, depth = waiting.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        names = _names(folder)
        if "Cargo.toml" in names and not project.is_relative_to(folder):
            continue  # another package
        yield from (folder / name for name in names if _SCRIPT.fullmatch(name))
        waiting += [
            (folder / name, depth + 1)
            for name in names
            if depth < _MAX_DEPTH and name not in _SKIPPED
            if not name.startswith(".") or name == ".github"
            if _is_folder(folder / name)
        ]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink()
    except (OSError, ValueError):
        return False


def _names(folder: Path) -> list[str]:
    """Return the first names in a folder, in their order."""
    try:
        return sorted(path.name for path in folder.iterdir())[:_MAX_NAMES]
    except (OSError, ValueError):
        return []
