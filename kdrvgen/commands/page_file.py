"""Writes the HTML page of `kdrvgen verify` to its file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from kdrvgen.errors import FileAccessError, UsageError
from kdrvgen.output.regular import read_regular

__all__ = ["new_page"]

_TITLE = b"<title>kdrvgen verify:"
_HEAD = 1024
"""The title of a report is in its first bytes."""
_MAX_REPORT = 1 << 30  # bytes; only its beginning is looked at


@contextmanager
def new_page(path: Path) -> Iterator[TextIO]:
    """Open a new report, which replaces the old one only when it is complete."""
    _check_is_report(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None
    part = Path(name)
    try:
        # A file name can contain bytes that are not text.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        part.chmod(_readable_by_others())
        part.replace(path)
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _check_is_report(path: Path) -> None:
    """Raise an error if `path` is something other than a report or nothing."""
    try:
        is_new = not path.exists()
    except (OSError, ValueError) as error:
        raise FileAccessError(f"{path}: {error}") from None
    if not is_new and not read_regular(path, _MAX_REPORT)[:_HEAD].count(_TITLE):
        raise UsageError(
            f"--html {path} would overwrite a file that is not a report of kdrvgen verify. "
            "Choose another file."
        )


def _readable_by_others() -> int:
    """Return the mode of a new file under the current umask."""
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask
