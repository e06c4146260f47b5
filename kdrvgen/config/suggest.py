"""Suggest what a misspelt or misplaced key or value was probably meant to be."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import get_args

from pydantic import BaseModel

from kdrvgen.config.keys import Path
from kdrvgen.model.driver import TARGET_NAMES
from kdrvgen.spelling import nearest

__all__ = ["ANY", "Vocabulary", "for_key", "for_value", "vocabulary"]

Vocabulary = Mapping[str, "Vocabulary | None"]
"""The keys of a table, each with its own keys if it is a table itself."""

ANY = "*"
"""The key in a vocabulary for a name that the user chooses."""


@functools.cache
def vocabulary(model: type[BaseModel]) -> Vocabulary:
    """Return the keys that a model knows."""
    return {
        field.alias or name: _below(field.annotation) for name, field in model.model_fields.items()
    }


def _below(annotation: object) -> Vocabulary | None:

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return vocabulary(annotation)
    tables = [below for inner in get_args(annotation) if (below := _below(inner))]
    if not tables:
        return None
    is_mapping = issubclass(getattr(annotation, "__origin__", None) or object, Mapping)
    return {ANY: tables[0]} if is_mapping else tables[0]


def for_key(keys: Vocabulary, path: Path, present: Collection[str | int]) -> str:
    """Return a hint for the unknown key at `path`, or "" if no known key is similar.

    Args:
        keys: The keys that the whole document may have.
        path: Where the unknown key is.
        present: The keys that its table already has.
    """
    *table, key = (str(part) for part in path)
    here = _at(keys, table)
    free = [known for known in here if (known not in present or here[known]) and known != ANY]
    kebab = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", key).replace("_", "-").lower()
    if kebab != key and kebab in free:
        why = "keys are written with hyphens" if "_" in key else "keys are written in lower case"
        return f"{why}: `{kebab}`"
    if kebab in here and kebab != key:
        return f"`{kebab}` is already set in this table"
    if elsewhere := _belongs(keys, tuple(table), kebab):
        return elsewhere
    return _resembling(keys, tuple(table), kebab, free)


def _resembling(keys: Vocabulary, table: tuple[str, ...], key: str, free: Collection[str]) -> str:
    """Return a hint with a key spelt like `key`: unset here, set here, or of another table."""
    here = _at(keys, table)
    if near := nearest(key, free):
        return f"did you mean `{near}`?"
    if near := nearest(key, set(here) - {ANY}):
        return f"the similar key `{near}` is already set in this table"
    everywhere = {known for known_path in _paths(keys) for known in known_path[-1:]}
    near = nearest(key, everywhere - {ANY, *here})
    return _belongs(keys, table, near) if near else ""


def _belongs(keys: Vocabulary, table: tuple[str, ...], key: str) -> str:
    """Return a hint that names the table in which `key` is known."""
    homes = [found[:-1] for found in _paths(keys) if found[-1] == key and ANY not in found]
    homes = [home for home in homes if home != table]
    if not homes:
        return ""
    if homes == [()]:
        return f"`[{key}]` is a table at the top level of the file"
    if table[:1] == ("profiles",) and not table[2:]:
        below = [home[0] for home in homes if home[0] in _at(keys, table)]
        if below:
            written = " or ".join(f"`{home}.{key}`" for home in below)
            return f"in a profile, write {written}"
    return f"`{key}` belongs in " + " or ".join(f"[{'.'.join(home)}]" for home in homes if home)


def _at(keys: Vocabulary, table: Iterable[str]) -> Vocabulary:
    found: Vocabulary | None = keys
    for part in table:
        found = found.get(part, found.get(ANY)) if found else None
    return found or {}


def _paths(keys: Vocabulary, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, below in keys.items():
        yield (*above, key)
        if below:
            yield from _paths(below, (*above, key))


def for_value(value: str, allowed: Iterable[str]) -> str:
    """Return a hint with the allowed value that is similar, or "" if none is."""
    known = tuple(allowed)
    target = TARGET_NAMES.get(value.lower(), "")
    near = target if target in known else nearest(value, known)
    return f'did you mean "{near}"?' if near else ""
