"""Merge the user's own part of the cargo configuration with the tables that kdrvgen writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import tomli_w

from kdrvgen.model.base import plain
from kdrvgen.rendering.quoting import key, toml

__all__ = ["OwnCargoConfig", "TablePath", "own_cargo_config"]

TablePath = tuple[str, ...]
"""The path of a table in the cargo configuration."""


class OwnCargoConfig(NamedTuple):
    """`[cargo-config]`, divided by its place in the file.

    Attributes:
        beside: The lines for each table that kdrvgen also writes, because TOML allows a table only
            once; `()` is the top level.
        rest: The text of all other tables.
    """

    beside: Mapping[TablePath, tuple[str, ...]]
    rest: str


def own_cargo_config(config: Mapping[str, Any], written: Collection[TablePath]) -> OwnCargoConfig:
    """Return the user's tables, divided by their place in the file.

    Args:
        config: `[cargo-config]`.
        written: The tables that kdrvgen writes.
    """
    tables = {name: value for name, value in config.items() if isinstance(value, Mapping)}
    rest: dict[str, Any] = plain(tables)
    beside = {path: tuple(_lines(_taken(rest, path))) for path in written}
    beside[()] = tuple(_lines({name: config[name] for name in config if name not in tables}))
    return OwnCargoConfig(beside, tomli_w.dumps(rest) if rest else "")


def _taken(rest: dict[str, Any], path: TablePath) -> Mapping[str, Any]:
    """Remove a table and return it; also remove the tables above it that are then empty."""
    first, *below = path
    if not isinstance(rest.get(first), dict):
        return {}
    if not below:
        found: Mapping[str, Any] = rest.pop(first)
        return found
    found = _taken(rest[first], tuple(below))
    if not rest[first]:
        del rest[first]
    return found


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{key(name)} = {toml(value)}" for name, value in table.items()]
