"""`[cargo-config]`: what a project's cargo configuration has besides what makes the driver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from kdrvgen.adopt.parse.passwords import without_passwords
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.names import texts
from kdrvgen.adopt.read.findings import hazard, unknown
from kdrvgen.adopt.read.snapshot import Document
from kdrvgen.config.keys import dotted
from kdrvgen.credentials import holds_credential, mask
from kdrvgen.model.cargo_config import cargo_config
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding

__all__ = ["draft_cargo_config"]

_TABLE = "cargo-config"
_TARGETS: tuple[str, ...] = get_args(Target)
# What other keys of config.toml say, or a finding.
_READ = frozenset(
    {
        ("build", "target"),
        ("build", "rustflags"),
        ("unstable", "build-std"),
        ("unstable", "build-std-features"),
    }
)
_OF_TARGETS = frozenset({"rustflags", "linker"})
# Tables of cargo whose keys are settings of cargo or names of variables; in others they are names
# of the user's, and say nothing about what they hold.
_TELLING = frozenset({"env", "http", "net", "registries", "registry"})
# Source: https://doc.rust-lang.org/cargo/reference/config.html#registry
_PROVIDERS = frozenset({"credential-provider", "global-credential-providers"})
_ENV_PATH = 2

_Path = tuple[str, ...]


def draft_cargo_config(
    draft: Draft, own: Document | None, passwords: Collection[str]
) -> Iterator[Finding]:
    """Say in the draft what the cargo configuration has besides, since kdrvgen writes it anew.

    Args:
        draft: Where to say it.
        own: The configuration in the project's own folder, if there is one.
        passwords: Passwords found elsewhere in the project.
    """
    for path, value in _leaves(own.data) if own else ():
        assert own  # noqa: S101 - there are no leaves without it
        origin = own.origin(path)
        name = mask(dotted(path))
        if _is_read(path):
            continue
        if path[0] == "profile" and path[2:] == ("panic",):
            if value != "abort" or path[1] not in {"dev", "release"}:
                yield unknown(
                    origin,
                    f"`{name}` is not in the proposal, and kdrvgen writes this file anew",
                    f'write `panic = "abort"` under `[profile.{path[1]}]` of Cargo.toml',
                )
        elif not _is_value(value):
            yield unknown(origin, f"cargo takes no such value for `{name}`", "it is left out")
        elif _is_credential(path, value, passwords):
            yield hazard(
                origin,
                f"`{name}` looks like a credential in plain text: whoever has this file has it too",
                "it is not carried over, and the old one should be revoked; `cargo login` keeps a "
                "token in your home, and in CI CARGO_REGISTRIES_NAME_TOKEN holds it",
                cured=False,
            )
        else:
            draft.say((_TABLE, *path), value, origin)


def _leaves(table: Mapping[str, Any], above: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Yield what stands in a table and in those below it."""
    for key, value in table.items():
        path = (*above, key)
        is_variable = path[0] == "env" and len(path) == _ENV_PATH
        if isinstance(value, Mapping) and value and not is_variable:
            yield from _leaves(value, path)
        else:
            yield path, value


def _is_read(path: _Path) -> bool:
    if path[:2] in _READ:
        return True
    if path[0] != "target" or path[2:3] == () or path[2] not in _OF_TARGETS:
        return False
    # The linker under a condition is no setting of one target: that it is left out is a finding.
    return path[1] in _TARGETS or (path[1].startswith("cfg(") and path[2] == "rustflags")


def _is_value(value: object) -> bool:
    """Tell whether cargo takes such a value anywhere. It has no fractions, dates or times."""
    if isinstance(value, Mapping):
        return all(map(_is_value, value.values()))
    if isinstance(value, list):
        return all(map(_is_value, value))
    return not isinstance(value, float | dt.date | dt.time)


def _is_credential(path: _Path, value: object, passwords: Collection[str]) -> bool:
    named = path[1] if path[0] == "env" and len(path) > 1 else path[-1]
    if path[0] in _TELLING and named not in _PROVIDERS and holds_credential(named):
        return True
    if without_passwords(value, passwords) != value or any(
        mask(text) != text for text in texts(value)
    ):
        return True
    table = value
    for key in reversed(path):
        table = {key: table}
    try:
        assert isinstance(table, Mapping)  # noqa: S101 - a path has one key or more
        cargo_config(table)
    except ValidationError as invalid:
        return any(line.get("ctx", {}).get("secret") for line in invalid.errors(include_url=False))
    return False
