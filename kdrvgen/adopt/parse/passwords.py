"""Passwords in what is carried over: found by where they stand, and replaced by a variable."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from kdrvgen.config.source import Extent
from kdrvgen.credentials import holds_credential

__all__ = [
    "PASSWORD_VARIABLE",
    "is_variable",
    "password_places",
    "passwords_in",
    "without_passwords",
]

PASSWORD_VARIABLE = "PFX_PASSWORD"  # noqa: S105 - a variable's name
"""The variable that takes the place of a password in plain text."""

_VALUE = r"""("[^"\n]*"|'[^'\n]*'|[^\s"'&|;)]+)"""
# signtool's /p, certutil's -p, pvk2pfx's -pi and -po, PowerShell's -Password and -String.
_SWITCH = re.compile(rf"(?i)((?<!\S)[-/](?:p|pi|po|pass|password|pwd|string)[\s:=]+){_VALUE}")
_ASSIGNED = re.compile(rf"""(?i)((?:\bset\s+"?|\$|\bexport\s+)([\w:]+)\s*=\s*){_VALUE}""")
# An option that says itself what its value is, whoever takes it: `cargo publish --token VALUE`.
_OPTION = re.compile(rf"(?<!\S)--?([\w-]+)(?:=|\s+)(?!-){_VALUE}")
_SWITCHES = frozenset({"/p", "-p", "-pi", "-po", "/password", "-password", "--password"})
_VARIABLE = re.compile(r"%\w+%|\$(env:)?[({]?\w+[)}]?|!\w+!")
_SIGNERS = re.compile(r"signtool|certutil|pvk2pfx|pfx|securestring|openssl", re.IGNORECASE)
# cargo's -p names a package; what a program that cargo runs is told is another matter.
_CARGO = re.compile(
    rf"(?im)(?:^|[&|;(])[ \t]*@?(?:call[ \t]+)?cargo(?:\.exe)?[ \t]"
    rf"(?:(?!{_SIGNERS.pattern}|[ \t]--[ \t])[^\n&|;])*"
)
# A PIN before the name of a key, as tokens' providers take it.
_PIN = re.compile(r"\{\{([^{}\n]+)\}\}")
_SHORTEST = 4


def passwords_in(text: str) -> set[str]:
    """Return what stands in a script where passwords stand."""
    other = _CARGO.sub("", text)
    found = {value for _, value in _SWITCH.findall(other)} if _SIGNERS.search(other) else set()
    found |= set(_PIN.findall(text))
    found |= {value for name, value in _OPTION.findall(text) if holds_credential(name)}
    found |= {value for _, name, value in _ASSIGNED.findall(text) if holds_credential(name)}
    return {bare for each in found if (bare := each.strip("\"'")) and not _VARIABLE.match(bare)}


def password_places(text: str) -> tuple[Extent, ...]:
    """Return where in a file something stands that looks like a password."""
    found = [match.span(2) for match in _SWITCH.finditer(text)]
    found += [match.span(3) for match in _ASSIGNED.finditer(text) if holds_credential(match[2])]
    found += [match.span(1) for match in _PIN.finditer(text)]
    return tuple(Extent(*span) for span in found)


def is_variable(password: str) -> bool:
    """Tell whether what stands where a password stands names a variable."""
    return _VARIABLE.fullmatch(password) is not None


def without_passwords(value: Any, known: Collection[str]) -> Any:  # noqa: ANN401 - any TOML value
    """Return a value of TOML with `%PFX_PASSWORD%` for every password in it.

    Args:
        value: A task of cargo-make, or a part of one.
        known: Passwords found elsewhere in the project.
    """
    if isinstance(value, str):
        return _replaced(value, known)
    if isinstance(value, list):
        return _list(value, known)
    if isinstance(value, dict):
        found = {name: without_passwords(member, known) for name, member in value.items()}
        args = value.get("args")
        if re.search(r"(^|[\\/])cargo(\.exe)?$", str(value.get("command"))) and isinstance(
            args, list
        ):
            end = args.index("--") if "--" in args else len(args)
            cargos = _list(args[:end], known, switches=frozenset())
            found["args"] = [*cargos, *_list(args[end:], known)]
        return found
    return value


def _list(
    members: Iterable[Any], known: Collection[str], switches: Collection[str] = _SWITCHES
) -> list[Any]:
    found: list[Any] = []
    before = ""
    for member in members:
        if isinstance(member, str) and _is_password(before, member, switches):
            found.append(f"${{{PASSWORD_VARIABLE}}}")
        else:
            found.append(without_passwords(member, known))
        before = member if isinstance(member, str) else ""
    return found


def _is_password(option: str, value: str, switches: Collection[str]) -> bool:
    """Tell whether an option's value, which is the next argument, is a password."""
    names_one = option.startswith("-") and holds_credential(option.lstrip("-"))
    is_given = option.lower() in switches or (names_one and not value.startswith("-"))
    return is_given and not _VARIABLE.match(value)


def _replaced(text: str, known: Collection[str]) -> str:
    mark = f"%{PASSWORD_VARIABLE}%"
    for password in sorted({*known, *passwords_in(text)}, key=len, reverse=True):
        if not password:
            continue
        # A short one may be a word like any other: only where passwords stand.
        before = r"(?<![\w%])" if len(password) >= _SHORTEST else r"(?<=[-/]p )"
        text = re.sub(rf"{before}{re.escape(password)}(?![\w%])", lambda _: mark, text)
    text = _without_switches(text) if _SIGNERS.search(_CARGO.sub("", text)) else text
    return _ASSIGNED.sub(
        lambda found: _masked(found) if holds_credential(found[2]) else found[0], text
    )


def _without_switches(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for cargos in _CARGO.finditer(text):
        pieces += [_SWITCH.sub(_masked, text[done : cargos.start()]), cargos[0]]
        done = cargos.end()
    return "".join([*pieces, _SWITCH.sub(_masked, text[done:])])


def _masked(found: re.Match[str]) -> str:
    value = found[found.re.groups].strip("\"'")
    if not value or _VARIABLE.match(value):
        return found[0]
    return f"{found[1]}%{PASSWORD_VARIABLE}%"
