"""Where each key and value of a TOML document stands in its text.

Only for documents that tomli accepted, or for the part of one that tomli accepted before it found
an error: this scanner finds things, it does not judge them. It is an iterative one, since documents
may be nested deeper than Python's stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kdrvgen.config.source import Extent

__all__ = ["Node", "Scan", "locate", "scan"]

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]++|'[^'\n]*+'|"(?:[^"\\\n]++|\\.)*+\"""")
_STRING = re.compile(
    r'''"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'''
    r"""|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"""
    r'''|"(?!"")(?:[^"\\\n]++|\\.)*+"'''
    r"""|'(?!'')[^'\n]*+'""",
    re.DOTALL,
)
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^ \t\n,\]}#]*+")
_SCALAR = re.compile(r"[^ \t\n,\]}#\"']++")


@dataclass(slots=True)
class Node:
    """A key or array element: where it is named, where its value is, and what is below it.

    Attributes:
        key: Where it is named first; none for elements and for the document itself.
        value: Its value, if that is written in one piece (not for tables made by headers or
            dotted keys).
        header: Its own `[header]` with the brackets, if it has one.
        children: What is below it, by key or by index.
        last: The newest element, if this is an array of tables.
    """

    key: Extent | None = None
    value: Extent | None = None
    header: Extent | None = None
    children: dict[str | int, Node] = field(default_factory=dict)
    last: Node | None = None

    def find(self, path: Sequence[str | int]) -> Node | None:
        """Give what is at `path` below this, or None."""
        node: Node | None = self
        for part in path:
            if node is None:
                return None
            node = node.children.get(part)
        return node

    def walk(self) -> Iterator[tuple[str | int, Node]]:
        """Give everything below this with its key or index, in no particular order."""
        waiting = [self]
        while waiting:
            for part, child in waiting.pop().children.items():
                yield part, child
                waiting.append(child)


@dataclass(slots=True)
class Scan:
    """What `scan` found.

    Attributes:
        root: The document.
        last_key: The newest complete key as it is written: its parts, its place, and the nodes
            that its parts name.
        open: Where the arrays and inline tables begin in which the text ends, outermost first.
        stop: Where the scanner could not go on; the text's length if it reached the end.
    """

    root: Node
    last_key: tuple[tuple[str, ...], Extent, tuple[Node, ...]] | None
    open: tuple[int, ...]
    stop: int


def locate(text: str) -> Node:
    """Find all keys and values of a document that tomli accepts; CRLF must be LF already."""
    return scan(text).root


def scan(text: str) -> Scan:
    """Find the keys and values of `text` as far as it can be read."""
    return _Scanner(text).run()


class _EndOfSenseError(Exception):
    """What comes next is not TOML."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.root = Node()
        self.table = self.root
        self.last_key: tuple[tuple[str, ...], Extent, tuple[Node, ...]] | None = None
        self.open: list[tuple[Node, int, str]] = []

    def run(self) -> Scan:
        try:
            while self._skip(_GAP):
                if self._at("["):
                    self._header()
                else:
                    self._value(self._pair(self.table))
        except _EndOfSenseError:
            pass
        return Scan(self.root, self.last_key, tuple(at for _, at, _ in self.open), self.pos)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.pos)
        self.pos = found.end() if found else self.pos
        return self.pos < len(self.text)

    def _at(self, mark: str) -> bool:
        return self.text.startswith(mark, self.pos)

    def _take(self, mark: str) -> None:
        if not self._at(mark):
            raise _EndOfSenseError
        self.pos += len(mark)

    def _match(self, *patterns: re.Pattern[str]) -> Extent:
        for pattern in patterns:
            if found := pattern.match(self.text, self.pos):
                self.pos = found.end()
                return Extent(*found.span())
        raise _EndOfSenseError

    def _header(self) -> None:
        start = self.pos
        brackets = 2 if self._at("[[") else 1
        self.pos += brackets
        self._skip(_SPACE)
        node = self._key(self.root, to_element=brackets == 1)
        if brackets == 2:  # noqa: PLR2004 - the two brackets of an array of tables
            element = Node()
            node.children[len(node.children)] = element
            node.last = element
            node = element
        self._take("]" * brackets)
        node.header = Extent(start, self.pos)
        self.table = node

    def _pair(self, table: Node) -> Node:
        node = self._key(table, to_element=False)
        self._take("=")
        self._skip(_SPACE)
        return node

    def _key(self, table: Node, *, to_element: bool) -> Node:
        """Read a dotted key and give its node; `to_element` goes into an array's newest table."""
        node, start = table, self.pos
        names: list[str] = []
        passed: list[Node] = []
        while True:
            extent = self._match(_KEY_PART)
            names.append(_name(self.text[extent.start : extent.end]))
            node = node.children.setdefault(names[-1], Node(key=extent))
            passed.append(node)
            self._skip(_SPACE)
            if not self._at("."):
                break
            node = node.last or node
            self.pos += 1
            self._skip(_SPACE)
        self.last_key = tuple(names), Extent(start, extent.end), tuple(passed)
        return (node.last or node) if to_element else node

    def _value(self, node: Node) -> None:
        """Read one value, going into arrays and inline tables without recursion."""
        floor = len(self.open)
        while True:
            if self._at("[") or self._at("{"):
                self.open.append((node, self.pos, "]" if self._at("[") else "}"))
                self.pos += 1
                self._skip(_GAP)
            else:
                node.value = self._match(_STRING, _DATE_AND_TIME, _SCALAR)
                self._after_element(floor)
            self._close(floor)
            if len(self.open) == floor:
                return
            container, _, closing = self.open[-1]
            if closing == "}":
                node = self._pair(container)
            else:
                node = Node()
                container.children[len(container.children)] = node

    def _close(self, floor: int) -> None:
        """Leave every array and inline table that ends here."""
        while len(self.open) > floor and self._at(self.open[-1][2]):
            container, start, _ = self.open.pop()
            self.pos += 1
            container.value = Extent(start, self.pos)
            self._after_element(floor)

    def _after_element(self, floor: int) -> None:
        """Go past the comma, if one follows an element, or to the bracket that closes."""
        if len(self.open) == floor:
            return
        self._skip(_GAP)
        if not self._at(self.open[-1][2]):
            self._take(",")
            self._skip(_GAP)


def _name(written: str) -> str:
    if written[0] == "'":
        return written[1:-1]
    if written[0] == '"':
        import tomli  # noqa: PLC0415 - quoted keys are rare

        (name,) = tomli.loads(f"{written} = 0")
        return name
    return written
