"""Expand arguments: patterns, and lists in files or standard input; check lists of the API.

A command line of Windows has at most 32,767 characters (CreateProcessW, Microsoft Learn), and its
shells expand no patterns.
"""

from __future__ import annotations

import codecs
import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kdrvgen.errors import FileAccessError, UsageError

__all__ = ["expanded", "several"]

_STANDARD_INPUT = "-"


def several(parameter: str, values: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the values of a parameter that takes several.

    Raises:
        TypeError: It is one text or path. Of a text, Python would take each letter.
    """
    if isinstance(values, str | os.PathLike):
        raise TypeError(f"`{parameter}` takes several values: pass [{os.fspath(values)!r}].")
    return [os.fspath(value) for value in values]


def expanded(words: Sequence[str]) -> Iterator[str]:
    """Yield the arguments, with the lines of each `@FILE` and the matches of each pattern.

    A file whose name begins with `@` is written as `./@name`.

    Raises:
        UsageError: A list is empty, or a pattern matches nothing.
        FileAccessError: A list cannot be read.
    """
    for word in words:
        if word.startswith("@"):
            found = _lines(word[1:])
            if not found:
                raise UsageError(f"{word} has no line with a configuration.")
            yield from found
        elif glob.has_magic(word) and not os.path.lexists(word):
            matches = sorted(glob.glob(word, recursive=True))  # noqa: PTH207 - may be absolute
            if not matches:
                raise UsageError(f"no file or folder matches {word}.")
            yield from matches
        else:
            yield word


def _lines(name: str) -> list[str]:
    """Return the lines of a list that are not empty; `find -print0` separates them with NUL."""
    try:
        data = sys.stdin.buffer.read() if name == _STANDARD_INPUT else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileAccessError(f"@{name}: the list cannot be read: {reason}") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell 5's `>`
        text = data.decode("utf-16", errors="replace")
    else:
        text = os.fsdecode(data.removeprefix(codecs.BOM_UTF8))
    lines = text.split("\0") if "\0" in text else text.replace("\r\n", "\n").split("\n")
    return [line for line in lines if line.strip()]
