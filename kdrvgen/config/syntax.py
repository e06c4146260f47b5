"""Parse TOML within tomli's limits; `syntax_errors` explains what is not TOML."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import tomli

from kdrvgen.config.secrets import hide_in_line
from kdrvgen.config.source import Extent, Source
from kdrvgen.config.syntax_errors import SYNTAX_RULE, explain
from kdrvgen.errors import ConfigError
from kdrvgen.report.finding import Finding

__all__ = ["parse"]

_LONG_INTEGER = re.compile(r"[0-9_]{1000,}")


def parse(source: Source) -> dict[str, Any]:
    """Return the document of a TOML text.

    Raises:
        ConfigError: It is not TOML, or exceeds tomli's limits.
    """
    failure: Exception
    try:
        return tomli.loads(source.text)
    except (ValueError, RecursionError) as error:
        failure = error
    # Raised outside of the handler: tomli's error holds the whole text.
    if isinstance(failure, tomli.TOMLDecodeError):
        raise ConfigError([explain(source, failure)])
    raise ConfigError([_beyond_limits(source, failure)])


def _beyond_limits(source: Source, error: Exception) -> Finding:
    """Explain a failure of tomli on valid TOML that exceeds its limits."""
    if isinstance(error, RecursionError):
        end = _first_failing(source.text, range(len(source.text)), RecursionError)
        extent = Extent(max(0, end - 1), max(1, end))
        message, hint = "tables or arrays are nested too deeply", ""
    else:
        ends = [found.end() for found in _LONG_INTEGER.finditer(source.text)]
        end = _first_failing(source.text, ends, ValueError)
        extent = Extent(len(source.text[:end].rstrip("0123456789_")), end)
        message = "this integer is too long"
        hint = (
            "TOML integers have 64 bits; kdrvgen reads at most "
            f"{sys.get_int_max_str_digits()} digits"
        )
    place = hide_in_line(source, extent.start).place(extent)
    return Finding(SYNTAX_RULE, message, place, help=hint)


def _first_failing(text: str, ends: Sequence[int], kind: type[Exception]) -> int:
    """Return the first of `ends` up to which tomli fails in the same way, or the text's end."""
    index = bisect_left(ends, 1, key=lambda end: int(_fails_as(kind, text[:end])))
    return ends[index] if index < len(ends) else len(text)


def _fails_as(kind: type[Exception], text: str) -> bool:
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError:
        return False
    except kind:
        return True
    return False
