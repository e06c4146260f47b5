"""`[cargo-config]`: the user's own part of the cargo configuration, written unchanged."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError
from pydantic_core import InitErrorDetails

from kdrvgen.model.base import Dumped, FrozenTable, Path, problem
from kdrvgen.model.free_form import free_form

__all__ = ["CargoConfig", "cargo_config"]

# Source: https://doc.rust-lang.org/cargo/reference/config.html#credentials
_SECRETS = frozenset({"token", "secret-key"})
# A password, or a user name that may be a token. The user of `ssh://git@host` is neither.
_PASSWORD = re.compile(r"https?://[^/\s]*@|//[^/\s@:]*:[^/\s]*@", re.IGNORECASE)


def cargo_config(value: Mapping[Any, Any]) -> FrozenTable:
    """Return an immutable copy of the table.

    Raises:
        ValidationError: A value is not a TOML value or is a credential, or a text contains an
            invisible character.
    """
    found = free_form(value)
    errors = list(_credentials(found, ()))
    if errors:
        raise ValidationError.from_exception_data("cargo-config", errors, hide_input=True)
    return found


CargoConfig = Annotated[Mapping[str, Any], AfterValidator(cargo_config), Dumped]


def _credentials(value: object, path: Path) -> Iterator[InitErrorDetails]:
    """Yield an error for each credential: the generated file is committed and shared."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if _PASSWORD.search(key):
                yield _in_an_address((*path, key, "[key]"))
            elif path[:1] in {("registry",), ("registries",)} and key in _SECRETS:
                error = problem(
                    "a registry credential must not be in a file that is shared",
                    hint="run `cargo login`, which stores it in your home folder; "
                    "in CI, set the environment variable CARGO_REGISTRIES_NAME_TOKEN",
                    secret=True,
                )
                yield InitErrorDetails(type=error, loc=(*path, key), input=None)
            else:
                yield from _credentials(member, (*path, key))
    elif isinstance(value, tuple):
        for index, member in enumerate(value):
            yield from _credentials(member, (*path, index))
    elif isinstance(value, str) and (
        _PASSWORD.search(value) or (path == ("http", "proxy") and "@" in value)
    ):
        yield _in_an_address(path)


def _in_an_address(path: Path) -> InitErrorDetails:
    error = problem(
        "the address contains a user name or a password",
        hint="leave it out: use a credential helper of git or cargo, "
        "or the environment variable HTTPS_PROXY for a proxy",
        secret=True,
    )
    return InitErrorDetails(type=error, loc=path, input=None)
