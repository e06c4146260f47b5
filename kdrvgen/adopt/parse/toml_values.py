"""The strings in a value of TOML, however deeply it nests them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

__all__ = ["TomlValue", "joined_strings", "strings_in"]

TomlValue: TypeAlias = Any
"""A value as tomli returns it: a table, an array, a string, a number and so on."""


def strings_in(value: TomlValue) -> Iterator[str]:
    """Yield each string in a value. Keys of tables are not strings of it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from strings_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings_in(member)


def joined_strings(value: TomlValue) -> str:
    """Return all strings in a value, one per line."""
    return "\n".join(strings_in(value))
