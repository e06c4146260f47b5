"""Error numbers of Windows, and the names and forms that people have for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import tomli

__all__ = ["WindowsError", "find_error", "windows_errors"]

_OF_WIN32 = 0x8007 << 16
_NUMBER = re.compile(r"-?(0x[0-9a-f]{1,8}|[0-9]{1,10})(u|l|ul)?", re.IGNORECASE | re.ASCII)


class WindowsError(NamedTuple):
    """An error of Windows, and what it means about a driver.

    Attributes:
        number: As programs print it: decimal, or hexadecimal for the errors of signatures.
        name: Its name in winerror.h.
        kernel: The same error of the kernel: number and name.
        cause: A sentence.
        remedy: What to do; Markdown with links relative to docs/.
    """

    number: str
    name: str
    kernel: tuple[str, ...]
    cause: str
    remedy: str

    @property
    def names(self) -> tuple[str, ...]:
        """All names and numbers of the error."""
        return (self.number, self.name, *(part for each in self.kernel for part in each.split()))


@cache
def windows_errors() -> Mapping[str, WindowsError]:
    """Return the errors by their number, in ascending order."""
    text = files("kdrvgen.lexicon").joinpath("windows-errors.toml").read_text(encoding="utf-8")
    rows = tomli.loads(text)
    errors = {}
    for number, row in rows.items():
        texts = rows[row.get("like", number)]
        kernel = tuple(row.get("kernel", ()))
        errors[number] = WindowsError(number, row["name"], kernel, texts["cause"], texts["remedy"])
    return MappingProxyType(errors)


def find_error(word: str) -> WindowsError | None:
    """Return the error with a name or number.

    Args:
        word: Such as `577`, `0x241`, `0xC0000428`, `-1073740760`, `0x80070241` (an HRESULT),
            `ERROR_INVALID_IMAGE_HASH`, or one of them after `error` or `code`.
    """
    word = re.sub(r"^(error|code|status|hresult)[ :=]+", "", word.strip(), flags=re.IGNORECASE)
    number = _value(word)
    for error in windows_errors().values():
        names = {name.upper() for name in error.names}
        if word.upper() in names or (number is not None and number in map(_value, names)):
            return error
    return None


def _value(word: str) -> int | None:
    """Return a number without its sign, and without the facility of an HRESULT for Win32 errors."""
    if not (found := _NUMBER.fullmatch(word)):
        return None
    digits = found[0].rstrip("uUlL")
    value = int(digits, 16 if "x" in digits.lower() else 10) & 0xFFFF_FFFF
    return value & 0xFFFF if value & 0xFFFF_0000 == _OF_WIN32 else value
