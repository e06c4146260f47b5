"""Scripts as lists of commands: cmd's batch language, and what sh and PowerShell share with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Located, Origin

__all__ = ["Command", "parse_commands", "whole_lines"]

_TOKEN = re.compile(
    r"""(?P<gap>[ \t]+)"""
    r"""|(?P<redirect>\d?>>?[ \t]*(?:&\d|"[^"]*"|[^\s&|()<>"]+)|<[ \t]*[^\s&|()<>"]+)"""
    r"""|(?P<operator>&&|\|\||&|\|)"""
    r"""|(?P<open>\()"""
    r"""|(?P<close>\))"""
    r"""|(?P<word>(?:"[^"]*"?|\^.|[^\s&|()<>"^]|\((?=[^\s()&|]*\))[^\s()&|]*\)|\^|[<>])+)"""
)
_COMPARISONS = frozenset({"==", "equ", "neq", "lss", "leq", "gtr", "geq"})
_UNARY_TESTS = frozenset({"exist", "errorlevel", "defined"})
_MAX_DEPTH = 64
_MAX_CONDITION = 64


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a script.

    Attributes:
        words: Program and arguments, without their quotes.
        origin: The line where the command begins.
        condition: The words of the `if` or `for` around the command; in the other branch of an
            `if` they follow the word `else`. Empty if the command always runs.
        operator: The operator between this command and the one before: `&&`, `||`, `|`, `&` or "".
        line: The whole line that the command is part of.
        source: The part of the line that is this command alone, with a condition before it.
        number: The number of the line in its script, from 1. Two lines of an array in one line of
            TOML have the same origin and different numbers.
    """

    words: tuple[str, ...]
    origin: Origin
    condition: tuple[str, ...] = ()
    operator: str = ""
    line: str = ""
    source: str = ""
    number: int = 0


def parse_commands(lines: Iterable[Located]) -> list[Command]:
    """Return the commands of a batch script.

    Only a run shows which labels a script jumps to and how often the body of a loop runs. Such
    commands are returned with a condition. Source: `cmd /?`, `if /?`, `for /?`.
    """
    return list(_Parser(_joined(lines)).run())


def whole_lines(lines: Iterable[Located]) -> dict[Origin, str]:
    """Return each line together with those that `^` appends to it, by where it begins."""
    return {first.origin: "\n".join(texts) for first, texts in _continued(lines)}


def _continued(lines: Iterable[Located]) -> Iterator[tuple[Located, list[str]]]:
    """Yield each line with the texts of itself and of the lines that `^` appends to it."""
    begun: tuple[Located, list[str]] | None = None
    for line in lines:
        if begun:
            begun[1].append(line.text)
        else:
            begun = line, [line.text]
        if not line.text.endswith("^"):
            yield begun
            begun = None
    if begun:
        yield begun


def _joined(lines: Iterable[Located]) -> Iterator[Located]:
    """Yield the lines, with those that `^` continues joined into one."""
    for first, texts in _continued(lines):
        yield Located("".join(text.removesuffix("^") for text in texts), first.origin)


class _Parser:
    def __init__(self, lines: Iterable[Located]) -> None:
        self.lines = lines
        self.conditions: list[tuple[str, ...]] = []  # one for each open bracket
        self.last: tuple[str, ...] = ()  # of the bracket that was closed last

    def run(self) -> Iterator[Command]:
        for line in self.lines:
            text = line.text.strip().lstrip("@").strip()
            if not text or _is_comment(text):
                continue
            yield from self._line(Located(text, line.origin))

    def _line(self, line: Located) -> Iterator[Command]:
        words: list[str] = []
        own: tuple[str, ...] = ()  # the condition of an `if` without brackets, up to the line's end
        operator = ""
        begin = end = -1  # of the command in the line
        for found, text, (start, stop) in _tokens(line.text):
            kind = _kind(found, words)
            if kind in {"word", "redirect"} or (kind == "open" and words):
                begin, end = start if begin < 0 else begin, stop
            if kind == "word":
                words.append(text)
                if condition := _condition(words, self.last):
                    own, words = (*own, *condition), []
            elif kind == "open":
                words += [text] if words else []
                if not words:
                    self.conditions += [own][: _MAX_DEPTH - len(self.conditions)]
                    own, begin = (), -1
            elif kind != "redirect":
                if words:
                    yield self._command(words, own, operator, line, line.text[begin:end])
                words, begin = [], -1
                operator = text if kind == "operator" else ""
                own = own if kind == "operator" else self._close()
        if words:
            yield self._command(words, own, operator, line, line.text[begin:end])

    def _close(self) -> tuple[str, ...]:
        """Close a bracket, and return the condition for the rest of the line: none."""
        self.last = self.conditions.pop() if self.conditions else ()
        return ()

    def _command(
        self,
        words: Sequence[str],
        own: tuple[str, ...],
        operator: str,
        line: Located,
        source: str,
    ) -> Command:
        outer = tuple(word for condition in self.conditions for word in condition)
        return Command(tuple(words), line.origin, (*outer, *own), operator, line.text, source)


def _kind(found: str, words: Sequence[str]) -> str:
    """Return the kind of a token after some words. In `for %%f in (a b) do`, `)` ends nothing."""
    is_list = bool(words) and words[0].lower() == "for"
    return "word" if found == "close" and is_list else found


def _is_comment(text: str) -> bool:
    return text.startswith(("::", "#")) or re.match(r"rem(\s|$)", text, re.IGNORECASE) is not None


def _tokens(text: str) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Yield kind, text and place of each token but blanks."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "word":
            yield kind, re.sub(r"\^(.)", r"\1", match[0]).replace('"', ""), match.span()
        elif kind != "gap":
            yield kind, match[0], match.span()


def _condition(words: Sequence[str], last: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a condition once `words` is a whole one."""
    if len(words) > _MAX_CONDITION or words[0].lower() not in {"if", "for", "else"}:
        return ()
    lower = [word.lower() for word in words]
    if lower == ["else"]:
        return ("else", *last)
    if lower[0] == "for" and lower[-1] == "do":
        return tuple(words)
    return tuple(words) if lower[0] == "if" and _is_test(lower[1:]) else ()


def _is_test(words: Sequence[str]) -> bool:
    """Return whether the words after `if` are a whole test."""
    match [word for word in words if word not in {"/i", "not"}]:
        case [joined]:
            return "==" in joined.strip("=")
        case [test, _]:
            return test in _UNARY_TESTS
        case [_, comparison, _]:
            return comparison in _COMPARISONS
    return False
