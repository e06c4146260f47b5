"""`[cargo-config]`: the parts of the cargo configuration that do not concern the driver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias, get_args

from pydantic import ValidationError

from kdrvgen.adopt.parse.passwords import replace_passwords
from kdrvgen.adopt.parse.toml_values import TomlValue, strings_in
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.document import Document
from kdrvgen.adopt.read.findings import hazard, unknown
from kdrvgen.config.keys import dotted
from kdrvgen.credentials import holds_credential, mask
from kdrvgen.model.cargo_config import cargo_config
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding

__all__ = ["propose_cargo_config"]

_Path: TypeAlias = tuple[str, ...]

_TABLE = "cargo-config"
_TARGETS: tuple[str, ...] = get_args(Target)
# Other keys of config.toml have these, or a finding reports them.
_COVERED = frozenset(
    {
        ("build", "target"),
        ("build", "rustflags"),
        ("unstable", "build-std"),
        ("unstable", "build-std-features"),
    }
)
_COVERED_OF_TARGETS = frozenset({"rustflags", "linker"})
# Tables in which the name of a key shows that its value is a credential. In other tables the user
# chooses the names.
_NAMES_SHOW_CREDENTIALS = frozenset({"env", "http", "net", "registries", "registry"})
# Source: https://doc.rust-lang.org/cargo/reference/config.html#registry
_PROVIDERS = frozenset({"credential-provider", "global-credential-providers"})


def propose_cargo_config(
    draft: Draft, own: Document | None, passwords: Collection[str]
) -> Iterator[Finding]:
    """Set `[cargo-config]`, because kdrvgen overwrites the cargo configuration.

    Args:
        draft: The draft.
        own: The configuration in the project's own folder, if there is one.
        passwords: Passwords that the project has elsewhere.
    """
    if own is None:
        return
    for path, value in _leaves(own.data):
        if _is_covered(path):
            continue
        origin = own.origin(path)
        name = mask(dotted(path))
        if path[0] == "profile" and path[2:] == ("panic",):
            if value != "abort" or path[1] not in {"dev", "release"}:
                yield unknown(
                    origin,
                    f"the proposal does not contain `{name}`, and kdrvgen overwrites this file",
                    f'write `panic = "abort"` under `[profile.{path[1]}]` of Cargo.toml',
                )
        elif not _is_accepted(value):
            yield unknown(origin, f"cargo does not accept this value of `{name}`", "it is left out")
        elif _is_credential(path, value, passwords):
            yield hazard(
                origin,
                f"`{name}` looks like a credential in plain text: anyone with this file has it",
                "the proposal does not contain it; revoke it and create a new one. `cargo login` "
                "stores a token in your home folder, and CI can set CARGO_REGISTRIES_NAME_TOKEN",
                is_avoided=False,
            )
        else:
            draft.set((_TABLE, *path), value, origin)


def _leaves(table: Mapping[str, TomlValue], above: _Path = ()) -> Iterator[tuple[_Path, TomlValue]]:
    """Yield the values of a table and of those in it. A variable's table is one value."""
    for key, value in table.items():
        path = (*above, key)
        is_variable = above == ("env",)
        if isinstance(value, Mapping) and value and not is_variable:
            yield from _leaves(value, path)
        else:
            yield path, value


def _is_covered(path: _Path) -> bool:
    if path[:2] in _COVERED:
        return True
    match path:
        case ("target", name, key, *_) if key in _COVERED_OF_TARGETS:
            # The linker of a condition has no key; a finding reports that it is left out.
            return name in _TARGETS or (name.startswith("cfg(") and key == "rustflags")
    return False


def _is_accepted(value: TomlValue) -> bool:
    """Return whether cargo accepts such a value anywhere. It has no fractions, dates or times."""
    if isinstance(value, Mapping):
        return all(map(_is_accepted, value.values()))
    if isinstance(value, list):
        return all(map(_is_accepted, value))
    return not isinstance(value, float | dt.date | dt.time)


def _is_credential(path: _Path, value: TomlValue, passwords: Collection[str]) -> bool:
    name = path[1] if path[0] == "env" and len(path) > 1 else path[-1]
    if path[0] in _NAMES_SHOW_CREDENTIALS and name not in _PROVIDERS and holds_credential(name):
        return True
    if replace_passwords(value, passwords) != value:
        return True
    return any(mask(text) != text for text in strings_in(value)) or _is_secret(path, value)


def _is_secret(path: _Path, value: TomlValue) -> bool:
    """Return whether the model of `[cargo-config]` refuses a value as a secret."""
    table = {path[-1]: value}
    for key in reversed(path[:-1]):
        table = {key: table}
    try:
        cargo_config(table)
    except ValidationError as invalid:
        return any(line.get("ctx", {}).get("secret") for line in invalid.errors(include_url=False))
    return False
