"""`[makefile]`: the user's own tasks and environment, passed through into Makefile.toml."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from kdrvgen.model.base import Check, Dumped, FrozenTable, Table, problem, refuse_controls

__all__ = ["Makefile"]

_DEEPEST = 16
_HOUR, _MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


def _key(value: object) -> str:
    if not isinstance(value, str):
        raise problem("keys are strings")
    refuse_controls(value)
    return value


def _frozen(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - the field is of any type
    """Return a TOML value as one that cannot change; raise for what TOML cannot hold."""
    if depth > _DEEPEST:
        raise problem(f"the table is nested more than {_DEEPEST} deep")
    match value:
        case str():
            refuse_controls(value, allowed="\t\n\r")
            return value
        case bool() | float() | dt.date():
            if isinstance(value, dt.datetime) and (value.utcoffset() or _HOUR) % _MINUTE:
                raise problem("an offset from UTC has no seconds in TOML")
            return value
        case dt.time() if value.tzinfo is None:
            return value
        case int() if -(2**63) <= value < 2**63:
            return value
        case Mapping():
            return FrozenTable({_key(key): _frozen(each, depth + 1) for key, each in value.items()})
        case list() | tuple():
            return tuple(_frozen(member, depth + 1) for member in value)
    raise problem(f"TOML has no value such as {value!r}")


_FreeForm = Annotated[Mapping[str, Any], Check(_frozen), Dumped]


class Makefile(Table):
    """Your own part of Makefile.toml. The terms are cargo-make's."""

    env: _FreeForm = FrozenTable()
    """Entries for cargo-make's `[env]`.

    Change: For variables of your own. `makefile.env.NAME` with the name of a profile counts in
        that profile only.
    Without: Only kdrvgen's own variables.
    Source: https://sagiegurari.github.io/cargo-make/#usage-env
    """

    tasks: _FreeForm = FrozenTable()
    """Tasks, each as cargo-make takes it under `[tasks]`.

    Change: For tasks of your own, such as `dependencies = ["sign"]` and a command that copies
        the image.
    Without: Only kdrvgen's own tasks.
    Source: https://sagiegurari.github.io/cargo-make/#usage-task-dependencies-alias
    """
