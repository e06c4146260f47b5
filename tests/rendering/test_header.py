"""The header of owned files: whose a file is, and whether it was edited."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdrvgen import __version__
from kdrvgen.rendering.header import Ownership, eject, examine, seal

BODY = "fn main() {\n    println!();\n}\n"


@pytest.mark.parametrize("comment", ["#", "//"])
def test_a_new_file_is_intact(comment: str) -> None:
    text = seal(BODY, comment)
    assert examine(text) is Ownership.INTACT
    assert text.endswith(f"\n\n{BODY}")


@pytest.mark.parametrize("comment", ["#", "//"])
def test_the_header_names_tool_version_and_command_in_comments(comment: str) -> None:
    header = seal(BODY, comment).split("\n\n")[0]
    assert f"kdrvgen {__version__}" in header
    assert "kdrvgen config.toml" in header
    assert all(line.startswith(f"{comment} ") for line in header.splitlines())


def test_a_windows_checkout_is_intact() -> None:
    text = seal(BODY, "//")
    assert examine(text.replace("\n", "\r\n")) is Ownership.INTACT
    assert examine("\ufeff" + text) is Ownership.INTACT
    assert examine("\ufeff" + text.replace("\n", "\r\n")) is Ownership.INTACT


@pytest.mark.parametrize("body", ["", "\n", "\n\nx", "x", "ünï\n", "# kdrvgen-digest: sha256:0\n"])
def test_any_body_can_be_sealed(body: str) -> None:
    assert examine(seal(body, "#")) is Ownership.INTACT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("println", "eprintln"),
        ("}\n", "}"),
        ("}\n", "}\n\n"),
        ("    ", "\t"),
        (__version__, "99.0"),
        ("kdrvgen config.toml", "kdrvgen other.toml"),
        ("\n\nfn", "\nx\nfn"),
        ("sha256:", "sha256:0"),
    ],
)
def test_any_edit_is_detected(old: str, new: str) -> None:
    text = seal(BODY, "//").replace(old, new, 1)
    assert examine(text) is not Ownership.INTACT


def test_an_edited_file_is_distinguished_from_a_foreign_one() -> None:
    assert examine(seal(BODY, "//") + "// mine\n") is Ownership.EDITED
    assert examine(BODY) is Ownership.FOREIGN
    assert examine("") is Ownership.FOREIGN
    assert examine("\n" * 10) is Ownership.FOREIGN


def test_a_file_that_quotes_a_header_further_down_is_foreign() -> None:
    assert examine("\n" + seal(BODY, "//")) is Ownership.FOREIGN
    assert examine("// my own first line\n" + seal(BODY, "//")) is Ownership.FOREIGN


@given(
    body=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff")),
    is_sealed=st.booleans(),
    is_from_windows=st.booleans(),
)
def test_any_file_can_be_ejected_and_keeps_its_text(
    body: str, *, is_sealed: bool, is_from_windows: bool
) -> None:
    text = seal(body, "#") if is_sealed else body
    if is_from_windows:
        text, body = text.replace("\n", "\r\n"), body.replace("\n", "\r\n")
    ejected = eject(text, "#")
    assert examine(text) is Ownership.EJECTED or ejected.endswith(body)
    for found in (ejected, "\ufeff" + ejected, ejected.replace("\r\n", "\n")):
        assert examine(found) is Ownership.EJECTED
    assert examine("# a license\n\n" + ejected) is Ownership.EJECTED
    assert examine("code\n" + ejected) is Ownership.FOREIGN


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_mark_of_an_ejected_file_has_the_line_ends_of_the_file(end: str) -> None:
    text = seal("a\nb\n", "#").replace("\n", end)
    assert eject(text, "#").split(end) == [
        "# Ejected from kdrvgen: this file is yours, and kdrvgen does not change it. If you delete",
        "# it, kdrvgen generates it again.",
        "",
        "a",
        "b",
        "",
    ]


@pytest.mark.parametrize("text", [seal("a\nb\n", "#"), "a\nb\n"], ids=["sealed", "foreign"])
def test_a_byte_order_mark_stays_at_the_beginning_of_an_ejected_file(text: str) -> None:
    ejected = eject(f"\ufeff{text}", "#")
    assert ejected == f"\ufeff{eject(text, '#')}"
    assert ejected.count("\ufeff") == 1
