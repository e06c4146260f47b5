"""The members of a Cargo workspace: those that exist, and whether a new folder becomes one.

Source: https://doc.rust-lang.org/cargo/reference/workspaces.html#the-members-and-exclude-fields
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import tomli

from kdrvgen.output.paths import is_within, real_path

__all__ = ["members_of", "workspace_of"]

_MANIFEST = "Cargo.toml"


def members_of(root: Path) -> Iterator[Path]:
    """Yield the folders of a workspace's members, as Cargo.toml lists them, in the order of paths.

    Skips members outside of the root, and members that Cargo.toml excludes.
    """
    workspace = _workspace(root) or {}
    folders = {
        folder for pattern in _texts(workspace, "members") for folder in _matching(root, pattern)
    }
    for folder in sorted(folders - {root}):
        if not _is_excluded(workspace, root, folder) and is_within(
            real_path(root), real_path(folder)
        ):
            yield folder


def workspace_of(folder: Path) -> Path | None:
    """Return the root of the Cargo workspace that has a folder as a member; None without one.

    Args:
        folder: The folder, which does not need to exist.

    Returns:
        The nearest folder above that is the root of a workspace, if its Cargo.toml lists `folder`.
        Cargo searches no further than this root.
    """
    place = real_path(folder)
    for root in place.parents:
        workspace = _workspace(root)
        if workspace is None:
            continue
        parts = place.relative_to(root).parts
        is_listed = any(
            _is_match(parts, Path(os.path.normpath(pattern)).parts)
            for pattern in _texts(workspace, "members")
        )
        return root if is_listed and not _is_excluded(workspace, root, place) else None
    return None


def _workspace(root: Path) -> Mapping[str, object] | None:
    """Return the table `[workspace]` of a folder's Cargo.toml; None without a readable one."""
    try:
        found = tomli.loads((root / _MANIFEST).read_text(encoding="utf-8")).get("workspace")
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_excluded(workspace: Mapping[str, object], root: Path, folder: Path) -> bool:
    """Return whether `exclude` has a folder that `members` does not name itself."""
    named = [Path(os.path.normpath(root / path)) for path in _texts(workspace, "members")]
    excluded = [Path(os.path.normpath(root / path)) for path in _texts(workspace, "exclude")]
    around = {folder, *folder.parents}
    return around.isdisjoint(named) and not around.isdisjoint(excluded)


def _texts(table: Mapping[str, object], key: str) -> list[str]:
    values = table.get(key)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _matching(root: Path, pattern: str) -> Iterator[Path]:
    if not any(character in pattern for character in "*?["):
        yield Path(os.path.normpath(root / pattern))
        return
    try:
        yield from (path for path in root.glob(pattern) if path.is_dir())
    except (OSError, ValueError, NotImplementedError):  # not a pattern below the root
        return


def _is_match(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether the parts of a path match those of a pattern."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_is_match(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _is_match(parts[1:], pattern[1:])
