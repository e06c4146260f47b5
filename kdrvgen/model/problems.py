"""What a broken rule between keys says, and where the keys stand that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from kdrvgen.model.base import Path, Table
from kdrvgen.model.profile import Profile

__all__ = ["Blame", "Problem", "merge", "variants"]

_T = TypeVar("_T", bound=Table)

Blame = Callable[..., Path]
"""Gives the path of a table's key, and of an element in it: `blame("args", 2)`."""


class Problem(NamedTuple):
    """A broken rule. `path` is the key to blame, `also` the others that take part."""

    path: Path
    message: str
    hint: str = ""
    also: tuple[Path, ...] = ()


def merge(base: _T, override: _T) -> _T:
    """Return `base` with the keys that `override` was given."""
    given = {name: getattr(override, name) for name in override.model_fields_set}
    return base.model_copy(update=given) if given else base


def variants(key: str, base: _T, profiles: Mapping[str, Profile]) -> Iterator[tuple[_T, Blame]]:
    """Yield the table as it stands and as each profile changes it, with where its keys stand."""
    yield base, lambda field, *rest: (key, field, *rest)
    for name, profile in profiles.items():
        override: _T = getattr(profile, key)
        given = {field.replace("_", "-") for field in override.model_fields_set}
        if given:

            def blame(
                field: str, *rest: str | int, name: str = name, given: set[str] = given
            ) -> Path:
                where: Path = ("profiles", name, key) if field in given else (key,)
                return (*where, field, *rest)

            yield merge(base, override), blame
