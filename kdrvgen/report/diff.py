"""The difference between two texts in the form that `patch` and people read."""

from __future__ import annotations

import difflib

__all__ = ["unified"]


def unified(path: str, before: str | None, after: str | None) -> str:
    """Return the unified diff from `before` to `after`, or "" when they are the same.

    Args:
        path: The file's path relative to the project, with slashes.
        before: The text on disk; None when there is no such file.
        after: The text to be written; None when the file is to be removed.

    Returns:
        Lines that end in LF, with names `a/…` and `b/…` (`/dev/null` for None) and Git's mark for
        a last line that does not end.
    """
    lines = difflib.unified_diff(
        _lines(before or ""),
        _lines(after or ""),
        "/dev/null" if before is None else f"a/{path}",
        "/dev/null" if after is None else f"b/{path}",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    # `str.splitlines` would also end lines at form feeds and other marks that no tool counts.
    *ended, last = text.split("\n")
    return [f"{line}\n" for line in ended] + ([last] if last else [])
