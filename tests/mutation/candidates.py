"""The mutants that a command line chooses."""

from __future__ import annotations

import argparse
import re
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants

__all__ = ["add_arguments", "candidates", "row"]

_ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"(\S+):\d+  (?:survived|untested)  (\S+)  (.*)")
_MODULE = "(module)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose mutants."""
    parser.add_argument(
        "--room", action="append", default=[], help="a folder or file in kdrvgen; may be repeated"
    )
    parser.add_argument("--changed-since", metavar="REF", help="only lines that differ from REF")
    parser.add_argument("--at", action="append", default=[], metavar="FILE:LINE")
    parser.add_argument("--again", type=Path, metavar="FILE", help="the survivors in this output")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of N mutants")
    parser.add_argument("--seed", type=int, default=0, help="which of the N; 0 is the first")


def candidates(words: argparse.Namespace) -> Iterator[tuple[str, Mutant]]:
    """Yield the mutants that the arguments choose, each with its file."""
    lines = {(file, int(line)) for file, _, line in (at.rpartition(":") for at in words.at)}
    if words.changed_since:
        lines |= _changed_since(words.changed_since)
    restricted = bool(words.at or words.changed_since)
    survivors = set(_ROW.findall(words.again.read_text("utf-8"))) if words.again else None
    for path in sorted((_ROOT / "kdrvgen").rglob("*.py")):
        file = path.relative_to(_ROOT).as_posix()
        places = (f"kdrvgen/{room}" for room in words.room)
        in_room = not words.room or any(f"{file}/".startswith(f"{place}/") for place in places)
        if not in_room or "templates" in path.parts or "tree" in path.parts:
            continue
        for mutant in mutants(path.read_text("utf-8")):
            changed = {(file, line) for line in range(mutant.line, mutant.last + 1)}
            name = (file, mutant.function or _MODULE, mutant.change)
            if (
                (not restricted or changed & lines)
                and (survivors is None or name in survivors)
                and _number(name) % words.every == words.seed % words.every
            ):
                yield file, mutant


def _number(name: tuple[str, ...]) -> int:
    """Return a number for a mutant, which stays the same if other code changes."""
    return zlib.crc32("\n".join(name).encode())


def row(file: str, mutant: Mutant, outcome: str) -> str:
    """Return the line about a mutant, which `--again` reads."""
    return f"{file}:{mutant.line}  {outcome}  {mutant.function or _MODULE}  {mutant.change}"


def _changed_since(reference: str) -> set[tuple[str, int]]:
    """Return file and number of the lines that differ from a Git revision."""
    done = subprocess.run(
        ["git", "diff", "--unified=0", "--no-color", reference, "--", "kdrvgen"],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found, file = set(), ""
    for line in done.stdout.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif match := re.match(r"@@ \S+ \+(\d+)(?:,(\d+))? @@", line):
            start, count = int(match[1]), int(match[2] or 1)
            found |= {(file, number) for number in range(start, start + count)}
    return found
