"""Passwords in scripts and tasks: where they are, and their replacement by a variable."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence

from kdrvgen.adopt.parse.secret_spans import is_reference, merged, secret_spans
from kdrvgen.adopt.parse.toml_values import TomlValue

__all__ = [
    "PFX_VARIABLE",
    "is_variable",
    "password_spans",
    "password_variable",
    "passwords_in",
    "replace_passwords",
    "variable_in",
]

PFX_VARIABLE = "PFX_PASSWORD"
"""The variable that replaces a password in plain text."""

_NAMED = re.compile(r"%(\w+)%|\$(?:env:)?\{?(\w+)\}?")
_ESCAPE = re.compile(r'\\(.)|"')
_ESCAPED = {'"': " ", "\\n": " \n", "\\t": " \t"}
_MIN_LENGTH = 4
_MAX_SEARCHES = 100
_WORD = re.compile(r"(?<![\w%])\w+(?![\w%])")


def passwords_in(value: TomlValue) -> set[str]:
    """Return the passwords in plain text of a script, or of a task of cargo-make."""
    found: set[str] = set()
    if isinstance(value, str):
        found |= {value[start:end] for start, end in secret_spans(value)}
    elif isinstance(value, list):
        found |= {password for member in value for password in passwords_in(member)}
        if _is_command(value):
            found |= passwords_in(_command_line(value)[0])
    elif isinstance(value, dict):
        found |= {password for member in value.values() for password in passwords_in(member)}
        if isinstance(args := value.get("args"), list):
            found |= passwords_in(_command_line([value.get("command"), *args])[0])
    return found


def password_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each part of a TOML file that looks like a password."""
    unescaped = _ESCAPE.sub(lambda match: _ESCAPED.get(match[0], f" {match[1]}"), text)
    return merged([*secret_spans(text), *secret_spans(unescaped)])


def is_variable(password: str) -> bool:
    """Return whether the value of a password option is a variable."""
    return is_reference(password)


def variable_in(text: str) -> str:
    """Return the name of the variable that is the whole text; "" if it is something else."""
    match = _NAMED.fullmatch(text)
    return (match[1] or match[2]) if match else ""


def password_variable(password: str) -> str:
    """Return the name of the variable that holds or replaces a password."""
    return variable_in(password) or PFX_VARIABLE


def replace_passwords(value: TomlValue, known: Collection[str]) -> TomlValue:
    """Return a value of TOML with `%PFX_PASSWORD%` in place of each password.

    In an argument of a command, which cargo-make expands, it is `${PFX_PASSWORD}`.

    Args:
        value: A task of cargo-make, or a part of one.
        known: Passwords that the project has elsewhere.
    """
    if isinstance(value, str):
        return _replaced(value, secret_spans(value), known, f"%{PFX_VARIABLE}%")
    if isinstance(value, list):
        if _is_command(value):
            return _in_command(value, known)
        return [replace_passwords(member, known) for member in value]
    if isinstance(value, dict):
        table = {name: replace_passwords(member, known) for name, member in value.items()}
        args = value.get("args")
        if isinstance(args, list):
            table["args"] = _in_command([value.get("command"), *args], known)[1:]
        return table
    return value


def _is_command(words: Sequence[TomlValue]) -> bool:
    """Return whether an array looks like the words of one command, and not like a script."""
    return all(isinstance(word, str) and not re.search(r"\s", word) for word in words)


def _in_command(words: Sequence[TomlValue], known: Collection[str]) -> list[TomlValue]:
    """Return the words of a command without its passwords, which the whole command shows."""
    line, places = _command_line(words)
    secrets = secret_spans(line)
    replaced: list[TomlValue] = []
    for word, (start, end) in zip(words, places, strict=True):
        if not isinstance(word, str):
            replaced.append(replace_passwords(word, known))
            continue
        first = bisect_right(secrets, start, key=lambda span: span[1])
        last = bisect_left(secrets, end, key=lambda span: span[0])
        own = [(max(a, start) - start, min(b, end) - start) for a, b in secrets[first:last]]
        spans = merged([*secret_spans(word), *own])
        replaced.append(_replaced(word, spans, known, f"${{{PFX_VARIABLE}}}"))
    return replaced


def _command_line(words: Sequence[TomlValue]) -> tuple[str, list[tuple[int, int]]]:
    """Return a command as a line of a script, and start and end of each word in it."""
    pieces: list[str] = []
    length = 0
    places: list[tuple[int, int]] = []
    for word in words:
        text = word.replace('"', "'") if isinstance(word, str) else ""
        quote = '"' if re.search(r"[^\w./\\:=+%${}@-]", text) else ""
        pieces.append(f"{quote}{text}{quote} ")
        start = length + len(quote)
        places.append((start, start + len(text)))
        length += len(pieces[-1])
    return "".join(pieces), places


def _replaced(
    text: str, spans: Sequence[tuple[int, int]], known: Collection[str], variable: str
) -> str:
    """Return a text with a variable in place of its passwords, also where they occur again."""
    # A short password may be an ordinary word elsewhere.
    found = {*known, *(text[start:end] for start, end in spans)}
    long = {password for password in found if len(password) >= _MIN_LENGTH}
    words = {password for password in long if re.fullmatch(r"\w+", password)}
    others = sorted(long - words, key=len, reverse=True)[:_MAX_SEARCHES]
    pieces: list[str] = []
    for piece, is_password in _pieces(text, spans):
        new = variable if is_password else piece
        if words and not is_password:
            new = _WORD.sub(lambda match: variable if match[0] in words else match[0], new)
        for password in others if not is_password else ():
            if password in new:
                pattern = rf"(?<![\w%]){re.escape(password)}(?![\w%])"
                new = re.sub(pattern, lambda _: variable, new)
        pieces.append(new)
    return "".join(pieces)


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text, each with whether it is one of the spans."""
    position = 0
    for start, end in spans:
        yield text[position:start], False
        yield text[start:end], True
        position = end
    yield text[position:], False
