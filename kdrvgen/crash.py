"""Report an error in kdrvgen itself: where to report it, and a file to attach."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import traceback
from collections.abc import Sequence

from kdrvgen import __version__
from kdrvgen.credentials import mask_words
from kdrvgen.errors import KdrvgenError

__all__ = ["ISSUES", "error_for"]

ISSUES = ""
"""The address for reports of bugs. Whoever distributes kdrvgen sets it, also in a patch."""


def error_for(error: Exception, words: Sequence[str]) -> KdrvgenError:
    """Return the error that users see for an unexpected exception.

    Writes the traceback to a new file in the folder for temporary files, which only the user can
    read. Credentials are masked in it.

    Args:
        error: The exception.
        words: The arguments of the command line.
    """
    about = f"kdrvgen {__version__} (Python {platform.python_version()}, {platform.platform()})"
    lines = traceback.format_exception(error)
    command = shlex.join(["kdrvgen", *words])
    file = _write(mask_words(f"{about}\n{command}\n\n{''.join(lines)}"))
    whom = f"at {ISSUES}" if ISSUES else "to the people who gave you kdrvgen"
    what = f"the file {file}" if file else "the output of the same command with -v"
    return KdrvgenError(
        f"internal error ({type(error).__name__}: {error}). This is a bug in {about}, not in "
        f"your project. Please report it {whom}, with your configuration and {what}. "
        "Remove from both what nobody else must see."
    )


def _write(text: str) -> str:
    """Return the path of a new file with a text; empty if it cannot be written."""
    try:
        handle, path = tempfile.mkstemp(prefix="kdrvgen-crash-", suffix=".txt", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return ""
    return path
