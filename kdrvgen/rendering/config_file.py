"""Write a project as the text of its config.toml, as a person would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kdrvgen.model import Profile, Project
from kdrvgen.model.base import Table, TomlValue, to_kebab
from kdrvgen.rendering.quoting import key, toml

__all__ = ["dumps"]

_WIDTH = 100
_DEPTH = 3
"""The names in the header of a table whose short tables are inline: `[makefile.tasks.NAME]`."""
_STANDARD = {"development": "dev", "production": "release"}


def dumps(project: Project) -> str:
    """Return the config.toml of a project: only what differs from the defaults, without comments.

    A pure function: `loads` reads the text as an equal project, which renders the same files.
    Tables and keys are in the order of the reference, profiles and free tables in their own.

    Returns:
        TOML with LF line ends. Tables of profiles are dotted keys, such as `signing.mode`.
    """
    blocks = [_lines(_differing(project, tables=False))]
    for name in type(project).model_fields:
        value = getattr(project, name)
        if name == "profiles":
            for profile, table in value.items():
                blocks.append(_profile(profile, table))
        elif isinstance(value, Table):
            blocks += _blocks((to_kebab(name),), found) if (found := _differing(value)) else ()
        elif isinstance(value, Mapping):
            blocks += _blocks((to_kebab(name),), value) if value else ()
    return "\n".join("\n".join((*block, "")) for block in blocks if block)


def _differing(table: Table, *, tables: bool = True) -> dict[str, Any]:
    """Return the keys of a table that are not their defaults, and the tables in it."""
    found: dict[str, Any] = {}
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if isinstance(value, Table) and tables:
            differing = _differing(value)
            # Without defaults, a table has an effect even if it is empty.
            if differing or field.default is None:
                found[to_kebab(name)] = differing
        elif isinstance(value, Table | Mapping) and not tables:
            continue
        elif field.is_required() or (value is not None and value != field.default):
            found[to_kebab(name)] = value
    return found


def _profile(name: str, profile: Profile) -> list[str]:
    """Return the lines of a profile: it overrides each key that is set, also with a default."""
    given = {
        f"{table}.{to_kebab(field)}": getattr(getattr(profile, table), field)
        for table in ("build", "linker", "signing")
        for field in type(getattr(profile, table)).model_fields
        if field in getattr(profile, table).model_fields_set
    }
    if profile.cargo_profile != _STANDARD.get(name):
        given = {"cargo-profile": profile.cargo_profile, **given}
    # No key can be set to None, which is what its absence means.
    lines = [_member(field, value) for field, value in given.items() if value is not None]
    is_given = lines or name not in _STANDARD
    return [f"[profiles.{key(name)}]", *lines] if is_given else []


def _blocks(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the lines of a table, then those of each table in it that is not written inline."""
    tables = [name for name, value in table.items() if isinstance(value, Mapping)]
    # Either all or none: otherwise the order of the tables would change.
    is_inline = len(path) > 1 and (
        any(map(_has_tables, table.values()))
        or (
            len(path) >= _DEPTH
            and all(len(_member(key(name), table[name])) <= _WIDTH for name in tables)
        )
    )
    if path == ("makefile", "env"):
        is_inline = True  # variables, and not tables
    outside = [] if is_inline else tables
    here = {name: value for name, value in table.items() if name not in outside}
    if here or not outside:
        yield [f"[{'.'.join(map(key, path))}]", *_lines(here)]
    for name in outside:
        yield from _blocks((*path, name), table[name])


def _has_tables(value: TomlValue) -> bool:
    """Return whether a value is an array with tables, whose place among tables must stay."""
    return isinstance(value, tuple | list) and any(isinstance(each, Mapping) for each in value)


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [_member(key(name), value) for name, value in table.items()]


def _member(name: str, value: TomlValue) -> str:
    line = f"{name} = {_text(value) if isinstance(value, str) else toml(value)}"
    if isinstance(value, tuple | list) and len(line) > _WIDTH:
        return "\n".join([f"{name} = [", *(f"    {toml(member)}," for member in value), "]"])
    return line


def _text(value: str) -> str:
    """Return a string in the form that reads best: paths as literals, scripts in lines."""
    if "\n" in value and "\r" not in value:
        quote = '\\"' if '""' in value or value.endswith('"') else '"'
        escaped = re.sub(
            r"\\(.)",
            lambda found: "\n" if found[1] == "n" else quote if found[1] == '"' else found[0],
            toml(value)[1:-1],
        )
        return f'"""\n{escaped}"""'
    if "\\" in value and value.isprintable() and "'" not in value:
        return f"'{value}'"
    return toml(value)
