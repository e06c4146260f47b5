"""An open folder of a project: no link and no rename can redirect a write."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

from kdrvgen.output.renaming import patiently

__all__ = ["Folder"]

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# With O_PATH, Linux opens a folder even if its files can be used but not listed.
_OPEN_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _NO_FOLLOW
# The file may have been replaced by a pipe in the meantime. Opening that would block.
_READ = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | _NO_FOLLOW
    | getattr(os, "O_BINARY", 0)  # otherwise Windows would write CRLF
)


class Folder:
    """A folder, and operations on the names in it.

    On POSIX, each call is relative to a descriptor. A program that moves the folder, or replaces a
    folder above it with a link, cannot redirect a write. Windows does not have such calls: there,
    the path is used after a check that it contains no link.

    A name has no separators. Every method can raise OSError.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Folder:
        """Open the folder at a path without links."""
        if sys.platform == "win32":
            _refuse_links(path)
            return cls(path, None)
        return cls(path, os.open(path, _OPEN_FOLDER))

    def below(self, name: str) -> Folder:
        """Open a folder in this one; refuse a link."""
        path = self.path / name
        if sys.platform == "win32":
            return Folder.open(path)
        return Folder(path, os.open(name, _OPEN_FOLDER, dir_fd=self._descriptor))

    def close(self) -> None:
        """Close the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of a name, without following links; None if it does not exist."""
        try:
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_writable(self, name: str) -> bool:
        """Return whether this user can write to a file, and the file is not read-only."""
        found = self.status(name)
        writable = found is None or found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
        return bool(writable) and os.access(self._at(name), os.W_OK, dir_fd=self._descriptor)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a regular file; None if the name does not exist.

        Raises:
            OSError: It is a link, or not a regular file.
        """
        try:
            descriptor = os.open(self._at(name), _READ, dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
            return file.read()

    def create(self, name: str) -> int:
        """Create a new file, and return its descriptor for writing."""
        return os.open(self._at(name), _CREATE, 0o666, dir_fd=self._descriptor)

    def make_folder(self, name: str) -> None:
        """Create a folder."""
        os.mkdir(self._at(name), dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file or link."""
        patiently(lambda: os.unlink(self._at(name), dir_fd=self._descriptor))

    def discard(self, name: str) -> None:
        """Remove a file or link that this run created, if possible."""
        with contextlib.suppress(OSError):
            self.remove(name)

    def discard_folder(self, name: str) -> None:
        """Remove a folder that this run created, unless another program uses it."""
        with contextlib.suppress(OSError):
            os.rmdir(self._at(name), dir_fd=self._descriptor)

    def replace(self, old: str, new: str) -> None:
        """Rename the file `old` to `new` in one step, and replace any file `new`."""
        here = self._descriptor
        patiently(
            lambda: os.replace(self._at(old), self._at(new), src_dir_fd=here, dst_dir_fd=here)
        )

    def add(self, old: str, new: str) -> None:
        """Rename the file `old` to `new`, which must not exist.

        Raises:
            FileExistsError: `new` exists.
        """
        here = self._descriptor
        if sys.platform == "win32":
            # On Windows this replaces nothing.
            patiently(lambda: (self.path / old).rename(self.path / new))
            return
        try:
            # Unlike a rename, a link never replaces a file, so no check before it is necessary.
            os.link(old, new, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links, such as FAT
            if self.status(new) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
            self.replace(old, new)
        else:
            self.discard(old)

    def _at(self, name: str) -> str:
        if self._descriptor is not None:
            return name
        return str(self.path / name)


def _refuse_links(path: Path) -> None:
    if Path(os.path.realpath(path)) != path:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
