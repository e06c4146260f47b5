"""A broken rule between keys, with the paths of these keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from kdrvgen.model.base import Path, Table
from kdrvgen.model.profile import Profile

__all__ = ["Blame", "Problem", "merge", "own_variables", "variants"]

_T = TypeVar("_T", bound=Table)

Blame = Callable[..., Path]
"""Returns the path of a key of a table, or of an element in it: `blame("args", 2)`."""


class Problem(NamedTuple):
    """A broken rule. `path` is the key to blame, `also` are other keys that contribute."""

    path: Path
    message: str
    hint: str = ""
    also: tuple[Path, ...] = ()


def merge(base: _T, override: _T) -> _T:
    """Return `base` with the keys that are set in `override`."""
    given = {name: getattr(override, name) for name in override.model_fields_set}
    return base.model_copy(update=given) if given else base


def variants(key: str, base: _T, profiles: Mapping[str, Profile]) -> Iterator[tuple[_T, Blame]]:
    """Yield the table on its own and with the changes of each profile, with the paths of keys."""
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


def own_variables(env: Mapping[str, Any], where: Path) -> Iterator[Problem]:
    """Yield a problem for each variable that a table cannot set."""
    for name in env:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            yield Problem(
                (*where, name), f"`{name}` is not a valid name of an environment variable"
            )
        elif name.upper().startswith(("DRIVER_", "CARGO_MAKE_")):
            owner = (
                "cargo-make's"
                if name.upper().startswith("CARGO_MAKE_")
                else "reserved for the generated pipeline"
            )
            yield Problem(
                (*where, name),
                f"names that begin with {name.partition('_')[0]}_ are {owner}",
                hint=f"use another name, such as `MY_{name}`",
            )
        elif name.upper() in {"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"}:
            yield Problem(
                (*where, name),
                "cargo would use these flags instead of those that make this a driver",
                hint="set `linker.rustflags`",
            )
        elif name.upper() in {"LINK", "_LINK_"}:
            yield Problem(
                (*where, name),
                "linkers read arguments from it, and cargo does not link again when it changes",
                hint="set `linker.args`",
            )
