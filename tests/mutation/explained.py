"""The changes that no test can notice, with the reasons: explained.toml.

An entry names a mutant by source text, so that it survives other edits of the file, and not an edit
of the code that it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import tomli

from tests.mutation.mutants import Mutant, mutants

__all__ = ["is_explained", "stale"]

_ROOT = Path(__file__).parents[2]
_FILE = Path(__file__).with_name("explained.toml")


class _Entry(NamedTuple):
    file: str
    function: str
    change: str
    reason: str
    line: str = ""
    """The source line, if the function has the same change in several lines."""

    def is_about(self, file: str, mutant: Mutant) -> bool:
        same = (self.file, self.function, self.change) == (file, mutant.function, mutant.change)
        return same and self.line in {"", mutant.text}

    def __str__(self) -> str:
        return f"{_FILE.name}: {self.file}  {self.function or '(module)'}  {self.change}"


@cache
def _entries() -> tuple[_Entry, ...]:
    return tuple(_Entry(**each) for each in tomli.loads(_FILE.read_text("utf-8"))["explained"])


def is_explained(file: str, mutant: Mutant) -> bool:
    """Return whether an entry says why no test can notice a mutant."""
    return any(entry.is_about(file, mutant) for entry in _entries())


def stale() -> Iterator[str]:
    """Yield a message for each entry that is not about exactly one line of the source."""
    for entry, count in Counter(_entries()).items():
        if count > 1:
            yield f"{entry}: this entry exists twice"
        path = _ROOT / entry.file
        found = mutants(path.read_text("utf-8")) if path.is_file() else []
        lines = {mutant.line for mutant in found if entry.is_about(entry.file, mutant)}
        if not lines:
            yield f"{entry}: the source does not have this code. Correct or remove the entry"
        elif len(lines) > 1:
            yield f"{entry}: {len(lines)} lines have this code. Add `line` with the source line"
