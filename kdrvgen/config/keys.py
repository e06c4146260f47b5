"""How a key of a document is written in a message."""

from __future__ import annotations

import json

__all__ = ["Path", "dotted", "shortened"]

Path = tuple[str | int, ...]
"""The position of a value in the document: keys, and indexes of arrays from 0."""

_KEPT = 100


def dotted(path: Path) -> str:
    """Return `path` as a TOML dotted key; an array element is written `key[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if bare else _quoted(part))
    return shortened(text)


def shortened(text: str) -> str:
    """Return a text without its middle if it is too long for a message."""
    if len(text) <= 2 * _KEPT:
        return text
    return f"{text[:_KEPT]}…{text[-_KEPT:]}"


def _quoted(key: str) -> str:

    return json.dumps(key, ensure_ascii=False)
