"""Allow only one run at a time in a project, without a lock file in it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kdrvgen._fastpath import cache_folder
from kdrvgen.errors import FileAccessError

__all__ = ["held"]

PATIENCE = 5.0
"""Seconds to wait for another run. A run holds its lock for some milliseconds."""

_PAUSE = 0.02
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


@contextlib.contextmanager
def held(root: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Lock the project at `root`, an existing folder, against other runs.

    The lock is advisory, and the system releases it when the process ends for any reason. On a file
    system without locks (some network file systems), the run continues without one: each file is
    still replaced in one step.

    Args:
        root: The folder. The lock is on the folder itself. Windows cannot lock folders: there it is
            on a file in the user's cache whose name is a digest of the path.
        patience: Seconds to wait for another run.

    Raises:
        FileAccessError: Another run still holds it after `patience` seconds.
    """
    descriptor = _open(root)
    if descriptor is None:
        yield
        return
    try:
        deadline = time.monotonic() + patience
        while not _try(descriptor):
            if time.monotonic() > deadline:
                raise FileAccessError(
                    f"another kdrvgen is running in {root} and did not end within {patience:g} s. "
                    "Nothing was changed. Wait for it or stop it, then run kdrvgen again."
                )
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _open(root: Path) -> int | None:
        folder = cache_folder("locks")
        if folder is None:
            return None
        name = hashlib.sha256(os.fsencode(os.path.realpath(root).lower())).hexdigest()
        try:
            return os.open(Path(folder, name), os.O_RDWR | os.O_CREAT)
        except OSError:
            return None

    def _try(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return error.errno not in _BUSY
        return True

else:
    import fcntl

    def _open(root: Path) -> int | None:
        try:
            return os.open(root, os.O_RDONLY)
        except OSError:
            return None

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in _BUSY
        return True
