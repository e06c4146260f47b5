"""The locator finds every key and value of every document that tomli accepts."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
import tomli
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from kdrvgen.config.locator import Node, locate

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)
KEY = st.one_of(st.sampled_from(["a", "b", "a-b", "1", "", 'q"', "'"]), TEXT)
SCALAR = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(),
    st.floats(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC])),
    st.dates(),
    st.times(),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEY, inner, max_size=4)),
    max_leaves=12,
)
DOCUMENT = st.dictionaries(KEY, VALUE, max_size=5)


class Writer:
    """Writes a document in one of the many ways TOML has for it."""

    def __init__(self, style: random.Random) -> None:
        self.style = style

    def document(self, table: dict[str, Any]) -> str:
        return "".join(self.table(table, ()))

    def table(self, table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        tables: list[tuple[tuple[str, ...], Any]] = []
        for name, value in table.items():
            nested = isinstance(value, dict) or (
                isinstance(value, list)
                and bool(value)
                and all(isinstance(one, dict) for one in value)
            )
            if nested and self.style.random() < 0.5:
                tables.append(((*path, name), value))
            else:
                yield from self.pairs((name,), value)
        self.style.shuffle(tables)
        for below, value in tables:
            for one in value if isinstance(value, list) else [value]:
                left, right = ("[[", "]]") if isinstance(value, list) else ("[", "]")
                yield f"{self.blank()}{left}{self.blank()}{self.key(below)}{self.blank()}{right}"
                yield f"{self.comment()}\n"
                yield from self.table(one, below)

    def pairs(self, key: tuple[str, ...], value: object) -> Iterator[str]:
        if isinstance(value, dict) and value and self.style.random() < 0.5:
            for name, below in value.items():
                yield from self.pairs((*key, name), below)
        else:
            written = f"{self.key(key)}{self.blank()}={self.blank()}{self.value(value)}"
            yield f"{self.blank()}{written}{self.comment()}\n"

    def blank(self) -> str:
        return self.style.choice(["", "", " ", "\t", "  "])

    def comment(self) -> str:
        return self.blank() + self.style.choice(["", "", "# ] } \" ''' = [x]"])

    def gap(self) -> str:
        return self.style.choice(["", " ", "\n", f"{self.comment()}\n\n\t"])

    def key(self, parts: tuple[str, ...]) -> str:
        dot = f"{self.blank()}.{self.blank()}"
        return dot.join(self.part(part) for part in parts)

    def part(self, part: str) -> str:
        bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
        if bare and self.style.random() < 0.7:
            return part
        literal = part.isprintable() and "'" not in part
        return f"'{part}'" if literal and self.style.random() < 0.5 else self.basic(part)

    def basic(self, text: str, mark: str = '"') -> str:
        kept = {"\n"} if mark == '"""' else set()
        return f"{mark}{''.join(self.character(one, kept) for one in text)}{mark}"

    def character(self, one: str, kept: set[str]) -> str:
        if one in '\\"':
            return f"\\{one}"
        return one if one.isprintable() or one in kept else f"\\U{ord(one):08x}"

    def string(self, text: str) -> str:
        ways = [self.basic(text), '"""\n' + self.basic(text, '"""')[3:]]
        if text.isprintable() and "'" not in text:
            ways.append(f"'{text}'")
        if text.replace("\n", "").isprintable() and "''" not in text:
            ways.append(f"'''\n{text}'''")
        if not text[:1].isspace():
            ways.append('"""\\\n   ' + self.basic(text, '"""')[3:])
        return self.style.choice(ways)

    def value(self, value: object) -> str:
        match value:
            case str():
                return self.string(value)
            case list():
                inside = [f"{self.gap()}{self.value(one)}{self.gap()}" for one in value]
                last = self.style.choice(["", f",{self.gap()}"]) if inside else self.gap()
                return f"[{','.join(inside)}{last}]"
            case dict():
                pairs = [
                    f"{self.blank()}{self.key((name,))}{self.blank()}={self.blank()}"
                    f"{self.value(below)}{self.blank()}"
                    for name, below in value.items()
                ]
                return f"{{{','.join(pairs)}}}"
        return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")


def same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def assert_located(text: str, node: Node, value: object) -> None:
    """Compare what tomli reads from each span alone with what it reads from the whole."""
    if node.value:
        start, end = node.value
        assert same(tomli.loads(f"x = {text[start:end]}")["x"], value)
    else:
        assert isinstance(value, dict | list)
    members: dict[Any, Any] = (
        value
        if isinstance(value, dict)
        else dict(enumerate(value))
        if isinstance(value, list)
        else {}
    )
    assert set(node.children) == set(members)
    for part, member in members.items():
        child = node.children[part]
        if isinstance(part, str):
            assert child.key
            start, end = child.key
            assert tomli.loads(f"{text[start:end]} = 0") == {part: 0}
        assert_located(text, child, member)


def assert_document(text: str) -> None:
    normal = text.replace("\r\n", "\n")
    root = locate(normal)
    assert root.value is None
    root.value = None
    assert_located(normal, root, tomli.loads(text))


@given(document=DOCUMENT, crlf=st.booleans(), multiline=st.booleans())
def test_a_document_that_tomli_w_wrote_is_located(
    document: dict[str, Any],
    *,
    crlf: bool,
    multiline: bool,
) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    assert_document(text.replace("\n", "\r\n") if crlf else text)


@given(document=DOCUMENT, style=st.randoms(use_true_random=False), crlf=st.booleans())
def test_a_document_in_any_style_is_located(
    document: dict[str, Any],
    style: random.Random,
    *,
    crlf: bool,
) -> None:
    text = Writer(style).document(document)
    assert_document(text.replace("\n", "\r\n") if crlf else text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        'a = """""""',
        'a = """"""""',
        "a = ''''''''",
        'a = """x\\"""" # y"""',
        'a = ["]", \'#\', """\n]"""] # ]',
        "a = 1979-05-27 07:32:00 # b",
        "a = [1979-05-27 07:32:00,1979-05-27]",
        "[a.b.c]\nx = 1\n[a]\ny = 2\n[a.b]\nz = 3",
        "[[a]]\nb.c = 1\n[a.d]\ne = 1\n[[a]]\n[[a.f]]\n[[a.f]]\ng = 1",
        "a . 'b' . \"c\\u0064\" = {x.y = 1, x.z = [{}, {q = 1}]}",
        "a = " + "[" * 390 + "]" * 390,
    ],
)
def test_corner_cases_of_the_grammar_are_located(text: str) -> None:
    tomli.loads(text)
    if text.count("[") < 100:  # the comparison itself is recursive
        assert_document(text)
    else:
        assert locate(text).children["a"].value == (4, len(text))


def test_additions_of_toml_1_1_are_located_where_tomli_accepts_them() -> None:
    text = 'a = {\n  b = "\\x41\\e", # c\n  d = 07:32,\n}\n'
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError:
        pytest.skip("this tomli is one for TOML 1.0")
    assert_document(text)
