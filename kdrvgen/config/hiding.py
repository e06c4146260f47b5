"""Hides what may be a password in a text that is not TOML, and so has no tree to go by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.config.locator import scan
from kdrvgen.config.source import Extent, Source, is_sensitive

__all__ = ["hide_sensitive_lines"]

_KEY_EQUALS = re.compile(
    r"""(?:(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+[=:][ \t]*+"""
)


def hide_sensitive_lines(source: Source, offset: int) -> Source:
    """Hide from the line around `offset` the values of keys that look like a password's.

    There is no tree to tell where values end, so that each is taken to go to the end of its line;
    and if the line is inside a value that began above, all of it may be secret.
    """
    line = source.line_extent(offset)
    hidden = [
        Extent(found.end(), line.end)
        for found in _sensitive_keys(source.text, line)
        if found.end() < line.end
    ]
    above = scan(source.text[: line.start])
    begun = min([above.stop, *above.open])
    if begun < line.start < line.end:
        since = Extent(source.line_extent(begun).start, line.start)
        if any(_sensitive_keys(source.text, since)):
            hidden.append(line)
    return source.hiding(tuple(hidden))


def _sensitive_keys(text: str, within: Extent) -> Iterator[re.Match[str]]:
    for found in _KEY_EQUALS.finditer(text, *within):
        if is_sensitive(found[0].rstrip("=: \t\"'")):
            yield found
