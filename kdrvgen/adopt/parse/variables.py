"""Variables in scripts and in cargo-make's values: `%NAME%`, `${NAME}`, `$NAME` and `$env:NAME`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Mapped",
    "expand_argument",
    "expand_batch",
    "expand_cargo_make",
    "expand_shell",
    "replace_variables",
    "task_environment",
    "variable_names",
]

# With `:`, cmd takes or replaces a part of the value.
_PERCENT = re.compile(r"%([^%\s:=&|<>\"]+)(:[^%\n]+)?%")
_BRACED = re.compile(r"\$\{([^}:\s]+)(?::([^}]*))?\}")
_FUNCTION = re.compile(r"@@(remove-empty|split)\(\s*(\w+)\s*(?:,(.))?[^)]*\)")
_SHELL = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_POWERSHELL = re.compile(r"\$env:(\w+)", re.IGNORECASE)
_DELAYED = re.compile(r"!(\w+)!")
_ARGUMENT = re.compile(r"(\"?)%~?([1-9])")
_MAX_ROUNDS = 8
_MAX_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class Mapped:
    """A variable whose value depends on another text: cargo-make's `source` and `mapping`.

    Attributes:
        source: The text.
        mapping: The values by what the text is.
        default: The value for other texts; None if it is the text itself.
    """

    source: str
    mapping: Mapping[str, str]
    default: str | None = None

    def value(self, variables: Mapping[str, str]) -> str | None:
        """Return the value, not expanded; None while variables in the source are unknown."""
        source = expand_cargo_make(self.source, variables)
        if "${" in source:
            return None
        return self.mapping.get(source, source if self.default is None else self.default)


def task_environment(
    package: str, profile: str, values: Mapping[str, str | Mapped]
) -> dict[str, str]:
    """Return the variables that a task sees, expanded, with those that cargo-make sets.

    The host is Windows on x64. Source: cargo-make's README, "Global" environment variables.
    """
    mapped = {name: each for name, each in values.items() if isinstance(each, Mapped)}
    variables = {
        "CARGO_MAKE_CRATE_NAME": package,
        "CARGO_MAKE_CRATE_FS_NAME": package.replace("-", "_"),
        "CARGO_MAKE_CRATE_TARGET_DIRECTORY": "target",
        "CARGO_MAKE_CRATE_TARGET_TRIPLE": "x86_64-pc-windows-msvc",
        "CARGO_MAKE_WORKING_DIRECTORY": ".",
        "CARGO_MAKE_PROFILE": profile,
        "CARGO_MAKE_CARGO_PROFILE": {"development": "dev", "production": "release"}.get(
            profile, profile
        ),
        "CARGO_MAKE_RUST_TARGET_TRIPLE": "x86_64-pc-windows-msvc",
        **{name: each for name, each in values.items() if isinstance(each, str)},
    }
    for _ in range(_MAX_ROUNDS):
        known = {name: each.value(variables) for name, each in mapped.items()}
        texts = {**variables, **{name: text for name, text in known.items() if text is not None}}
        expanded = {
            name: expand_cargo_make(text, variables)[:_MAX_LENGTH] if "${" in text else text
            for name, text in texts.items()
        }
        if expanded == variables:
            break
        variables = expanded
    return variables


def expand_cargo_make(text: str, values: Mapping[str, str]) -> str:
    """Expand `${NAME}` and `${NAME:default}`. Unknown variables stay, as in cargo-make."""

    def value(match: re.Match[str]) -> str:
        default = match[0] if match[2] is None else match[2]
        return values.get(match[1], default)

    return _BRACED.sub(value, text)


def expand_argument(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the arguments that cargo-make makes of one, with its `@@remove-empty` and `@@split`.

    Source: cargo-make's README, "Functions".
    """
    match = _FUNCTION.fullmatch(text.strip())
    if match is None or match[2] not in values:
        return [expand_cargo_make(text, values)]
    value = values[match[2]]
    words = value.split(match[3] or " ") if match[1] == "split" else [value]
    return [word for word in words if word]


def expand_batch(
    text: str, values: Mapping[str, str], arguments: Sequence[str] | None = None
) -> str:
    """Expand `%NAME%` and `%1` as cmd does. Unknown variables stay."""
    if "%" not in text:
        return text
    upper = {name.upper(): value for name, value in values.items()}
    text = re.sub(r"%~dp0\\?", "", text, flags=re.IGNORECASE)
    if arguments is not None:
        numbered = dict(enumerate(arguments, 1))
        text = _ARGUMENT.sub(lambda match: _quoted(numbered.get(int(match[2]), ""), match[1]), text)
    # A value may contain another `%NAME%`. In a script, cmd expands it only for `call`.
    for _ in range(2):
        text = _PERCENT.sub(
            lambda match: match[0] if match[2] else upper.get(match[1].upper(), match[0]), text
        )
    return text


def _quoted(argument: str, quote: str) -> str:
    """Return a script's argument in quotes if it has a space and the script writes no quote."""
    return f'{quote}"{argument}"' if " " in argument and not quote else f"{quote}{argument}"


def expand_shell(text: str, values: Mapping[str, str]) -> str:
    """Expand `$NAME` and `${NAME}`, and PowerShell's `$env:NAME`. Unknown variables stay."""
    text = _POWERSHELL.sub(lambda match: values.get(match[1], match[0]), text)
    return _SHELL.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def variable_names(text: str) -> set[str]:
    """Return the names of all variables in a text of any of these languages."""
    names = {*_POWERSHELL.findall(text), *_DELAYED.findall(text)}
    names |= {name for name, _ in _PERCENT.findall(text)}
    names |= {name for name, _ in _BRACED.findall(text)}
    return names | {braced or bare for braced, bare in _SHELL.findall(text)}


# A reference in any of the languages: the text before the name, the name, and the text after it.
_ANY = re.compile(
    r"(?P<percent>%)(?P<in_percent>[A-Za-z_][\w.-]*)(?=[%:])"
    r"|(?P<braced>\$\{)(?P<in_braces>[A-Za-z_][\w.-]*)(?=[:}])"
    r"|(?P<bare>\$(?:env:)?)(?P<name>[A-Za-z_]\w*)"
    r"|(?P<delayed>!)(?P<in_delayed>\w+)(?=!)"
)


def replace_variables(text: str, names: Mapping[str, str]) -> str:
    """Return a text with other names of variables, in the syntax of each reference.

    Args:
        text: A script, or a value of cargo-make.
        names: New names by old ones.
    """

    def renamed(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        name = match[kind]
        return match[0][: len(match[0]) - len(name)] + names.get(name, name)

    return _ANY.sub(renamed, text)
