"""Small changes to a module's source, one at a time; each should make a test fail."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

__all__ = ["Mutant", "mutants"]

_OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_DELETED = (*_ENDS[1:], ast.Expr, ast.AugAssign, ast.Delete, ast.Assert)
_OTHER_HOSTS = ("sys.platform == 'win32'", "TYPE_CHECKING")
_WIDEST = 60
_BEFORE = 20


class Mutant(NamedTuple):
    """A changed module.

    Attributes:
        line: Where the change begins.
        last: Where the code that is changed ends.
        function: The qualified name of the function or class around it; "" for the module.
        change: What is changed, for people.
        text: The source line where the change begins, without the space around it.
        source: The whole module, changed.
    """

    line: int
    last: int
    function: str
    change: str
    text: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a module, in the order of their lines.

    Annotations, aliases of types, docstrings, imports, `__all__`, and code that only another host
    runs stay as they are.
    """
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda mutant: mutant.line)


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self.found: list[Mutant] = []
        self._source = source.encode()
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._names: list[str] = []

    def _add(self, node: ast.expr | ast.stmt, new: str) -> None:
        start = self._starts[node.lineno - 1] + node.col_offset
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        end = self._starts[node.end_lineno - 1] + node.end_col_offset
        # An expression may go on over several lines only in brackets.
        text = f"({new})" if isinstance(node, ast.expr) else new
        source = self._source[:start] + text.encode() + self._source[end:]
        change = " -> ".join(_short(self._source[start:end].decode(), new))
        function = ".".join(self._names)
        line = self._source[self._starts[node.lineno - 1] : self._starts[node.lineno]]
        text = line.decode().strip()
        self.found.append(
            Mutant(node.lineno, node.end_lineno, function, change, text, source.decode())
        )

    def _replace(self, node: ast.expr | ast.stmt, new: ast.AST) -> None:
        self._add(node, ast.unparse(ast.fix_missing_locations(new)))

    def visit(self, node: ast.AST) -> None:
        """Look for mutants of a node and of what is in it."""
        if isinstance(node, ast.If) and ast.unparse(node.test) in _OTHER_HOSTS:
            for other in node.orelse:
                self.visit(other)
            return
        if isinstance(node, ast.Import | ast.ImportFrom | ast.arg):
            return
        if isinstance(node, ast.stmt):
            self._statement(node)
        elif isinstance(node, ast.expr):
            self._expression(node)
        if isinstance(node, ast.JoinedStr):  # before Python 3.12 its parts have no positions
            return
        names = self._names
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._names = [*names, node.name]
        for child in _children(node):
            self.visit(child)
        self._names = names

    def _statement(self, node: ast.stmt) -> None:
        last = getattr(node, "body", [node])[-1]
        to_attribute = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)
        is_guard = isinstance(node, ast.If) and isinstance(last, _ENDS) and not node.orelse
        if (isinstance(node, _DELETED) and not _is_text(node)) or to_attribute or is_guard:
            self._add(node, "pass")
        elif isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
            self._add(node, "return None")

    def _expression(self, node: ast.expr) -> None:
        match node:
            case ast.Compare():
                self._comparison(node)
            case ast.BoolOp():
                other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
                self._replace(node, ast.BoolOp(other, node.values))
            case ast.UnaryOp(op=ast.Not()):
                self._replace(node, node.operand)
            case ast.Constant():
                self._constant(node)
            case ast.JoinedStr():
                self._add(node, '""')
            case ast.Call():
                self._call(node)
            case ast.Dict() | ast.List() | ast.Set() | ast.Tuple():
                self._collection(node)

    def _comparison(self, node: ast.Compare) -> None:
        for index, operator in enumerate(node.ops):
            new = copy.deepcopy(node)
            new.ops[index] = _OTHER_COMPARISON[type(operator)]()
            self._replace(node, new)

    def _call(self, node: ast.Call) -> None:
        for index in range(len(node.args) - 1):
            swapped = copy.deepcopy(node)
            swapped.args[index : index + 2] = reversed(node.args[index : index + 2])
            if ast.unparse(swapped) != ast.unparse(node):
                self._replace(node, swapped)

    def _constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._add(node, str(not node.value))
            case int() | float():
                self._add(node, repr(node.value + 1))
            case str() | bytes():
                empty = type(node.value)()
                self._add(node, repr(empty) if node.value else '"mutated"')

    def _collection(self, node: ast.Dict | ast.List | ast.Set | ast.Tuple) -> None:
        if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            return
        count = len(node.keys) if isinstance(node, ast.Dict) else len(node.elts)
        for index in range(count):
            fewer = copy.deepcopy(node)
            if isinstance(fewer, ast.Dict):
                del fewer.keys[index]
                del fewer.values[index]
            else:
                del fewer.elts[index]
            self._replace(node, fewer)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a node, without types, format strings' parts and `__all__`."""
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "pattern", "type_params"}:
            continue
        values: Sequence[object] = value if isinstance(value, list) else [value]
        for each in values:
            if isinstance(each, ast.AST) and not _is_text(each):
                yield each


def _is_text(node: ast.AST) -> bool:
    """Return whether a statement is a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _short(old: str, new: str) -> tuple[str, str]:
    """Return both texts in one line each: if they are too long, from shortly before they differ."""
    # ast.unparse writes quotes in its own way.
    pairs = zip(_line(old).replace('"', "'"), _line(new).replace('"', "'"), strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(0, same - _BEFORE)
    return _part(_line(old), start), _part(_line(new), start)


def _line(text: str) -> str:
    """Return a text in one line, with brackets as ast.unparse writes them."""
    return re.sub(r"(?<=[(\[{]) |,? (?=[)\]}])", "", " ".join(text.split()))


def _part(line: str, start: int) -> str:
    if len(line) <= _WIDEST:
        return line
    end = start + _WIDEST
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
