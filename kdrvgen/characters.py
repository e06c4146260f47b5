"""Escape the characters that a reader cannot see or that a terminal obeys.

The fast path imports this module: it imports others only for a text that needs them.
"""

from __future__ import annotations

import json
import re
import unicodedata

__all__ = ["as_json", "defused", "is_invisible", "visible"]

# The code points of Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) that Python
# regards as printable: fillers, variation selectors, the grapheme joiner. And the blank braille
# pattern.
_BLANK = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)


def is_invisible(character: str) -> bool:
    """Return whether a character is invisible, or changes how others are shown.

    Controls, format characters (also bidirectional, zero-width and tag characters), line and
    paragraph separators, surrogates, and the other characters that Unicode lets programs ignore.
    """
    if " " <= character <= "~":
        return False

    category = unicodedata.category(character)
    return category in {"Cc", "Cf", "Cs", "Zl", "Zp"} or ord(character) in _BLANK


def visible(text: str, keep: str = "") -> str:
    """Return a text with an escape for every invisible character.

    Args:
        text: Any text.
        keep: Controls that stay unchanged, such as line ends.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in keep or (character.isprintable() and ord(character) not in _BLANK)
        else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return ascii(character)[1:-1]


def defused(text: str) -> str:
    """Return lines of output in which a CI runner finds no command.

    GitHub's runner obeys a line that begins with `::` after spaces, and `##[` anywhere in a line
    (actions/runner, ActionCommand.cs); Azure's obeys `##vso[`. Text from a file must not do this.
    """
    if "::" not in text and "##" not in text:
        return text

    text = re.sub(r"(?m)^((?:\x1b\[[0-9;]*m|[ \t])*):(?=(?:\x1b\[[0-9;]*m)*:)", r"\1\\x3a", text)
    return re.sub(r"##(?=(?:\x1b\[[0-9;]*m)*(?:vso)?\[)", r"#\\x23", text)


def as_json(document: object) -> str:
    """Return a JSON document in ASCII, in which a CI runner finds no command."""
    # In JSON, a number sign occurs only in strings.
    return json.dumps(document, indent=2).replace("##", "#\\u0023") + "\n"
