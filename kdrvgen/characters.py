"""Characters that a reader does not see or that a terminal obeys, and how output writes them.

Part of a run with nothing to change: everything else is imported only for a text that needs it.
"""

from __future__ import annotations

import json
import re
import unicodedata

__all__ = ["as_json", "defused", "is_invisible", "visible"]

# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) as far as Python takes them for
# printable: fillers, variation selectors, the grapheme joiner. And a braille pattern without dots.
_BLANK = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)


def is_invisible(character: str) -> bool:
    """Tell whether a character has no shape of its own, or changes how others are shown.

    Controls, format characters (also bidirectional, zero-width and tag characters), line and
    paragraph separators, surrogates, and whatever else Unicode has programs ignore.
    """
    if " " <= character <= "~":
        return False

    category = unicodedata.category(character)
    return category in {"Cc", "Cf", "Cs", "Zl", "Zp"} or ord(character) in _BLANK


def visible(text: str, keep: str = "") -> str:
    """Return a text with an escape for every character that a reader would not see as it is.

    Args:
        text: Any text.
        keep: Controls that stay as they are, such as line ends.
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
    """Return lines of output that no runner takes for commands to itself.

    GitHub's runner obeys a line that begins with `::` after blanks, and `##[` anywhere in a line
    (actions/runner, ActionCommand.cs); Azure's obeys `##vso[`. Text from a file must not look so.
    """
    if "::" not in text and "##" not in text:
        return text

    text = re.sub(r"(?m)^((?:\x1b\[[0-9;]*m|[ \t])*):(?=(?:\x1b\[[0-9;]*m)*:)", r"\1\\x3a", text)
    return re.sub(r"##(?=(?:\x1b\[[0-9;]*m)*(?:vso)?\[)", r"#\\x23", text)


def as_json(document: object) -> str:
    """Return a JSON document in ASCII, in which no runner finds a command either."""
    # In JSON a number sign stands in strings only.
    return json.dumps(document, indent=2).replace("##", "#\\u0023") + "\n"
