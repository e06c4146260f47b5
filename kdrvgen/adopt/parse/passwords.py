"""Passwords in scripts and tasks: where they are, and their replacement by a variable."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.credentials import holds_credential

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

_VALUE = r"""("[^"\n]*"|'[^'\n]*'|[^\s"'&|;)]+)"""
# signtool's /p, certutil's -p, pvk2pfx's -pi and -po, PowerShell's -Password and -String.
_SWITCH = re.compile(rf"(?i)((?<!\S)[-/](?:p|pi|po|pass|password|pwd|string)[\s:=]+){_VALUE}")
# Switches of one tool whose value is a secret, wherever they are: AzureSignTool's secrets, keytool
# and jsign, openssl's `pass:`, sshpass and PuTTY, curl's user with password, and `net use /user`.
_SECRET_SWITCH = re.compile(
    rf"""(?ix)(
        (?<!\S)(?:-kvs|--azure-key-vault-client-secret|-kva|-pw|--?(?:store|key|src|dest)pass
            |--?(?:pass|passwd|password|passphrase|pin|client-secret))[\s:=]+
        | (?<!\S)-pass(?:in|out|word)?[\s:=]+pass: | (?<![\w-])pass:
        | \bconvertto-securestring\s+(?:-asplaintext\s+|-force\s+|-string\s+)*
        | \bsshpass\s+-p[ \t]*
        | \bnet[ \t]+use[ \t]+(?:\S+[ \t]+)?\\\\\S+[ \t]+(?!/)
        )(?!pass:|-){_VALUE}"""
)
_ASSIGNED = re.compile(rf"""(?i)((?:\bset\s+"?|\$|\bexport\s+)([\w:]+)\s*=\s*){_VALUE}""")
# An option whose own name says that its value is secret: `cargo publish --token VALUE`.
_OPTION = re.compile(rf"(?<!\S)--?([\w-]+)(?:=|\s+)(?!-){_VALUE}")
_SWITCHES = frozenset(
    {"/p", "-p", "-pi", "-po", "/password", "-password", "--password", "-kvs", "-pw", "-storepass"}
    | {"--storepass", "--keypass", "-keypass", "-pass", "--pass"}
)
_REFERENCE = re.compile(r"%\w+%|\$(env:)?[({]?\w+[)}]?|!\w+!")
_NAMED = re.compile(r"%(\w+)%|\$(?:env:)?\{?(\w+)\}?")
_SIGNERS = re.compile(r"signtool|certutil|pvk2pfx|pfx|securestring|openssl", re.IGNORECASE)
# Cargo's -p names a package. This is not true for the arguments of a program that cargo runs.
_CARGO = re.compile(
    rf"(?im)(?:^|[&|;(])[ \t]*@?(?:call[ \t]+)?cargo(?:\.exe)?[ \t]"
    rf"(?:(?!{_SIGNERS.pattern}|[ \t]--[ \t])[^\n&|;])*"
)
# A PIN before the name of a key, as the providers of tokens accept it.
_PIN = re.compile(r"\{\{([^{}\n]+)\}\}")
_MIN_LENGTH = 4
_MAX_SEARCHES = 100
_WORD = re.compile(r"(?<![\w%])\w+(?![\w%])")


def passwords_in(text: str) -> set[str]:
    """Return the passwords in plain text of a script."""
    other = _CARGO.sub("", text)
    values = {value for _, value in _SWITCH.findall(other)} if _SIGNERS.search(other) else set()
    values |= {value for _, value in _SECRET_SWITCH.findall(text)}
    values |= set(_PIN.findall(text))
    values |= {value for name, value in _OPTION.findall(text) if holds_credential(name)}
    values |= {value for _, name, value in _ASSIGNED.findall(text) if holds_credential(name)}
    bare = {value.strip("\"'") for value in values}
    return {value for value in bare if value and not _REFERENCE.match(value)}


def password_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return start and end of each part of a file that looks like a password."""
    spans = [match.span(2) for match in _SWITCH.finditer(text)]
    spans += [match.span(2) for match in _SECRET_SWITCH.finditer(text)]
    spans += [match.span(3) for match in _ASSIGNED.finditer(text) if holds_credential(match[2])]
    spans += [match.span(1) for match in _PIN.finditer(text)]
    return tuple(spans)


def is_variable(password: str) -> bool:
    """Return whether the value of a password option is a variable."""
    return _REFERENCE.fullmatch(password) is not None


def variable_in(text: str) -> str:
    """Return the name of the variable that is the whole text; "" if it is something else."""
    match = _NAMED.fullmatch(text)
    return (match[1] or match[2]) if match else ""


def password_variable(password: str) -> str:
    """Return the name of the variable that holds or replaces a password."""
    return variable_in(password) or PFX_VARIABLE


def replace_passwords(value: TomlValue, known: Collection[str]) -> TomlValue:
    """Return a value of TOML with `%PFX_PASSWORD%` in place of each password.

    Args:
        value: A task of cargo-make, or a part of one.
        known: Passwords that the project has elsewhere.
    """
    if isinstance(value, str):
        return _in_text(value, known)
    if isinstance(value, list):
        return _in_list(value, known)
    if isinstance(value, dict):
        table = {name: replace_passwords(member, known) for name, member in value.items()}
        args = value.get("args")
        is_cargo = re.search(r"(^|[\\/])cargo(\.exe)?$", str(value.get("command")))
        if is_cargo and isinstance(args, list):
            end = args.index("--") if "--" in args else len(args)
            before = _in_list(args[:end], known, switches=frozenset())
            table["args"] = [*before, *_in_list(args[end:], known)]
        return table
    return value


def _in_list(
    members: Iterable[TomlValue], known: Collection[str], switches: Collection[str] = _SWITCHES
) -> list[TomlValue]:
    replaced: list[TomlValue] = []
    option = ""
    for member in members:
        if isinstance(member, str) and _is_password(option, member, switches):
            replaced.append(f"${{{PFX_VARIABLE}}}")
        else:
            replaced.append(replace_passwords(member, known))
        option = member if isinstance(member, str) else ""
    return replaced


def _is_password(option: str, value: str, switches: Collection[str]) -> bool:
    """Return whether the argument after an option is a password."""
    is_secret = option.startswith("-") and holds_credential(option.lstrip("-"))
    is_value = option.lower() in switches or (is_secret and not value.startswith("-"))
    return is_value and not _REFERENCE.match(value)


def _in_text(text: str, known: Collection[str]) -> str:
    variable = f"%{PFX_VARIABLE}%"
    found = {*known, *passwords_in(text)}
    # A short password may be an ordinary word, so it counts only after the password option.
    long = {password for password in found if len(password) >= _MIN_LENGTH}
    if words := {password for password in long if re.fullmatch(r"\w+", password)}:
        text = _WORD.sub(lambda match: variable if match[0] in words else match[0], text)
    for password in sorted(long - words, key=len, reverse=True)[:_MAX_SEARCHES]:
        if password in text:
            pattern = rf"(?<![\w%]){re.escape(password)}(?![\w%])"
            text = re.sub(pattern, lambda _: variable, text)
    text = _SECRET_SWITCH.sub(_masked, text)
    for password in sorted(found - long, key=len, reverse=True)[:_MAX_SEARCHES]:
        if password:
            text = re.sub(rf"(?<=[-/]p ){re.escape(password)}(?!\S)", lambda _: variable, text)
    text = _in_switches(text) if _SIGNERS.search(_CARGO.sub("", text)) else text
    return _ASSIGNED.sub(
        lambda match: _masked(match) if holds_credential(match[2]) else match[0], text
    )


def _in_switches(text: str) -> str:
    """Return a script without passwords after switches, except in commands of cargo."""
    pieces: list[str] = []
    position = 0
    for command in _CARGO.finditer(text):
        pieces += [_SWITCH.sub(_masked, text[position : command.start()]), command[0]]
        position = command.end()
    return "".join([*pieces, _SWITCH.sub(_masked, text[position:])])


def _masked(match: re.Match[str]) -> str:
    value = match[match.re.groups].strip("\"'")
    if not value or _REFERENCE.match(value):
        return match[0]
    return f"{match[1]}%{PFX_VARIABLE}%"
