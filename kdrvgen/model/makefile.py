"""`[makefile]`: the user's own tasks and environment, passed through into Makefile.toml."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from kdrvgen.model.base import FrozenTable, Table, problem

__all__ = ["GENERATED_TASKS", "Makefile"]

GENERATED_TASKS = frozenset(
    "build-driver rename certificate sign verify smoke install start stop uninstall clean-driver "
    "default sign-all".split()
)
"""Names of the tasks that kdrvgen writes. Those of single targets, `sign-x86_64`, come on top."""

_DEEPEST = 16


def _frozen(value: object, depth: int = 0) -> Any:
    """Return a TOML value as one that cannot change; raise for what TOML cannot hold."""
    if depth > _DEEPEST:
        raise problem(f"the table is nested more than {_DEEPEST} deep")
    match value:
        case str() | bool() | float() | datetime.datetime() | datetime.date() | datetime.time():
            return value
        case int() if -(2**63) <= value < 2**63:
            return value
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise problem("keys are strings")
            return FrozenTable({key: _frozen(member, depth + 1) for key, member in value.items()})
        case list() | tuple():
            return tuple(_frozen(member, depth + 1) for member in value)
    raise problem(f"TOML has no value such as {value!r}")


_FreeForm = Annotated[Mapping[str, Any], AfterValidator(_frozen)]


class Makefile(Table):
    """Your own part of Makefile.toml. The terms are cargo-make's."""

    env: _FreeForm = FrozenTable()
    """Entries for cargo-make's `[env]`."""

    tasks: _FreeForm = FrozenTable()
    """Tasks, each as cargo-make takes it under `[tasks]`."""
