"""Scripts as lists of commands: cmd's batch language, and what sh and PowerShell share with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Origin, Said

__all__ = ["Command", "commands"]

_TOKEN = re.compile(
    r"""(?P<gap>[ \t]+)"""
    r"""|(?P<redirect>\d?>>?[ \t]*(?:&\d|"[^"]*"|[^\s&|()<>"]+)|<[ \t]*[^\s&|()<>"]+)"""
    r"""|(?P<operator>&&|\|\||&|\|)"""
    r"""|(?P<open>\()"""
    r"""|(?P<close>\))"""
    r"""|(?P<word>(?:"[^"]*"?|\^.|[^\s&|()<>"^]|\((?=[^\s()&|]*\))[^\s()&|]*\)|\^|[<>])+)"""
)
_COMPARISONS = frozenset({"==", "equ", "neq", "lss", "leq", "gtr", "geq"})
_DEEPEST = 64
_LONGEST_CONDITION = 64


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a script.

    Attributes:
        words: Program and arguments without their quotes.
        origin: Where it stands.
        condition: The words of the `if` or `for` that it depends on, `else` before them for its
            other branch; empty if it always runs.
        chained: The operator between it and the command before: `&&`, `||`, `|`, `&` or "".
        line: The whole line it is part of.
    """

    words: tuple[str, ...]
    origin: Origin
    condition: tuple[str, ...] = ()
    chained: str = ""
    line: str = ""


def commands(lines: Iterable[Said]) -> list[Command]:
    """Return the commands of a batch script.

    Source: `cmd /?`, `if /?`, `for /?`. What no one can tell without running it, such as labels and
    the bodies of loops, comes out as commands with a condition.
    """
    return list(_Parser(_joined(lines)).run())


def _joined(lines: Iterable[Said]) -> Iterator[Said]:
    """Yield lines with those that `^` continues put together."""
    waiting: Said | None = None
    for line in lines:
        said = Said(waiting.text + line.text, waiting.origin) if waiting else line
        if said.text.endswith("^"):
            waiting = Said(said.text[:-1], said.origin)
        else:
            yield said
            waiting = None
    if waiting:
        yield waiting


class _Parser:
    def __init__(self, lines: Iterable[Said]) -> None:
        self.lines = lines
        self.conditions: list[tuple[str, ...]] = []  # of the brackets that are open
        self.last: tuple[str, ...] = ()  # of the bracket that was closed last

    def run(self) -> Iterator[Command]:
        for line in self.lines:
            text = line.text.strip().lstrip("@").strip()
            if not text or _is_comment(text):
                continue
            yield from self._line(Said(text, line.origin))

    def _line(self, line: Said) -> Iterator[Command]:
        words: list[str] = []
        own: tuple[str, ...] = ()  # the condition of an `if` without brackets, to the line's end
        chained = ""
        for kind, text in _tokens(line.text):
            if kind == "word":
                words.append(text)
                if condition := _condition(words, self.last):
                    own, words = (*own, *condition), []
                continue
            if kind == "open" and not words:
                if len(self.conditions) < _DEEPEST:
                    self.conditions.append(own)
                own = ()
                continue
            if kind == "open":
                words.append(text)
                continue
            if words:
                yield self._command(words, own, chained, line)
                words = []
            if kind == "close":
                self.last = self.conditions.pop() if self.conditions else ()
                own, chained = (), ""
            else:
                chained = text
        if words:
            yield self._command(words, own, chained, line)

    def _command(
        self, words: Sequence[str], own: tuple[str, ...], chained: str, line: Said
    ) -> Command:
        outer = tuple(word for condition in self.conditions for word in condition)
        return Command(tuple(words), line.origin, (*outer, *own), chained, line.text)


def _is_comment(text: str) -> bool:
    return text.startswith(("::", "#")) or re.match(r"rem(\s|$)", text, re.IGNORECASE) is not None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    done = 0
    while done < len(text):
        match = _TOKEN.match(text, done)
        if match is None:
            done += 1
            continue
        done = match.end()
        kind = match.lastgroup or ""
        if kind == "word":
            yield kind, re.sub(r"\^(.)", r"\1", match[0]).replace('"', "")
        elif kind not in {"gap", "redirect"}:
            yield kind, match[0]


def _condition(words: Sequence[str], last: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a condition once `words` is all of one."""
    if len(words) > _LONGEST_CONDITION or words[0].lower() not in {"if", "for", "else"}:
        return ()
    lower = [word.lower() for word in words]
    if lower == ["else"]:
        return ("else", *last)
    if lower[0] == "for" and lower[-1] == "do":
        return tuple(words)
    if lower[0] != "if":
        return ()
    rest = [word for word in lower[1:] if word not in {"/i", "not"}]
    is_unary = len(rest) == 2 and rest[0] in {"exist", "errorlevel", "defined"}  # noqa: PLR2004
    is_joined = len(rest) == 1 and "==" in rest[0].strip("=")
    is_compared = len(rest) == 3 and rest[1] in _COMPARISONS  # noqa: PLR2004 - left, how, right
    return tuple(words) if is_unary or is_joined or is_compared else ()
