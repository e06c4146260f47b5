"""Evaluates the conditions `cfg(…)` of a cargo configuration for a Windows target.

Source: https://doc.rust-lang.org/reference/conditional-compilation.html
"""

from __future__ import annotations

import re

__all__ = ["holds_for"]

_POINTER_WIDTHS = {"x86_64": "64", "aarch64": "64", "i686": "32"}
_TOKEN = re.compile(r'\s*([A-Za-z_]\w*|"[^"]*"|[(),=])')


def holds_for(condition: str, triple: str) -> bool:
    """Return whether `cfg(…)` is true for a target; false for every other text."""
    tokens = _TOKEN.findall(condition)
    if "".join(condition.split()) != "".join(tokens) or tokens[:2] != ["cfg", "("]:
        return False
    try:
        return _Reader(tokens[2:], _facts(triple)).value()
    except IndexError:  # it ends too early
        return False


def _facts(triple: str) -> frozenset[str]:
    architecture, vendor, system, environment = triple.split("-")
    values = {
        "target_arch": {"i686": "x86"}.get(architecture, architecture),
        "target_endian": "little",
        "target_env": environment,
        "target_family": "windows",
        "target_os": system,
        "target_pointer_width": _POINTER_WIDTHS[architecture],
        "target_vendor": vendor,
    }
    return frozenset({"windows", *(f'{name}="{value}"' for name, value in values.items())})


class _Reader:
    """Reads the tokens of a condition from left to right."""

    def __init__(self, tokens: list[str], facts: frozenset[str]) -> None:
        self._tokens = tokens
        self._facts = facts

    def value(self) -> bool:
        name = self._tokens.pop(0)
        if name in {"all", "any", "not"} and self._tokens[0] == "(":
            values = self._list()
            return not all(values) if name == "not" else {"all": all, "any": any}[name](values)
        if self._tokens[0] == "=":
            name += "".join(self._tokens[:2])
            del self._tokens[:2]
        return name in self._facts or name == "true"

    def _list(self) -> list[bool]:
        """Read `(a, b)`."""
        values = []
        del self._tokens[0]
        while self._tokens[0] != ")":
            values.append(self.value())
            if self._tokens[0] == ",":
                del self._tokens[0]
        del self._tokens[0]
        return values
