"""Waits on Windows for programs that open new files for a moment, such as virus scanners."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

__all__ = ["patiently"]

_ATTEMPTS = 20
_PAUSE = 0.05
_IN_USE = {5, 32}  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION


def patiently(change: Callable[[], object]) -> None:
    """Rename or remove something; on Windows, try for a second while another program has it open.

    Windows refuses to rename or remove an open file, and a folder that contains one, unless the
    program that opened it allows it.

    Raises:
        OSError: The change failed.
    """
    for _ in range(_ATTEMPTS if sys.platform == "win32" else 0):
        try:
            change()
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
            time.sleep(_PAUSE)
        else:
            return
    change()
