"""Where on this machine kdrvgen may keep what it can always make again."""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False  # typing costs a no-op run 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["folder"]

_PRIVATE = 0o700


def folder(name: str) -> str | None:
    """Return the folder `name` of kdrvgen's part of the user's cache, made when missing.

    The places are those of the XDG Base Directory Specification, Apple's File System Programming
    Guide and Microsoft's Known Folders.

    Returns:
        The absolute path without symbolic links, or None when no such folder can be trusted:
        KDRVGEN_NO_CACHE is set, there is no home, the folder cannot be made, or another user can
        change it or a folder above it.
    """
    base = None if os.environ.get("KDRVGEN_NO_CACHE") else _base()
    if base is None:
        return None
    path = os.path.join(base, "kdrvgen", name)  # noqa: PTH118 - pathlib costs a no-op run 5 ms
    try:
        # The links are followed once, here: what they lead to is what is checked and used.
        path = os.path.realpath(path)
        return path if _make_private(path) else None
    except (OSError, RecursionError):  # `realpath` recurses along a chain of links
        return None


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


def _make_private(path: str) -> bool:
    """Make the folders that are missing; return whether only this user can change what is in it.

    A folder is no safer than those above it: whoever can write to one of them can put another
    folder in the place of the next. So all are checked, from the root down, and a check stays
    true because nobody else can change what it has seen.
    """
    for place in _from_the_root(path):
        try:
            found = os.lstat(place)
        except FileNotFoundError:
            os.mkdir(place, _PRIVATE)  # noqa: PTH102 - likewise
            found = os.lstat(place)
        if not _is_safe(found, innermost=place == path):
            return False
    return True


def _from_the_root(path: str) -> Iterator[str]:
    places = [path]
    while (above := os.path.dirname(places[-1])) != places[-1]:  # noqa: PTH120 - likewise
        places.append(above)
    return reversed(places)


def _is_safe(found: os.stat_result, *, innermost: bool) -> bool:
    if sys.platform == "win32":  # %LOCALAPPDATA% is private by its access control list
        return stat.S_ISDIR(found.st_mode)
    trusted = found.st_uid in {os.geteuid(), 0}
    writable_by_others = bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    # In a sticky folder, such as /tmp, others can add names, but cannot replace ours.
    sticky = bool(found.st_mode & stat.S_ISVTX) and not innermost
    return stat.S_ISDIR(found.st_mode) and trusted and (sticky or not writable_by_others)
