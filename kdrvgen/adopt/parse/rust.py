"""Rust source as far as a build script needs it: its functions and the strings in them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from kdrvgen.adopt.parse.located import Origin

__all__ = ["Function", "Literal", "enclosing_blocks", "parse_functions"]

# Rust reference, "Tokens" and "Comments". Block comments nest, so `_comment_end` finds their end.
# An unclosed string ends with the file.
_TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)"""
    r"""|(?P<block>/\*)"""
    r"""|(?P<raw>b?r(?P<hashes>\#*)")"""
    r"""|(?P<text>b?"(?P<plain>[^"\\]*(?:\\.[^"\\]*)*)(?:"|\\?\Z))"""
    r"""|(?P<char>b?'(?:[^'\\\n]|\\[^\n][^'\n]*)')""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:\n\s*|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_COMMENT = re.compile(r"/\*|\*/")
_BRACE = re.compile(r"[{}]")
_FUNCTION = re.compile(r"\bfn\s+([A-Za-z_]\w*)")
_MAX_FUNCTIONS = 500
_MAX_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class Literal:
    """A string in a function."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a source file.

    Attributes:
        path: The file.
        code: The body. Blanks replace comments and the text of strings, so that offsets into
            `code` stay valid.
        start: Offset of the body in the file.
        literals: The strings of the body, by their offsets into `code`.
        line_starts: Offsets of the lines of the file.
    """

    path: str
    code: str
    start: int
    literals: Mapping[int, Literal]
    line_starts: tuple[int, ...]

    def origin(self, offset: int) -> Origin:
        """Return the line of an offset into `code`."""
        return Origin(self.path, bisect_right(self.line_starts, self.start + offset))


def parse_functions(path: str, source: str) -> dict[str, list[Function]]:
    """Return the functions of a source file by name, nested ones too.

    One name has several functions where `#[cfg]` selects one, or in several modules.
    """
    code, literals = _blanked(source)
    offsets = sorted(literals)
    line_starts = (0, *(match.end() for match in re.finditer("\n", source)))
    functions: dict[str, list[Function]] = {}
    for match in islice(_FUNCTION.finditer(code), _MAX_FUNCTIONS):
        start = code.find("{", match.end())
        semicolon = code.find(";", match.end())
        if start < 0 or 0 <= semicolon < start:
            continue
        end = _block_end(code, start)
        inside = {
            offset - start: Literal(literals[offset], offset - start)
            for offset in offsets[bisect_left(offsets, start) : bisect_left(offsets, end)]
        }
        function = Function(path, code[start:end], start, inside, line_starts)
        functions.setdefault(match[1], []).append(function)
    return functions


def _blanked(source: str) -> tuple[str, dict[int, str]]:
    pieces: list[str] = []
    literals: dict[int, str] = {}
    position = 0
    while match := _TOKEN.search(source, position):
        pieces.append(source[position : match.start()])
        end = match.end()
        if match["block"]:
            end = _comment_end(source, match.start())
        if match["raw"]:
            close = source.find(f'"{match["hashes"]}', end)
            literals[match.start()] = source[end : close if close >= 0 else len(source)]
            end = close + 1 + len(match["hashes"]) if close >= 0 else len(source)
        blank = re.sub(r"[^\n]", " ", source[match.start() : end])
        if match["raw"] or match["text"]:
            if match["text"]:
                literals[match.start()] = _unescaped(match)
            blank = f'"{blank[1:-1]}"'
        pieces.append(blank)
        position = end
    pieces.append(source[position:])
    return "".join(pieces), literals


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPE.sub(
        lambda escape: _ESCAPED.get(escape[1], escape[1]) if escape[1] else "", match["plain"]
    )


def _comment_end(source: str, start: int) -> int:
    depth = 0
    for match in _COMMENT.finditer(source, start):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return len(source)


def _block_end(code: str, start: int) -> int:
    depth = 0
    for match in _BRACE.finditer(code, start):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return match.end()
    return len(code)


def enclosing_blocks(code: str, offsets: Iterable[int]) -> Iterator[tuple[str, ...]]:
    """Yield for each offset the code before each brace that is open there, the outermost first.

    The brace of the function itself is left out, and of the others the outermost `_MAX_BLOCKS`.

    Args:
        code: The body of a function.
        offsets: Offsets into it, in ascending order.
    """
    heads: list[str] = []
    depth = last = 0
    braces = _BRACE.finditer(code)
    brace = next(braces, None)
    for offset in offsets:
        while brace and brace.start() < offset:
            if brace[0] == "{":
                depth += 1
                if len(heads) < _MAX_BLOCKS:
                    begin = max(code.rfind(";", last, brace.start()) + 1, last)
                    heads.append(code[begin : brace.start()].strip())
            elif depth:
                depth -= 1
                del heads[depth:]
            last = brace.end()
            brace = next(braces, None)
        yield tuple(heads[1:])
