"""Find the position of each key and value in the text of a TOML document.

The scanner does not validate: use it only for a document that tomli accepted, or for the part that
tomli accepted before it found an error. It does not recurse, because documents can be nested deeper
than Python's stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import tomli

from kdrvgen.config.keys import Path
from kdrvgen.config.source import Extent

__all__ = ["Node", "Scan", "locate", "scan"]

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
_COMMENT = re.compile(r"#[^\n]*+")
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
        key: Where it is named first; None for array elements and for the document itself.
        value: Its value, if the value is one piece of text (None for tables made by headers or
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
        """Return the node at `path` below this node, or None."""
        node: Node | None = self
        for part in path:
            if node is None:
                return None
            node = node.children.get(part)
        return node

    def walk(self) -> Iterator[tuple[str | int, Node]]:
        """Yield every node below this one with its key or index, in no particular order."""
        waiting = [self]
        while waiting:
            for part, child in waiting.pop().children.items():
                yield part, child
                waiting.append(child)


class Scan(NamedTuple):
    """The result of `scan`.

    Attributes:
        root: The document.
        last_key: The last complete key: its parts as written, its place, and the nodes that its
            parts name.
        last_path: The path of that key in the document.
        open: Where the arrays and inline tables begin that are still open at the end of the text,
            outermost first.
        stop: Where the scanner stopped; the length of the text if it reached the end.
        table: The keys of the last header; empty before the first one.
        comments: The comments, each from its `#` to the end of its line.
    """

    root: Node
    last_key: tuple[tuple[str, ...], Extent, tuple[Node, ...]] | None = None
    last_path: Path = ()
    open: tuple[int, ...] = ()
    stop: int = 0
    table: tuple[str, ...] = ()
    comments: tuple[Extent, ...] = ()


def locate(text: str) -> Node:
    """Find all keys and values of a document that tomli accepts; CRLF must be LF already."""
    return scan(text).root


def scan(text: str) -> Scan:
    """Find the keys and values of `text` as far as it can be read."""
    return _Scanner(text).run()


class _NotTomlError(Exception):
    """The text at the current position is not TOML."""


class _Open(NamedTuple):
    """An array or inline table that has not ended yet, and the path of the key that holds it."""

    node: Node
    start: int
    closing: str
    path: Path


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.root = Node()
        self.table = self.root
        self.last_key: tuple[tuple[str, ...], Extent, tuple[Node, ...]] | None = None
        self.last_path: Path = ()
        self.open: list[_Open] = []
        self.header: tuple[str, ...] = ()
        self.comments: list[Extent] = []

    def run(self) -> Scan:
        try:
            while self._skip_gap():
                if self._at("["):
                    self._header()
                else:
                    self._value(self._pair(self.table, self.header))
        except _NotTomlError:
            pass
        return Scan(
            self.root,
            self.last_key,
            self.last_path,
            tuple(container.start for container in self.open),
            self.pos,
            self.header,
            tuple(self.comments),
        )

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.pos)
        self.pos = found.end() if found else self.pos
        return self.pos < len(self.text)

    def _skip_gap(self) -> bool:
        """Skip spaces, line ends and comments; return whether anything follows."""
        start = self.pos
        is_more = self._skip(_GAP)
        if self.text.find("#", start, self.pos) >= 0:
            found = _COMMENT.finditer(self.text, start, self.pos)
            self.comments += (Extent(*comment.span()) for comment in found)
        return is_more

    def _at(self, mark: str) -> bool:
        return self.text.startswith(mark, self.pos)

    def _take(self, mark: str) -> None:
        if not self._at(mark):
            raise _NotTomlError
        self.pos += len(mark)

    def _match(self, *patterns: re.Pattern[str]) -> Extent:
        for pattern in patterns:
            if found := pattern.match(self.text, self.pos):
                self.pos = found.end()
                return Extent(*found.span())
        raise _NotTomlError

    def _header(self) -> None:
        start = self.pos
        is_element = self._at("[[")  # of an array of tables
        brackets = 2 if is_element else 1
        self.pos += brackets
        self._skip(_SPACE)
        node = self._key(self.root, (), to_element=not is_element)
        self.header = self.last_key[0] if self.last_key else ()
        if is_element:
            element = Node()
            node.children[len(node.children)] = element
            node.last = element
            node = element
        self._take("]" * brackets)
        node.header = Extent(start, self.pos)
        self.table = node

    def _pair(self, table: Node, above: Path) -> Node:
        node = self._key(table, above, to_element=False)
        self._take("=")
        self._skip(_SPACE)
        return node

    def _key(self, table: Node, above: Path, *, to_element: bool) -> Node:
        """Read a dotted key and return its node.

        With `to_element`, continue in the last table of an array of tables.
        """
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
        self.last_path = (*above, *names)
        return (node.last or node) if to_element else node

    def _value(self, node: Node) -> None:
        """Read one value with its arrays and inline tables, without recursion."""
        floor = len(self.open)
        while True:
            if self._at("[") or self._at("{"):
                closing = "]" if self._at("[") else "}"
                self.open.append(_Open(node, self.pos, closing, self.last_path))
                self.pos += 1
                self._skip_gap()
            else:
                node.value = self._match(_STRING, _DATE_AND_TIME, _SCALAR)
                self._after_element(floor)
            self._close(floor)
            if len(self.open) == floor:
                return
            container = self.open[-1]
            if container.closing == "}":
                node = self._pair(container.node, container.path)
            else:
                node = Node()
                self.last_path = container.path
                container.node.children[len(container.node.children)] = node

    def _close(self, floor: int) -> None:
        """Leave every array and inline table that ends here."""
        while len(self.open) > floor and self._at(self.open[-1].closing):
            container = self.open.pop()
            self.pos += 1
            container.node.value = Extent(container.start, self.pos)
            self._after_element(floor)

    def _after_element(self, floor: int) -> None:
        """Skip the comma after an element, or move to the closing bracket."""
        if len(self.open) == floor:
            return
        self._skip_gap()
        if not self._at(self.open[-1].closing):
            self._take(",")
            self._skip_gap()


def _name(written: str) -> str:
    if written[0] == "'":
        return written[1:-1]
    if written[0] == '"' and "\\" not in written:
        return written[1:-1]
    if written[0] == '"':
        (name,) = tomli.loads(f"{written} = 0")
        return name
    return written
