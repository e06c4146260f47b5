"""Variables of a makefile, and of the env files that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.adopt.parse.variables import Mapped

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

    @property
    def known(self) -> str | Mapped | None:
        """The value as text, or how it depends on another text; None if it is a script's output."""
        table = self.value
        if self.text is not None or not isinstance(table, Mapping):
            return self.text
        if not isinstance(table.get("source"), str):
            return None
        mapping, default = table.get("mapping"), table.get("default_value")
        texts = mapping if isinstance(mapping, Mapping) else {}
        return Mapped(
            table["source"],
            {str(key): str(text) for key, text in texts.items()},
            default if isinstance(default, str) else None,
        )


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
