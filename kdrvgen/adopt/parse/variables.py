"""Variables in scripts and in cargo-make's own values: `%NAME%`, `${NAME}`, `${NAME:default}`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["expand_batch", "expand_cargo_make", "expand_shell", "mentioned", "surroundings"]

_PERCENT = re.compile(r"%([^%\s:=&|<>\"]+)%")
_BRACED = re.compile(r"\$\{([^}:\s]+)(?::([^}]*))?\}")
_SHELL = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ENV = re.compile(r"\$env:(\w+)", re.IGNORECASE)
_ARGUMENT = re.compile(r"(\"?)%~?([1-9])")
_MOST_ROUNDS = 8


def surroundings(package: str, profile: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a task sees, expanded, those that cargo-make sets among them.

    Source: cargo-make's README, "Global" environment variables.
    """
    found = {
        "CARGO_MAKE_CRATE_NAME": package,
        "CARGO_MAKE_CRATE_FS_NAME": package.replace("-", "_"),
        "CARGO_MAKE_CRATE_TARGET_DIRECTORY": "target",
        "CARGO_MAKE_WORKING_DIRECTORY": ".",
        "CARGO_MAKE_PROFILE": profile,
        **values,
    }
    for _ in range(_MOST_ROUNDS):
        expanded = {name: expand_cargo_make(text, found)[:4096] for name, text in found.items()}
        if expanded == found:
            break
        found = expanded
    return found


def expand_cargo_make(text: str, values: Mapping[str, str]) -> str:
    """Expand `${NAME}`; what is not known stays as it is written, as cargo-make has it."""
    return _BRACED.sub(
        lambda found: values.get(found[1], found[2] if found[2] is not None else found[0]), text
    )


def expand_batch(
    text: str, values: Mapping[str, str], arguments: Sequence[str] | None = None
) -> str:
    """Expand `%NAME%` and `%1` as cmd does; what is not known stays as it is written."""
    upper = {name.upper(): value for name, value in values.items()}
    text = re.sub(r"%~dp0\\?", "", text, flags=re.IGNORECASE)
    if arguments is not None:
        given = dict(enumerate(arguments, 1))
        text = _ARGUMENT.sub(lambda found: _quoted(given.get(int(found[2]), ""), found[1]), text)
    # A value may hold another `%NAME%`, which cmd leaves alone in scripts but `call` expands.
    for _ in range(2):
        text = _PERCENT.sub(lambda found: upper.get(found[1].upper(), found[0]), text)
    return text


def _quoted(word: str, before: str) -> str:
    """Return a script's argument with the quotes that it was called with, unless it has others."""
    return f'{before}"{word}"' if " " in word and not before else f"{before}{word}"


def expand_shell(text: str, values: Mapping[str, str]) -> str:
    """Expand `$NAME` and `${NAME}`, and PowerShell's `$env:NAME`."""
    text = _ENV.sub(lambda found: values.get(found[1], found[0]), text)
    return _SHELL.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def mentioned(text: str) -> set[str]:
    """Return the names of all variables that a text may mean, in whatever language."""
    found = set(_PERCENT.findall(text)) | {name for name, _ in _BRACED.findall(text)}
    found |= {one or other for one, other in _SHELL.findall(text)}
    return found | set(_ENV.findall(text)) | set(re.findall(r"!(\w+)!", text))
