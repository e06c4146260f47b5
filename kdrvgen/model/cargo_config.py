"""`[cargo-config]`: the user's own part of the cargo configuration, passed through."""

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
# With a password, or with a user name that may be a token. The user of `ssh://git@host` is neither.
_PASSWORD = re.compile(r"https?://[^/\s]*@|//[^/\s@:]*:[^/\s]*@", re.IGNORECASE)


def cargo_config(value: Mapping[Any, Any]) -> FrozenTable:
    """Return the table as one that cannot change.

    Raises:
        ValidationError: TOML has no such value, a text has a character that nobody sees, or a
            value is a credential.
    """
    found = free_form(value)
    errors = list(_credentials(found, ()))
    if errors:
        raise ValidationError.from_exception_data("cargo-config", errors, hide_input=True)
    return found


CargoConfig = Annotated[Mapping[str, Any], AfterValidator(cargo_config), Dumped]


def _credentials(value: object, path: Path) -> Iterator[InitErrorDetails]:
    """Yield an error for each credential: the file is generated, committed and shown."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if _PASSWORD.search(key):
                yield _in_an_address((*path, key, "[key]"))
            elif path[:1] in {("registry",), ("registries",)} and key in _SECRETS:
                error = problem(
                    "a credential of a registry does not belong in a file that is shared",
                    hint="`cargo login` keeps it in your home; "
                    "in CI, set CARGO_REGISTRIES_NAME_TOKEN in the environment",
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
        "the address holds a user name or a password",
        hint="leave it out: git and cargo have credential helpers, "
        "and the environment variable HTTPS_PROXY can hold that of a proxy",
        secret=True,
    )
    return InitErrorDetails(type=error, loc=path, input=None)
