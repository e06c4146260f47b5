"""What an error proposes, and when it proposes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.report.finding import Finding

DRIVER = '[driver]\nname = "hello"\n'


def finding(text: str) -> Finding:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(text)
    (only,) = caught.value.findings
    return only


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("= 1", "this line is not TOML", "a line is `key = value`, a `[table]` or a `# comment`"),
        ("} # of a table", "this line is not TOML", "remove the extra closing bracket"),
        ("] # of an array", "this line is not TOML", "remove the extra closing bracket"),
        ("x = None", "this is not a TOML value", "TOML has no null: leave the key out"),
        ("x = nil", "this is not a TOML value", "TOML has no null: leave the key out"),
        ("x = off", "this is not a TOML value", "write `false`"),
        ("x = it's", "this is not a TOML value", "put strings in quotes"),
        ("x = hello", "this is not a TOML value", 'put strings in quotes: `x = "hello"`'),
        ("x = 1;", "expected the end of the line", "remove the `;`: the end of the line"),
        ("x = 1, 2", "expected the end of the line", "remove the `,`: commas separate only"),
        ("x = 1 2", "this is not a TOML value", 'put strings in quotes: `x = "1 2"`'),
        ('x = "\a"', "the control character U+0007 is not allowed here", "write it as `\\u0007`"),
    ],
)
def test_a_line_that_is_no_toml_is_answered_with_what_to_write(
    line: str, message: str, hint: str
) -> None:
    found = finding(f"{line}\n{DRIVER}")
    assert (found.message, hint in found.help) == (message, True), found.help
    assert found.place
    assert found.place.line == 1


def test_a_bare_value_that_is_too_long_to_repeat_is_not_repeated() -> None:
    assert finding(f"x = {'a' * 80}\n").help.endswith('aaa"`')
    assert finding(f"x = {'a' * 81}\n").help == "put strings in quotes"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("1" * 60, f'quote it: `name = "{"1" * 60}"`'),
        ("1" * 61, ""),
        ('{ a = "b" }', ""),
    ],
)
def test_a_value_of_the_wrong_type_is_rewritten_if_it_is_short(value: str, hint: str) -> None:
    assert finding(f"[driver]\nname = {value}\n").help == hint


def test_a_string_for_an_array_is_rewritten_if_it_is_in_one_line() -> None:
    linker = f"{DRIVER}[linker]\nargs = "
    assert finding(f"{linker}'/MAP'\n").help == "put it in brackets: `args = ['/MAP']`"
    assert not finding(f"{linker}'''\n/MAP'''\n").help


@pytest.mark.parametrize("name", ["a", "x-driver"])
def test_a_name_without_its_extension_is_answered_with_the_whole_name(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name}.toml").write_text(DRIVER, "utf-8")
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(tmp_path / name)
    assert caught.value.findings[0].help == f"did you mean {tmp_path / name}.toml?"


def test_a_file_of_one_nul_character_is_not_taken_for_utf_16(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\0")
    with pytest.raises(kdrvgen.ConfigError, match="NUL character: this is not a text file"):
        kdrvgen.load(file)


def test_a_byte_of_an_older_encoding_is_answered_with_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(DRIVER.encode() + b"# \xe9\n")
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(file)
    assert caught.value.findings[0].help.startswith("save the file as UTF-8; it may use an older")


@pytest.mark.parametrize("value", ["it's", 'a "b'])
def test_a_bare_value_that_holds_a_quotation_mark_is_not_repeated(value: str) -> None:
    assert finding(f"x = {value}\n").help == "put strings in quotes"
