"""INF files are parsed as SetupAPI does."""

from __future__ import annotations

import pytest

from kdrvgen.packaging.inf.document import Inf
from kdrvgen.packaging.inf.parse import parse, parse_text
from kdrvgen.packaging.inf.text import encode


def values(text: str) -> list[tuple[str | None, list[str]]]:
    """Return key and values of each entry of the section `[s]`."""
    section = parse_text(f"[s]\n{text}", "x.inf").section("S")
    assert section
    return [
        (entry.key.text if entry.key else None, [field.text for field in entry.values])
        for entry in section.entries
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b", [("a", ["b"])]),
        ("a=b,c, ,d", [("a", ["b", "c", "", "d"])]),
        ("HKR,,Name,0x1,5", [(None, ["HKR", "", "Name", "0x1", "5"])]),
        ("a = b = c", [("a", ["b = c"])]),
        ("a, b = c", [(None, ["a", "b = c"])]),
        ("hello.sys", [(None, ["hello.sys"])]),
        ("a = b ; comment", [("a", ["b"])]),
        ('a = "b ; c, d = e"', [("a", ["b ; c, d = e"])]),
        ('a = "b ""c"" d"', [("a", ['b "c" d'])]),
        ('a = "  b  "  ', [("a", ["  b  "])]),
        (r'a = "x\"%y%, z', [("a", [r"x\%y%", "z"])]),
        ("a = b, \\\n  c", [("a", ["b", "c"])]),
        ("a = b, \\ ; comment\n  c", [("a", ["b", "c"])]),
        (r"a = b\c", [("a", [r"b\c"])]),
        ('"a = b" = c', [("a = b", ["c"])]),
        ("a =", [("a", [""])]),
        ("; only a comment", []),
        ("\t\x0b a = b", [("a", ["b"])]),
        ("a = b\x1a\nc = d", [("a", ["b"])]),
    ],
)
def test_entries_have_keys_and_values(text: str, expected: list[object]) -> None:
    assert values(text) == expected


def test_sections_with_the_same_name_are_one() -> None:
    inf = parse_text("[A]\nx = 1\n[b]\n[a]\nx = 2", "x.inf")

    assert list(inf.sections) == ["a", "b"]
    assert [entry.values[0].text for entry in inf.sections["a"].all("x")] == ["1", "2"]


def test_string_tokens_are_replaced_once() -> None:
    inf = parse_text('[a]\nx = %one%%%two%%\n[Strings]\nONE = "%two%"\ntwo = 2', "x.inf")

    assert inf.text("a", "x") == "%two%%two%"
    assert inf.expand("%none% %12%") == "%none% %12%"
    assert list(inf.tokens("%one% %12% %% %none%")) == ["one", "none"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_places_count_lines_and_columns_from_one(end: str) -> None:
    text = end.join(["; comment", "[a]", "  key = first, \\", '    "second"', ""])
    inf = parse(encode(text, as_utf_16=True), "x.inf")

    entry = inf.find("a", "key")
    assert entry
    assert entry.key
    assert str(inf.place(entry.key)) == "x.inf:3:3"
    assert str(inf.place(entry.values[1])) == "x.inf:4:5"
    assert inf.place(entry.values[1]).length == len('"second"')


def test_all_encodings_give_the_same_sections() -> None:
    text = '[Strings]\r\na = "é"\r\n'
    found = [
        parse(text.encode("cp1252"), "x"),
        parse(encode(text), "x"),
        parse(b"\xef\xbb\xbf" + text.encode(), "x"),
        parse(b"\xfe\xff" + text.encode("utf-16-be"), "x"),
        parse(text.encode("utf-16-le"), "x"),
    ]

    assert [inf.text("strings", "a") for inf in found] == ["é"] * 5
    assert [bool(inf.encoding_flaw) for inf in found] == [False, False, True, True, True]


def test_a_text_is_written_as_ascii_or_else_as_utf_16() -> None:
    assert encode("[a]\nb\r\n") == b"[a]\r\nb\r\n"
    assert encode("é\n") == b"\xff\xfe\xe9\x00\r\x00\n\x00"


def test_too_long_names_and_values_are_reported() -> None:
    inf: Inf = parse_text(f"[{'a' * 256}]\nx = {'b' * 4096}", "x.inf")

    assert [flaw.message for flaw in inf.flaws] == [
        "the name of a section has more than 255 characters",
        "a value has more than 4095 characters",
    ]
