"""A folder of a project, held open: no link and no rename leads a write to another place."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

__all__ = ["Folder"]

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# Linux opens a folder by O_PATH even if its names may be used, but not listed.
_OPEN_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _NO_FOLLOW
# What was a file a moment ago may be a pipe now, whose opening would wait for a writer.
_READ = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | _NO_FOLLOW
    | getattr(os, "O_BINARY", 0)  # Windows would write CRLF without it
)


class Folder:
    """One folder, and what can be done to the names in it.

    On POSIX each call is relative to a descriptor. A program that moves the folder away, or puts
    a link in the place of a folder above it, cannot change where a write goes. Windows has no such
    calls: there the path is used, after a check that it leads through no link.

    A name is a single one, without separators. Every method raises OSError.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Folder:
        """Open the folder at a path in which all links are followed."""
        if sys.platform == "win32":
            _refuse_links(path)
            return cls(path, None)
        return cls(path, os.open(path, _OPEN_FOLDER))

    def below(self, name: str) -> Folder:
        """Open a folder in this one; a link is refused."""
        path = self.path / name
        if sys.platform == "win32":
            return Folder.open(path)
        return Folder(path, os.open(name, _OPEN_FOLDER, dir_fd=self._descriptor))

    def close(self) -> None:
        """Close the folder; nothing can be done in it any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def status(self, name: str) -> os.stat_result | None:
        """Return what the system knows of a name, links not followed; None without that name."""
        try:
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_writable(self, name: str) -> bool:
        """Return whether this user can write to a file and its mode lets anyone write to it."""
        found = self.status(name)
        writable = found is None or found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
        return bool(writable) and os.access(self._at(name), os.W_OK, dir_fd=self._descriptor)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a regular file; None without that name.

        Raises:
            OSError: It is a link, or no regular file.
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
        """Make a file that does not exist yet, and return its descriptor for writing."""
        return os.open(self._at(name), _CREATE, 0o666, dir_fd=self._descriptor)

    def make_folder(self, name: str) -> None:
        """Make a folder."""
        os.mkdir(self._at(name), dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file or link."""
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def discard(self, name: str) -> None:
        """Remove a file or link that this run made, if that can be done."""
        with contextlib.suppress(OSError):
            self.remove(name)

    def discard_folder(self, name: str) -> None:
        """Remove a folder that this run made, unless another program uses it by now."""
        with contextlib.suppress(OSError):
            os.rmdir(self._at(name), dir_fd=self._descriptor)

    def replace(self, old: str, new: str) -> None:
        """Give the file `old` the name `new`, in one step, whatever has that name."""
        here = self._descriptor
        os.replace(self._at(old), self._at(new), src_dir_fd=here, dst_dir_fd=here)

    def add(self, old: str, new: str) -> None:
        """Give the file `old` the name `new`, which nothing may have.

        Raises:
            FileExistsError: Something has that name.
        """
        here = self._descriptor
        if sys.platform == "win32":
            (self.path / old).rename(self.path / new)  # on Windows this replaces nothing
            return
        try:
            # Unlike a rename, a link replaces nothing: there is no moment between look and act.
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
