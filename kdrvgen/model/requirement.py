"""`kdrvgen-version`: the versions of kdrvgen that can read a config.toml."""

import operator
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator

from kdrvgen.model.base import Text, problem

__all__ = ["Requirement", "fits", "is_requirement"]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_CLAUSE = re.compile(r" *(>=|<=|==|!=|>|<) *(\d{1,6}(?:\.\d{1,6}){0,3}) *", re.ASCII)


def is_requirement(value: str) -> bool:
    """Return whether a text is a requirement: clauses such as `>=0.2`, separated by commas."""
    return all(_CLAUSE.fullmatch(clause) for clause in value.split(","))


def fits(requirement: str, version: str) -> bool:
    """Return whether a version meets a requirement.

    Args:
        requirement: A text for which `is_requirement` is true.
        version: A PEP 440 version. Only its release segment is compared: `0.2.0.dev1` is 0.2.
    """
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = _numbers(found[0]) if found else ()
    return all(compare(numbers, wanted) for compare, wanted in _clauses(requirement))


def _clauses(requirement: str) -> Iterator[tuple[Callable[[Any, Any], bool], tuple[int, ...]]]:
    for clause in requirement.split(","):
        if found := _CLAUSE.fullmatch(clause):
            yield _OPERATORS[found[1]], _numbers(found[2])


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _requirement(value: str) -> str:
    if not is_requirement(value):
        raise problem(
            f"`{value}` is not a valid version requirement",
            hint="use >=, <=, ==, !=, > or <, such as in `>=0.2` or `>=0.2,<1`",
        )
    return value


Requirement = Annotated[Text, AfterValidator(_requirement)]
"""Versions of kdrvgen, such as `>=0.2,<1`."""
