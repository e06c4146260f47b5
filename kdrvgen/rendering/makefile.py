"""The user's own tasks, as they stand in Makefile.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

__all__ = ["own_tasks"]


def own_tasks(tasks: Mapping[str, Any]) -> str:
    """Return the tables of the user's tasks, in their order; empty without any."""
    return tomli_w.dumps({"tasks": _plain(tasks)}, multiline_strings=True) if tasks else ""


def _plain(value: object) -> object:
    """Return a frozen TOML value as tomli-w takes it."""
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return value
