"""Tables for another program, written unchanged: any TOML without invisible characters."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

from pydantic import AfterValidator, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from kdrvgen.model.base import Dumped, FrozenTable, Path, TomlValue, problem, refuse_controls

__all__ = ["FreeForm", "free_form"]

_DEEPEST = 16
_HOUR, _MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


def free_form(value: Mapping[Any, Any]) -> FrozenTable:
    """Return an immutable copy of a table.

    Raises:
        ValidationError: A value is not a TOML value, or a text contains an invisible character.
    """
    errors: list[InitErrorDetails] = []
    found = _frozen(value, (), errors)
    if errors:
        raise ValidationError.from_exception_data("table", errors, hide_input=True)
    return cast(FrozenTable, found)


def _frozen(value: object, path: Path, errors: list[InitErrorDetails]) -> TomlValue:
    """Return an immutable copy of a TOML value, and append its errors to `errors`."""
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
        raise problem("keys must be strings")
    refuse_controls(key)


def _check(value: object) -> None:
    """Raise if the value is not a TOML value."""
    match value:
        case str():
            refuse_controls(value, allowed="\t\n\r")
        case dt.datetime() if (value.utcoffset() or _HOUR) % _MINUTE:
            raise problem("in TOML, an offset from UTC cannot have seconds")
        case dt.time() if value.tzinfo is not None:
            raise problem("in TOML, a time cannot have an offset from UTC")
        case bool() | float() | dt.date() | dt.time():
            pass
        case int():
            if not -(2**63) <= value < 2**63:
                raise problem("the integer does not fit into the 64 bits of TOML")
        case _:
            raise problem(f"TOML has no value of the type {type(value).__name__}")


FreeForm = Annotated[Mapping[str, Any], AfterValidator(free_form), Dumped]
"""A table with the keys of another program. It can hold any TOML value."""
