"""`[makefile]`: the user's own tasks and environment, passed through into Makefile.toml."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from kdrvgen.model.base import Check, Dumped, FrozenTable, Path, Table, problem, refuse_controls

__all__ = ["Makefile"]

_DEEPEST = 16
_HOUR, _MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


def _free_form(value: Mapping[Any, Any]) -> FrozenTable:
    """Return a table as one that cannot change; raise with the places of all that is wrong."""
    errors: list[InitErrorDetails] = []
    found = _frozen(value, (), errors)
    if errors:
        raise ValidationError.from_exception_data("Makefile", errors, hide_input=True)
    assert isinstance(found, FrozenTable)  # noqa: S101 - the field is a mapping
    return found


def _frozen(value: object, path: Path, errors: list[InitErrorDetails]) -> Any:  # noqa: ANN401 - TOML's values are of any type
    """Return a TOML value as one that cannot change, and add what is wrong with it to `errors`."""
    if not isinstance(value, Mapping | list | tuple):
        _collect(_check, value, path, errors)
        return value
    if len(path) > _DEEPEST:
        errors.append(_error(problem(f"the table is nested more than {_DEEPEST} deep"), path))
        return None
    if isinstance(value, list | tuple):
        return tuple(_frozen(member, (*path, index), errors) for index, member in enumerate(value))
    for key in value:
        _collect(_check_key, key, (*path, str(key), "[key]"), errors)
    return FrozenTable(
        {key: _frozen(member, (*path, str(key)), errors) for key, member in value.items()}
    )


def _collect(
    check: Callable[[object], None], value: object, path: Path, errors: list[InitErrorDetails]
) -> None:
    try:
        check(value)
    except PydanticCustomError as error:
        errors.append(_error(error, path))


def _error(error: PydanticCustomError, path: Path) -> InitErrorDetails:
    return InitErrorDetails(type=error, loc=path, input=None)


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise problem("keys are strings")
    refuse_controls(key)


def _check(value: object) -> None:
    """Raise if TOML has no such value."""
    match value:
        case str():
            refuse_controls(value, allowed="\t\n\r")
        case dt.datetime() if (value.utcoffset() or _HOUR) % _MINUTE:
            raise problem("an offset from UTC has no seconds in TOML")
        case dt.time() if value.tzinfo is not None:
            raise problem("a time has no offset from UTC in TOML")
        case bool() | float() | dt.date() | dt.time():
            pass
        case int():
            if not -(2**63) <= value < 2**63:
                raise problem("TOML's integers have 64 bits, and this one needs more")
        case _:
            raise problem(f"TOML has no value of the type {type(value).__name__}")


_FreeForm = Annotated[Mapping[str, Any], Check(_free_form), Dumped]


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
