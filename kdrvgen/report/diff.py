"""The unified diff of two texts."""

from __future__ import annotations

import difflib

__all__ = ["changed_lines", "unified"]


def unified(path: str, before: str | None, after: str | None) -> str:
    """Return the unified diff from `before` to `after`, or "" if they are the same.

    Args:
        path: The file's path relative to the project, with slashes.
        before: The text on disk; None if the file does not exist.
        after: The text to write; None to remove the file.

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


def changed_lines(before: str | None, after: str | None) -> tuple[int, int]:
    """Return how many lines the change from `before` to `after` adds and removes."""
    lines = unified("", before, after).split("\n")[2:]  # below the names
    return sum(line[:1] == "+" for line in lines), sum(line[:1] == "-" for line in lines)


def _lines(text: str) -> list[str]:
    # `str.splitlines` would also split at form feeds and other characters that no tool counts.
    *ended, last = text.split("\n")
    return [f"{line}\n" for line in ended] + ([last] if last else [])
