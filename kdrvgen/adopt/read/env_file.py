"""Variables of a makefile, and of the env files that it names."""

from __future__ import annotations

from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.toml_values import TomlValue

__all__ = ["Variable", "read_env_file"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of `[env]`.

    Attributes:
        name: Its name.
        value: Its value in TOML.
        text: The value as text; None if it is not plain.
        origin: Where it is.
    """

    name: str
    value: TomlValue
    text: str | None
    origin: Origin


def read_env_file(path: str, text: str) -> dict[str, Variable]:
    """Return the variables of an env file. Source: envmnt 0.10, file.rs."""
    variables: dict[str, Variable] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, is_set, value = (part.strip() for part in line.partition("="))
        if not is_set or not name or name.startswith("#"):
            continue
        value = value.replace('\\"', '"').replace("\\n", "\n").replace("\\r", "\r")
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        variables[name] = Variable(name, value, value, Origin(path, number))
    return variables
