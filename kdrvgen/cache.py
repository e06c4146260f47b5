"""Where on this machine kdrvgen may keep what it can always make again."""

from __future__ import annotations

import os
import stat
import sys

__all__ = ["folder"]

_PRIVATE = 0o700


def folder(name: str) -> str | None:
    """Return the folder `name` of kdrvgen's part of the user's cache, made when missing.

    The places are those of the XDG Base Directory Specification, Apple's File System Programming
    Guide and Microsoft's Known Folders.

    Returns:
        The absolute path, or None when there is no such folder to trust: KDRVGEN_NO_CACHE is set,
        there is no home, it cannot be made, or somebody else owns it or may write to it.
    """
    base = None if os.environ.get("KDRVGEN_NO_CACHE") else _base()
    if base is None:
        return None
    path = os.path.join(base, "kdrvgen", name)  # noqa: PTH118 - pathlib costs a no-op run 5 ms
    try:
        os.makedirs(path, mode=_PRIVATE, exist_ok=True)  # noqa: PTH103 - likewise
        found = os.lstat(path)
    except OSError:
        return None
    return path if _is_ours(found) else None


def _base() -> str | None:
    """Return the user's cache folder: an absolute path, or None when there is none."""
    if sys.platform == "win32":
        candidates = (os.environ.get("LOCALAPPDATA"),)
    elif sys.platform == "darwin":
        candidates = (os.environ.get("XDG_CACHE_HOME"), _home("Library/Caches"))
    else:
        candidates = (os.environ.get("XDG_CACHE_HOME"), _home(".cache"))
    # The XDG specification has relative paths ignored; an empty variable counts as unset.
    return next((path for path in candidates if path and os.path.isabs(path)), None)  # noqa: PTH117


def _home(below: str) -> str:
    return os.path.join(os.path.expanduser("~"), below)  # noqa: PTH111, PTH118 - likewise


def _is_ours(found: os.stat_result) -> bool:
    if sys.platform == "win32":  # %LOCALAPPDATA% is private by its access control list
        return stat.S_ISDIR(found.st_mode)
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable_by_others
