"""How a run knows, without pydantic or Jinja2, that the last one left nothing to do.

A stamp is the proof of one thing only: that these bytes of configuration, made into files by these
bytes of kdrvgen, gave these bytes on disk. Whatever is not exactly so is left to the slow way.

All of this module is part of a run with nothing to change: it imports what is there anyway, and no
pathlib, dataclasses or typing (8 to 16 ms each, of the 30 ms that such a run may take).
"""

from __future__ import annotations

import os
import stat

try:  # what `hashlib.blake2b` is, without the 3 ms of loading OpenSSL for it
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

from kdrvgen import cache
from kdrvgen.output.paths import boundary, is_within, resolve, sibling_of, temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["Stamp"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - see above
_LARGEST = 16 * 1024
_SUPPORT = ".kdrvgen/"
# What `agreement` compares with the configuration.
_COMPARED = ("Cargo.toml", "rust-toolchain", "rust-toolchain.toml")
# Compiled modules, and rooms of other verbs: no generated file depends on them.
_APART = {"__pycache__", "adopt", "doctor", "inspection", "lexicon", "scaffold"}


class Stamp:
    """What is known about one configuration and the folder that its files go to.

    Made before the configuration is loaded, so that an edit made while kdrvgen runs is not taken
    for what the run has seen.
    """

    __slots__ = ("_code", "_config", "_path", "_root", "_seen")

    def __init__(self, config: str, root: str) -> None:
        self._config = config
        self._root = root
        self._path = _place(config, root)
        self._seen = self._code = b""
        if self._path is not None:
            seen = _content(config)
            code = _fingerprint(_PACKAGE)
            if seen is None or code is None:
                self._path = None
            else:
                self._seen, self._code = seen, code

    def known(self) -> Sequence[tuple[str, str]] | None:
        """Return (status, path) of each output when nothing has changed since `write`, else None.

        A stamp that is missing, broken, another user's or unreadable is no stamp: never an error.
        """
        if self._path is None:
            return None
        listing, _, digest = (_private(self._path) or b"").rpartition(b"\n")
        try:
            rows = [_row(line) for line in listing.decode("ascii").split("\n")]
        except ValueError:
            return None
        try:
            now = self._digest(listing, rows, _content)
        except OSError:  # links that lead round in a circle
            return None
        return rows if digest == now else None

    def write(self, files: Iterable[tuple[str, str, bytes]]) -> None:
        """Record that nothing is left to do; a stamp that cannot be written is not.

        Args:
            files: Status, path relative to the root, and content of each output.
        """
        files = list(files)
        rows = [(status, path) for status, path, _ in files]
        listing = "\n".join(f"{status}\t{path}" for status, path in rows)
        contents = {resolve(self._root, path): content for _, path, content in files}
        if self._path is None or not listing.isascii() or _content(self._config) != self._seen:
            return
        digest = self._digest(listing.encode(), rows, contents.get)
        if digest is not None:
            _replace(self._path, listing.encode() + b"\n" + digest)

    def _digest(
        self,
        listing: bytes,
        rows: Sequence[tuple[str, str]],
        read: Callable[[str], bytes | None],
    ) -> bytes | None:
        """Return the digest over everything that the answer depends on; None if some is amiss."""
        total = blake2b(digest_size=32)
        for part in (self._code, self._seen, listing):
            _feed(total, part)
        limits: dict[int, str] = {}  # by how far a path leads up
        for _, path in rows:
            above = path.count("../")
            if above not in limits:
                limits[above] = boundary(self._root, path)
            real = resolve(self._root, path)
            content = read(real)
            if (
                content is None
                or not is_within(limits[above], real)
                or any(_unwanted(self._root, path))
            ):
                return None
            _feed(total, os.fsencode(real))
            _feed(total, content)
        for name in _COMPARED:
            _feed(total, _content(os.path.join(self._root, name)) or b"")  # noqa: PTH118 - see above
        support = {path for _, path in rows if _SUPPORT in path}
        if support and not _feed_surroundings(total, self._root, support):
            return None
        return total.hexdigest().encode()


def _place(config: str, root: str) -> str | None:
    folder = cache.folder("stamps")
    if folder is None:
        return None
    names = (os.fsencode(os.path.abspath(name)) for name in (config, root))  # noqa: PTH100 - see above
    return os.path.join(folder, blake2b(b"\0".join(names), digest_size=32).hexdigest())  # noqa: PTH118 - see above


def _unwanted(root: str, path: str) -> Iterator[bool]:
    """Tell of each name that must not exist beside the output at `path` whether it does."""
    yield os.path.lexists(temporary(resolve(root, path)))
    sibling = sibling_of(path)
    if sibling is not None:
        yield os.path.lexists(os.path.join(root, sibling))  # noqa: PTH118 - see above
        yield os.path.lexists(temporary(resolve(root, sibling)))


def _feed_surroundings(total: blake2b, root: str, support: set[str]) -> bool:
    """Feed what else the support files depend on; False when their folder holds others too."""
    above = min(support).partition(_SUPPORT)[0]
    if above:  # it lies in the root of a workspace, as this file says
        for name in _COMPARED:
            _feed(total, _content(os.path.join(root, above, name)) or b"")  # noqa: PTH118 - see above
    pending, found = [above + _SUPPORT], set()
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(root, folder)))  # noqa: PTH118 - see above
        except OSError:
            return False
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(f"{folder}{entry.name}/")
            else:
                found.add(f"{folder}{entry.name}")
    return found == support


def _content(path: str) -> bytes | None:
    """Return the bytes of a regular file; None for whatever cannot be read, or only once."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - see above
            return None
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - see above
            return file.readall()
    except OSError:
        return None


def _fingerprint(folder: str) -> bytes | None:
    """Return a digest over every file of the package, None when it does not lie in a folder."""
    total = blake2b(digest_size=32)
    pending = [folder]
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
            content = _content(entry.path)
            if content is None:
                return None
            _feed(total, os.fsencode(entry.path))
            _feed(total, content)
    return total.digest()


def _feed(total: blake2b, part: bytes) -> None:
    # With its length in front, no part can pass for the end or the start of another.
    total.update(len(part).to_bytes(8, "big"))
    total.update(part)


def _row(line: str) -> tuple[str, str]:
    status, path = line.split("\t")
    return status, path


def _private(path: str) -> bytes | None:
    """Return the content of a file that nobody but this user can have written."""
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags)
        try:
            found = os.fstat(descriptor)
            if not _is_ours(found) or found.st_size > _LARGEST:
                return None
            return os.read(descriptor, _LARGEST)
        finally:
            os.close(descriptor)
    except OSError:
        return None


def _is_ours(found: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):  # Windows, where the cache folder is private by its list
        return stat.S_ISREG(found.st_mode)
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not writable_by_others


def _replace(path: str, content: bytes) -> None:
    new = f"{path}.{os.getpid()}"
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)
        os.replace(new, path)  # noqa: PTH105 - see above
    except OSError:
        try:
            os.unlink(new)  # noqa: PTH108 - see above
        except OSError:
            return
