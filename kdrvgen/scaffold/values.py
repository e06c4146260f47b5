"""Convert a value typed on a command line or at a prompt to the type of its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import tomli
from pydantic import BaseModel

from kdrvgen.config.keys import Path
from kdrvgen.model import Project
from kdrvgen.model.reference import plain_type

__all__ = ["boolean", "choices", "type_at", "typed"]

_TOO_MANY_DIGITS = 20  # for 64 bits; Python itself refuses thousands of digits
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0"), False),
}


def type_at(path: Path) -> object:
    """Return the type of the key at `path` in config.toml; None for an unknown key."""
    found: Any = Project
    for part in path:
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {each.alias: each.annotation for each in found.model_fields.values()}
            found = plain_type(fields[part]) if part in fields else None
        elif get_origin(found) is Mapping:
            found = plain_type(get_args(found)[1])
        else:
            return None
    return found


def choices(path: Path) -> tuple[str, ...]:
    """Return the values that the key at `path` can have if the set is closed, else ()."""
    found = type_at(path)
    if found is bool:
        return ("yes", "no")
    return tuple(get_args(found)) if get_origin(found) is Literal else ()


def boolean(text: str) -> object:
    """Return the boolean that a text means; the text itself if it means none."""
    return _BOOLEANS.get(text.lower(), text)


def typed(path: Path, text: str) -> object:
    """Return the value of `text` for the key at `path`.

    An array is written with commas or as in TOML, a table as in TOML. Any other text stays a
    string, and the model reports the error.
    """
    wanted = type_at(path)
    if wanted is bool:
        return boolean(text)
    if wanted is int:
        is_integer = text.isascii() and text.isdigit() and len(text) < _TOO_MANY_DIGITS
        return int(text) if is_integer else text
    if get_origin(wanted) is tuple:
        if text.lstrip().startswith("["):
            return _toml(text)
        return [part.strip() for part in text.split(",")] if text.strip() else []
    if wanted is str or get_origin(wanted) is Literal:
        return text
    return _toml(text)


def _toml(text: str) -> object:
    try:
        found = tomli.loads(f"value = {text}\n")
    except (tomli.TOMLDecodeError, ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text
