"""The output of a run with nothing to change, without pydantic or Jinja2.

A stamp proves only one thing: with these bytes of the configuration, these bytes of kdrvgen
generated these bytes on disk. A full run writes it (output/stamp.py). In every other case, the full
program runs.

This module imports only modules that Python has already loaded at its start. pathlib, argparse and
typing would each take a large part of the time of the whole run, so it does not use them.
"""

from __future__ import annotations

import os
import stat
import sys

try:  # the same as `hashlib.blake2b`, without the 3 ms to load OpenSSL
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False  # importing typing takes 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "LARGEST",
    "UNCHANGED",
    "cache_folder",
    "content",
    "fingerprint",
    "prove",
    "real_path",
    "recall",
    "stamp_name",
]

UNCHANGED = "nothing has changed since the last run\n"
"""The text that `-v` prints on standard error for a run with a valid stamp."""

LARGEST = 64 * 1024
"""The maximum size of a stamp in bytes."""

_NOTHING, _BRIEF, _FULL = range(3)
_MODES = {"--check": _BRIEF, "--dry-run": _BRIEF, "--diff": _NOTHING}
_DETAILS = {"-q": _NOTHING, "--quiet": _NOTHING, "-v": _FULL, "--verbose": _FULL}
_PACKAGE = os.path.dirname(os.path.abspath(__file__))
# Compiled modules, and the rooms of other commands: no generated file depends on them.
_APART = {"__pycache__", "adopt", "completion", "doctor", "inspection", "lexicon", "scaffold"}


def recall(words: list[str]) -> tuple[str, str] | None:
    """Return the output of `kdrvgen WORDS` if nothing has changed since the last full run.

    Returns:
        The texts for standard output and standard error. None if the full program must run:
        something may have changed, the words contain other options, or the output may need colours.
    """
    if sys.stdout is None or sys.stderr is None or sys.stdout.isatty():
        return None
    request = _parse(words)
    folder = cache_folder("stamps") if request else None
    if request is None or folder is None:
        return None
    config, root, detail = request
    stamp = _private(os.path.join(folder, stamp_name(config, root)))
    if stamp is None:
        return None
    proof, _, claim = stamp.partition(b"\n")
    seen = content(config)
    if seen is None or not claim or proof != prove(seen, claim, fingerprint):
        return None
    brief, full = (text.decode("ascii") + "\n" for text in claim.split(b"\n\n")[1:])
    return ("", brief, full)[detail], UNCHANGED if detail == _FULL else ""


def _parse(words: list[str]) -> tuple[str, str, int] | None:
    """Return the configuration, the project's folder, and the verbosity; None for other words.

    The configuration must end in `.toml`, which distinguishes it from a command.
    """
    config = root = ""
    modes, details = [], []
    rest = iter(words)
    for word in rest:
        if word in _MODES:
            modes.append(_MODES[word])
        elif word in _DETAILS:
            details.append(_DETAILS[word])
        elif word in {"-o", "--output"}:
            root = next(rest, "")
            if not root or root.startswith("-"):
                return None
        elif config or word.startswith("-") or not word.endswith(".toml"):
            return None
        else:
            config = word
    if not config or len(modes) > 1 or len(details) > 1:
        return None
    detail = details[0] if details else _BRIEF
    if _NOTHING in modes:
        if detail == _FULL:
            return None
        detail = _NOTHING
    return config, root or os.path.dirname(config) or ".", detail


def cache_folder(name: str) -> str | None:
    """Return the folder `name` of kdrvgen's part of the user's cache, created if missing.

    It contains only files that kdrvgen can create again. The places are those of the XDG Base
    Directory Specification, Apple's File System Programming Guide and Microsoft's Known Folders.

    Returns:
        The absolute path without symbolic links. None if there is no folder to trust:
        KDRVGEN_NO_CACHE is set, there is no home, the folder cannot be created, or another user can
        change it or a folder above it.
    """
    home = None if os.environ.get("KDRVGEN_NO_CACHE") else _cache_home()
    if home is None:
        return None
    try:
        # Resolve the links once, here: the result is what is checked and used.
        path = os.path.realpath(os.path.join(home, "kdrvgen", name))
        return path if _make_private(path) else None
    except (OSError, RecursionError):  # `realpath` recurses along a chain of links
        return None


def _cache_home() -> str | None:
    """Return the folder of the user's caches: an absolute path, or None if there is none."""
    if sys.platform == "win32":
        candidates = [os.environ.get("LOCALAPPDATA")]
    else:
        usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
        candidates = [os.environ.get("XDG_CACHE_HOME"), os.path.expanduser(usual)]
    # The XDG specification says to ignore relative paths; an empty variable counts as unset.
    return next((path for path in candidates if path and os.path.isabs(path)), None)


def _make_private(path: str) -> bool:
    """Create the missing folders; return whether only this user can change their content.

    A folder is no safer than those above it: a user who can write to one of them can replace the
    next one. So all are checked from the root down. The result of a check stays true, because
    nobody else can change what was checked.
    """
    places = [path]
    while (above := os.path.dirname(places[-1])) != places[-1]:
        places.append(above)
    for place in reversed(places):
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            os.mkdir(place, 0o700)
            status = os.lstat(place)
        if not _is_safe(status, innermost=place == path):
            return False
    return True


def _is_safe(status: os.stat_result, *, innermost: bool) -> bool:
    if sys.platform == "win32":  # %LOCALAPPDATA% is private by its access control list
        return stat.S_ISDIR(status.st_mode)
    trusted = status.st_uid in {os.geteuid(), 0}
    writable_by_others = bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    # In a sticky folder, such as /tmp, other users can add files, but cannot replace this user's.
    sticky = bool(status.st_mode & stat.S_ISVTX) and not innermost
    return stat.S_ISDIR(status.st_mode) and trusted and (sticky or not writable_by_others)


def stamp_name(config: str, root: str) -> str:
    """Return the file name of the stamp for a configuration and a project's folder.

    Folders are resolved: `link/..` is not the folder that contains the link.
    """
    folder, name = os.path.split(config)
    names = (real_path(folder or "."), name, real_path(root))
    return blake2b(os.fsencode("\0".join(each or "" for each in names)), digest_size=32).hexdigest()


def real_path(path: str) -> str | None:
    """Return a path with all links followed; None for a loop of links."""
    try:
        return os.path.realpath(path)
    except (OSError, RecursionError):
        return None


def content(path: str) -> bytes | None:
    """Return the bytes of a regular file; None for anything else, such as a pipe."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except (OSError, ValueError):
        return None


def prove(
    config: bytes,
    claim: bytes,
    code: Callable[[], bytes | None],
    read: Callable[[str], bytes | None] = content,
) -> bytes | None:
    """Return the digest over everything that the output depends on; None if the claim is false.

    Args:
        config: The configuration's bytes.
        claim: Three texts, separated by empty lines: the facts, and the output of a run, brief and
            full. Each fact is a line of words separated by tabs: `file NAME REAL` (the path leads
            to the file REAL), `folder NAME` (no other file is below it), `absent NAME` (nothing has
            that name). The digest includes the contents of files.
        code: Returns the result of `fingerprint`.
        read: Returns the bytes of a file, or None.
    """
    total = blake2b(digest_size=32)
    for part in (config, claim):
        _feed(total, part)
    files, folders = set(), []
    resolved: dict[str, str | None] = {}  # the folders that files are in
    for line in claim.partition(b"\n\n")[0].split(b"\n"):
        kind, *names = map(os.fsdecode, line.split(b"\t"))
        if kind == "file":
            name, real = names
            found = read(name)
            if found is None or _real_file(name, resolved) != real:
                return None
            files.add(name)
            _feed(total, found)
        elif kind == "folder":
            folders.append(names[0])
        elif kind != "absent" or os.path.lexists(names[0]):
            return None
    if not all(_holds_only(folder, files) for folder in folders):
        return None
    identity = code()  # last, because it takes the longest
    if identity is None:
        return None
    _feed(total, identity)
    return total.hexdigest().encode()


def _real_file(path: str, resolved: dict[str, str | None]) -> str | None:
    """Return a file's path with all links followed; `resolved` remembers folders."""
    if os.path.islink(path):
        return real_path(path)
    folder, name = os.path.split(path)
    if folder not in resolved:
        resolved[folder] = real_path(folder)
    real = resolved[folder]
    return None if real is None else os.path.join(real, name)


def _holds_only(folder: str, files: set[str]) -> bool:
    """Return whether a folder contains only `files` and their folders."""
    expected = {os.path.dirname(file) for file in files}
    pending = [folder]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except OSError:
            return False
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.path in expected:
                pending.append(entry.path)
            elif entry.path not in files:
                return False
    return True


def fingerprint() -> bytes | None:
    """Return a digest over every file of kdrvgen; None if it is not installed in a folder."""
    total = blake2b(digest_size=32)
    pending = [_PACKAGE]
    while pending:
        try:
            found = sorted(os.scandir(pending.pop()), key=lambda entry: entry.path)
        except OSError:
            return None
        for entry in found:
            if entry.name in _APART:
                continue
            if entry.is_dir():
                pending.append(entry.path)
                continue
            file = content(entry.path)
            if file is None:
                return None
            _feed(total, os.fsencode(entry.path))
            _feed(total, file)
    return total.digest()


def _feed(total: blake2b, part: bytes) -> None:
    # With the length before it, no part can look like the end or the start of another.
    total.update(len(part).to_bytes(8, "big"))
    total.update(part)


def _private(path: str) -> bytes | None:
    """Return the content of a file that only this user can have written."""
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
        try:
            found = os.fstat(descriptor)
            if not _is_ours(found) or found.st_size > LARGEST:
                return None
            return os.read(descriptor, LARGEST)
        finally:
            os.close(descriptor)
    except OSError:
        return None


def _is_ours(found: os.stat_result) -> bool:
    if sys.platform == "win32":  # %LOCALAPPDATA% is private by its access control list
        return stat.S_ISREG(found.st_mode)
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not writable_by_others
