"""Findings in each format: aligned, cut to fit, no control characters, no secrets."""

from __future__ import annotations

import json
import re

import pytest

import kdrvgen
from kdrvgen.report.finding import Finding
from kdrvgen.report.human import draw
from tests.report.support import FORMS, Form, rendered


def findings_in(text: str, name: str = "config.toml") -> tuple[Finding, ...]:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(text, name)
    return caught.value.findings


def test_control_and_bidirectional_characters_are_escaped() -> None:
    text = '"\u202e\\u001b[2J" = 1 # \u2066\ndriver.name = "a\\u001b]0;x\\u0007"\n'
    for form in FORMS[::2]:
        drawn = rendered(findings_in(text, "\x1b[31m.toml"), form)
        assert drawn.replace("\n", "").isprintable()
    assert "\\x1b[31m.toml" in draw(findings_in(text, "\x1b[31m.toml"))


def test_a_caret_is_under_its_word_after_tabs_and_wide_characters() -> None:
    drawn = draw(findings_in('driver = { name = "hello",\t"漢字é" = 1, zz = 2 }\n'))
    line, carets = drawn.splitlines()[-4:-2]
    wide_until_zz = sum(2 if one in "漢字" else 1 for one in line[: line.index("zz")])
    assert carets.index("^") == wide_until_zz
    assert carets.strip(" |") == "^^"


def test_a_long_line_is_cut_around_the_caret() -> None:
    drawn = draw(findings_in(f"driver = {{ name = '{'x' * 900}', zz = 1 }}"))
    assert all(len(line) < 400 for line in drawn.splitlines())
    shown = [line for line in drawn.splitlines() if "zz = 1" in line and "|" in line]
    assert shown


def test_color_is_only_used_on_request() -> None:
    found = findings_in("[driver]\nnmae = 1\n")
    colored = draw(found, color=True)
    assert "\x1b[" in colored
    assert "\x1b" not in draw(found)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert stripped == draw(found)


def test_the_last_line_counts_the_findings() -> None:
    assert draw(findings_in("")).endswith("\n1 error in config.toml\n")
    assert draw(findings_in("[driver]\nnmae = 1\n")).endswith("\n2 errors in config.toml\n")


def test_json_contains_places_and_is_ascii() -> None:
    drawn = rendered(
        findings_in('[driver]\nname = "ä"\n'),
        "json",
    )
    assert drawn.isascii()
    (found,) = json.loads(drawn)["findings"]
    assert found["rule"] == "key-value"
    assert found["key"] == ["driver", "name"]
    assert found["place"] == {"file": "config.toml", "line": 2, "column": 8, "length": 3}
    assert found["source"] == 'name = "ä"'


def test_github_commands_are_escaped() -> None:
    drawn = rendered(findings_in("driver.name = 5\n", "a,b:c%.toml"), "github")
    assert drawn.startswith("::error file=a%2Cb%3Ac%25.toml,line=1,col=15,endColumn=16::")
    assert "%0Ahelp: " in drawn
    assert drawn.count("\n") == 1


def test_github_gets_the_other_places_of_a_finding_as_notes() -> None:
    text = 'driver.name = "a"\nmakefile.hooks.after-sign = ["h", "h"]\nmakefile.tasks.h = {}\n'
    found = findings_in(text)
    assert "%0Anote: line 2: " in rendered(found, "github")

    other = kdrvgen.Related("it is set here", kdrvgen.Place("b%.toml", 3, 1))
    drawn = rendered([found[0]._replace(related=(other,))], "github")
    assert drawn.endswith("%0Anote: b%25.toml, line 3: it is set here\n")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        '[signing]\npfx-password-env = "hunter2 x"\n',
        '[signing]\npfx-password = "hunter2"\n',
        "signing = { PIN = 'hunter2', password = ['hunter2'], mod = 1 }",
        '[signing]\npin = """\nhunter2\n"""\nnope = 1\n',
        "[signing]\npassword = hunter2\n",
        '[signing]\npassword = "hunter2\n',
        '[signing]\npassword = "hunter2" "\n',
        "[signing]\npassword: hunter2\n",
        'password = """\nhunter2 \\q\n"""\n',
        'pins = [\n  "1",\n  hunter2\n]\n',
        'password = "hunter2"\npassword = "hunter2"\n',
        "secret = 1" + "0" * 5000 + " # hunter2",
    ],
)
def test_nothing_shows_a_password(text: str, form: Form) -> None:
    found = findings_in(text)
    assert "hunter2" not in rendered(found, form)
    assert "hunter2" not in repr(found)


def test_the_mask_does_not_show_the_length_of_a_secret() -> None:
    short, long = (
        draw(findings_in(f'[signing]\npfx-password-env = "{secret}"\n')).splitlines()
        for secret in ("a b", "a longer secret")
    )
    assert short == long


def test_an_ordinary_key_is_not_masked() -> None:
    drawn = draw(findings_in('[driver]\nname = "hello"\nmapping = "shown"\n'))
    assert 'mapping = "shown"' in drawn
