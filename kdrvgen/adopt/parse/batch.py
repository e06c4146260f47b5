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
    """

    words: tuple[str, ...]
    origin: Origin
    condition: tuple[str, ...] = ()
    operator: str = ""
    line: str = ""


def parse_commands(lines: Iterable[Located]) -> list[Command]:
    """Return the commands of a batch script.

    Only a run shows which labels a script jumps to and how often the body of a loop runs. Such
    commands are returned with a condition. Source: `cmd /?`, `if /?`, `for /?`.
    """
    return list(_Parser(_joined(lines)).run())


def whole_lines(lines: Iterable[Located]) -> dict[Origin, str]:
    """Return each line together with those that `^` appends to it, by where it begins."""
    whole: dict[Origin, str] = {}
    begin: Origin | None = None
    for line in lines:
        first = begin or line.origin
        whole[first] = f"{whole[first]}\n{line.text}" if begin else line.text
        begin = first if line.text.endswith("^") else None
    return whole


def _joined(lines: Iterable[Located]) -> Iterator[Located]:
    """Yield the lines, with those that `^` continues joined into one."""
    begun: Located | None = None
    for line in lines:
        joined = Located(begun.text + line.text, begun.origin) if begun else line
        if joined.text.endswith("^"):
            begun = Located(joined.text[:-1], joined.origin)
        else:
            yield joined
            begun = None
    if begun:
        yield begun


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
        for kind, text in _tokens(line.text):
            if kind == "word":
                words.append(text)
                if condition := _condition(words, self.last):
                    own, words = (*own, *condition), []
                continue
            if kind == "open" and not words:
                if len(self.conditions) < _MAX_DEPTH:
                    self.conditions.append(own)
                own = ()
                continue
            if kind == "open":
                words.append(text)
                continue
            if words:
                yield self._command(words, own, operator, line)
                words = []
            if kind == "close":
                self.last = self.conditions.pop() if self.conditions else ()
                own, operator = (), ""
            else:
                operator = text
        if words:
            yield self._command(words, own, operator, line)

    def _command(
        self, words: Sequence[str], own: tuple[str, ...], operator: str, line: Located
    ) -> Command:
        outer = tuple(word for condition in self.conditions for word in condition)
        return Command(tuple(words), line.origin, (*outer, *own), operator, line.text)


def _is_comment(text: str) -> bool:
    return text.startswith(("::", "#")) or re.match(r"rem(\s|$)", text, re.IGNORECASE) is not None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "word":
            yield kind, re.sub(r"\^(.)", r"\1", match[0]).replace('"', "")
        elif kind not in {"gap", "redirect"}:
            yield kind, match[0]


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
