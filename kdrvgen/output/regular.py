"""Reads files that a command or a configuration names: only regular ones, and never too much."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kdrvgen.errors import FileAccessError

__all__ = ["MAX_DRIVER_FILE", "read_regular"]

MAX_DRIVER_FILE = 128 << 20
"""The size in bytes of the largest file of a driver; drivers of graphics cards have 100 MB."""


def read_regular(path: Path, largest: int) -> bytes:
    """Return the content of a file.

    A pipe would block, a device can have no end, and merely opening one can have an effect.

    Args:
        path: The file.
        largest: The most bytes that it may have.

    Raises:
        FileAccessError: It is not a regular file, cannot be read, or is larger.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _check(path, path.stat().st_mode)
        with os.fdopen(os.open(path, flags), "rb") as file:
            # The file may have been replaced in the meantime.
            status = os.fstat(file.fileno())
            _check(path, status.st_mode)
            content = file.read(min(status.st_size, largest) + 1)
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise FileAccessError(f"{path}: {error}") from None
    if len(content) > largest:
        size = f"{largest >> 20} MB" if largest >> 20 else f"{largest >> 10} KB"
        raise FileAccessError(f"{path} is too large: kdrvgen reads up to {size} of such a file.")
    return content


def _check(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise FileAccessError(f"{path} is a folder. Use a regular file.")
    if not stat.S_ISREG(mode):
        raise FileAccessError(f"{path} is a device or a pipe. Use a regular file.")
