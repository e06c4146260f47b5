"""Rust source as far as a build script needs it: functions, what they call, the strings in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from kdrvgen.adopt.parse.located import Origin

__all__ = ["Function", "Literal", "blocks_around", "functions"]

# Rust reference, "Tokens" and "Comments". Block comments nest; those are taken away first.
_TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)"""
    r"""|(?P<block>/\*)"""
    r"""|(?P<raw>b?r(?P<hashes>\#*)"(?P<rawtext>.*?)"(?P=hashes))"""
    r"""|(?P<text>b?"(?P<plain>(?:[^"\\]|\\.)*)")"""
    r"""|(?P<char>b?'(?:[^'\\\n]|\\[^\n][^'\n]*)')""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:\n\s*|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_COMMENT = re.compile(r"/\*|\*/")
_BRACE = re.compile(r"[{}]")
_FUNCTION = re.compile(r"\bfn\s+([A-Za-z_]\w*)")
_MOST_FUNCTIONS = 500


@dataclass(frozen=True, slots=True)
class Literal:
    """A string in the source."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a source file.

    Attributes:
        path: The file.
        code: Its body, in which strings are `"…"` of blanks and comments are blanks, so that
            offsets are those of the file.
        at: Where the body begins.
        literals: Its strings, by where they begin in `code`.
    """

    path: str
    code: str
    at: int
    literals: Mapping[int, Literal]
    starts: tuple[int, ...]

    def origin(self, offset: int) -> Origin:
        """Return the line of an offset into `code`."""
        return Origin(self.path, bisect_right(self.starts, self.at + offset))


def functions(path: str, source: str) -> dict[str, list[Function]]:
    """Return the functions of a source file by their names; those that nest are found too.

    There are several of one name where `#[cfg]` chooses, or in several modules.
    """
    code, literals = _blanked(source)
    starts = (0, *(at + 1 for at, character in enumerate(source) if character == "\n"))
    found: dict[str, list[Function]] = {}
    for match in islice(_FUNCTION.finditer(code), _MOST_FUNCTIONS):
        first = code.find("{", match.end())
        semicolon = code.find(";", match.end())
        if first < 0 or 0 <= semicolon < first:
            continue
        last = _closing(code, first)
        inside = {
            at - first: Literal(text, at - first)
            for at, text in literals.items()
            if first <= at < last
        }
        function = Function(path, code[first:last], first, inside, starts)
        found.setdefault(match[1], []).append(function)
    return found


def _blanked(source: str) -> tuple[str, dict[int, str]]:
    pieces: list[str] = []
    literals: dict[int, str] = {}
    done = 0
    while match := _TOKEN.search(source, done):
        pieces.append(source[done : match.start()])
        end = match.end()
        if match["block"]:
            end = _comment_end(source, match.start())
        written = source[match.start() : end]
        blank = re.sub(r"[^\n]", " ", written)
        if match["raw"] or match["text"]:
            literals[match.start()] = match["rawtext"] if match["raw"] else _unescaped(match)
            blank = f'"{blank[1:-1]}"'
        pieces.append(blank)
        done = end
    pieces.append(source[done:])
    return "".join(pieces), literals


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPE.sub(
        lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else "", match["plain"]
    )


def _comment_end(source: str, start: int) -> int:
    depth = 0
    for found in _COMMENT.finditer(source, start):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return found.end()
    return len(source)


def _closing(code: str, first: int) -> int:
    depth = 0
    for found in _BRACE.finditer(code, first):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return len(code)


def blocks_around(code: str, offset: int) -> Iterator[str]:
    """Yield what stands before each brace that is open at an offset, the outermost first."""
    open_at: list[int] = []
    for found in _BRACE.finditer(code, 0, offset):
        if found[0] == "{":
            open_at.append(found.start())
        elif open_at:
            open_at.pop()
    for at in open_at[1:]:
        begins = max(code.rfind(mark, 0, at) for mark in ";{}")
        yield code[begins + 1 : at].strip()
