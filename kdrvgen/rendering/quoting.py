"""Quote a value for each language of the generated files, so that it stays a value."""

from __future__ import annotations

import re
from collections.abc import Mapping

import tomli_w

__all__ = ["cargo_make", "gitignore", "key", "literal", "markdown", "rust", "toml"]


def toml(value: object) -> str:
    """Return a TOML value on one line: a string, number, date, array or inline table.

    Raises:
        TypeError: It is not a TOML value.
    """
    if isinstance(value, Mapping):
        members = (f"{key(name)} = {toml(member)}" for name, member in value.items())
        return f"{{ {', '.join(members)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(member) for member in value)}]"
    # TOML allows a tab, but it is invisible.
    return tomli_w.dumps({"x": value})[len("x = ") : -1].replace("\t", "\\t")


def key(name: str) -> str:
    """Return a TOML key: bare where TOML allows it, else quoted."""
    return tomli_w.dumps({name: 0})[: -len(" = 0\n")]


def cargo_make(value: str) -> str:
    """Return a TOML string that cargo-make reads as exactly `value`."""
    return toml(literal(value))


def literal(value: str) -> str:
    """Return text that cargo-make expands to exactly `value`, to use between `${NAME}`s.

    cargo-make expands `${NAME}` and `${NAME:default}` in environment values and arguments, and has
    no escape. The default of a variable without a name serves as one (envmnt's
    `expand_by_wrapper`). cargo-make would expand a value with a condition twice (its
    `set_env_for_conditional_value`).
    """
    return value.replace("$", "${:$}")


def gitignore(path: str) -> str:
    """Return a line of .gitignore for the one file at `path` (gitignore(5), "Pattern format")."""
    path = path.removeprefix("./")
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", path)


def markdown(value: str) -> str:
    """Return one line of plain text in Markdown (CommonMark, "Backslash escapes")."""
    escaped = re.sub(r"([\\`*_\[\]<>&#|~!])", r"\\\1", value)
    # A backslash before a digit would be shown, so that of a list goes before the `.` or `)`.
    return re.sub(r"^(\s*)([-+=:])|^(\s*\d+)(?=[.)])", r"\1\3\\\2", escaped)


_RUST_ESCAPES = {
    character: f"\\u{{{character:x}}}" for character in (*range(0x20), *range(0x7F, 0xA0))
} | {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def rust(value: str) -> str:
    r"""Return a Rust string literal (Rust reference, "Tokens").

    Escapes only what must be escaped, so that a path stays readable: `"C:\\kits"`.
    """
    return f'"{value.translate(_RUST_ESCAPES)}"'
