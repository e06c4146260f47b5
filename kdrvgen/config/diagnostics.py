"""What a diagnostic is: one thing that is wrong in a configuration, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kdrvgen.config.source import Place, Span

__all__ = ["Diagnostic", "Path", "Related", "dotted", "shortened"]

Path = tuple[str | int, ...]
"""Where a value stands in the document: keys, and indexes of arrays from 0."""

_KEPT = 100


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that takes part in what is wrong, and what it has to do with it.

    Attributes:
        message: What it has to do with it.
        place: Where it is.
        file: The file, if it is another one than the diagnostic's; else "".
    """

    message: str
    place: Place
    file: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong in a configuration.

    Nothing in it shows a secret, in whatever form it is printed.

    Attributes:
        file: The file, as the user named it.
        message: What is wrong, without a full stop.
        path: The key it is about; empty if it is about the file or its syntax.
        place: Where it is; None if it is nowhere in particular, as with a missing table.
        hint: What to do, one line for each piece of advice; may be empty.
        related: Other places that take part.
        severity: `error`, or `warning` for what ends no command.
    """

    file: str
    message: str
    path: Path = ()
    place: Place | None = None
    hint: str = ""
    related: tuple[Related, ...] = ()
    severity: Literal["error", "warning"] = "error"

    @property
    def span(self) -> Span | None:
        """Line, column and length, or None."""
        return self.place.span if self.place else None

    @property
    def line(self) -> str | None:
        """What may be shown of the line, or None."""
        return self.place.excerpt.text if self.place else None


def dotted(path: Path) -> str:
    """Write `path` as a TOML dotted key, elements of arrays as `key[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if bare else _quoted(part))
    return shortened(text)


def shortened(text: str) -> str:
    """Leave out the middle of what is too long to be read in a message."""
    if len(text) <= 2 * _KEPT:
        return text
    return f"{text[:_KEPT]}…{text[-_KEPT:]}"


def _quoted(key: str) -> str:
    import json  # noqa: PLC0415 - JSON's strings are TOML's, and such keys are rare

    return json.dumps(key, ensure_ascii=False)
