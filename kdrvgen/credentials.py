"""Recognize the names of credentials and credentials in a text, and mask them.

The names are English, plus the two German words for a password.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["MASK", "holds_credential", "is_credential", "mask", "mask_words", "spans"]

MASK = "********"
"""Replaces a credential in all output. The length is fixed, so that it reveals nothing."""

# Almost no name matches this first pattern, which keeps a file with 80,000 keys fast.
_CANDIDATE = re.compile(
    r"pass|pw|psw|pin|secret|token|cred|key|auth|bearer|jwt|kennw|string", re.IGNORECASE
)
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_LETTERS = re.compile(r"[\W\d_]+")

_IN_WORDS = re.compile(
    r"passw|passphrase|passcode|passkey|kennwort|pwd|secret|credential|token|bearer|authorization"
    r"|(?:(?<!by)(?<!com)(?<!sur)(?<!tres)(?<!over)(?<!under)pass|pin(?:code)?s?|auth|creds?|pw|psw"
    r"|jwt)(?:env|file|name|text|value|var)?$"
)
_OVER_WORDS = re.compile(
    r"(?:access|account|api|encryption|master|private|secret|shared|signing)keys?"
    r"|connectionstring|passphrase|passcode"
)


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Return whether a name looks like that of a key or variable for a credential.

    Case, separators and spelling do not matter: `pfx-pwd`, `PFX_PASSWORD`, `apiKey`.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
    if not _CANDIDATE.search(_NO_LETTERS.sub("", name)):
        return False
    words = set(_NO_LETTERS.split(name.lower()))
    words |= set(_NO_LETTERS.split(_CAMEL_CASE.sub("-", name).lower()))
    return (
        any(_IN_WORDS.search(word) for word in words)
        or _OVER_WORDS.search(_NO_LETTERS.sub("", name.lower())) is not None
    )


def holds_credential(name: str) -> bool:
    """Return whether a name looks like that of a credential, and not of a reference to one.

    `PFX_PASSWORD_ENV`, for example, holds only the name of a variable.
    """
    return is_credential(name) and not name.lower().endswith(("-env", "_env"))


# A PIN in the name of a key container: `[READER{{PIN}}]=CONTAINER`.
_PIN = re.compile(r"(?<=\{\{)(?:[^}\n]|\}(?!\}))+")
_ASSIGNMENT = re.compile(r"([\w.-]+)=[^\s`]*")
_UNBROKEN = re.compile(r"[^\s\"'`]+")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the credentials of a text whatever their key: a PIN in `{{…}}`, `//user:password@`.

    Takes time in proportion to the length of the text.
    """
    for found in _PIN.finditer(text):
        yield found.span()
    if "@" not in text:
        return
    for found in _UNBROKEN.finditer(text):
        word = found[0]
        end = word.rfind("@")
        slashes = word.find("//", 0, max(end, 0))
        start = slashes + len("//")
        if slashes >= 0 and start < end:
            yield found.start() + start, found.start() + end


def mask(text: str) -> str:
    """Return a text with every result of `spans` masked."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans(text)):
        if start >= done:
            pieces += text[done:start], MASK
        done = max(done, end)
    return "".join([*pieces, text[done:]])


def mask_words(text: str) -> str:
    """Return a message about a command line with credentials masked, also in `KEY=VALUE`."""
    return mask(_ASSIGNMENT.sub(_without_value, text))


def _without_value(found: re.Match[str]) -> str:
    return f"{found[1]}={MASK}" if is_credential(found[1]) else found[0]
