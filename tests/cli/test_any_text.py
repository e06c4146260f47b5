"""Whatever a file or a file name holds, no output shows it as something else or obeys it."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.characters import defused, visible
from tests.report.support import FORMS, Form, rendered

Run = Callable[..., subprocess.CompletedProcess[str]]

HOSTILE = [
    "\x1b[2J",
    "\x07",
    "\x7f",
    "\x9b31m",
    "\r",
    "\n::error::x",
    "\u061c",
    "\u115f",
    "\u200b",
    "\u200e",
    "\u200f",
    "\u2028",
    "\u202e",
    "\u2066",
    "\u2800",
    "\u3164",
    "\ufe0f",
    "\ufeff",
    "\U000e0041",
    "\U000e0101",
]
COMMANDS = ["::error::x", "::add-mask::hello", "  ::set-env name=x::y", "##[error]x", "##vso[x]y"]


def is_raw(character: str) -> bool:
    """Tell whether a character is one that a reader does not see; without kdrvgen's own tables."""
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character != "\n"
    ) or character in "\u115f\u2800\u3164\ufe0f\U000e0101"


def assert_harmless(output: str, *, has_commands: bool = False) -> None:
    assert not [character for character in output if is_raw(character)]
    if not has_commands:
        assert not re.search(r"(?m)^\s*::", output)
        assert "##[" not in output
        assert "##vso[" not in output


@pytest.mark.parametrize("text", HOSTILE)
def test_an_invisible_character_is_refused_in_names_and_values(text: str) -> None:
    escaped = "".join(f"\\U{ord(character):08x}" for character in text)
    for line in (
        f'bootstrap.description = "a{escaped}b"',
        f'linker.args = ["/A{escaped}"]',
        f'makefile.env.A = "{escaped}"',
        f'makefile.env."A{escaped}" = "x"',
        f'build.args = ["-v{escaped}"]',
        f'cargo-config.http.user-agent = "{escaped}"',
        f'cargo-config.alias."a{escaped}" = "x"',
        f'makefile.tasks."a{escaped}".command = "x"',
        f'makefile.tasks.a.args = ["x", {{ y = "{escaped}" }}]',
        f'profiles."a{escaped}".cargo-profile = "dev"',
    ):
        # The values of own tasks are scripts too, which have lines.
        if text[0] in "\r\n" and (
            "makefile.env.A " in line or "tasks.a." in line or "user-agent" in line
        ):
            continue
        with pytest.raises(kdrvgen.ConfigError) as caught:
            kdrvgen.loads(f'driver.name = "hello"\n{line}\n')
        (found,) = caught.value.findings
        assert f"U+{ord(text[0]):04X}" in found.message
        assert found.place
        assert found.place.line == 2


def test_the_error_names_the_key_in_which_a_character_is_invisible() -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads('driver.name = "hello"\n[makefile.tasks.a]\nargs = ["x", "y\\u200b"]\n')
    (found,) = caught.value.findings
    assert found.key == ("makefile", "tasks", "a", "args", 1)
    assert found.message.endswith("character 2 is U+200B, an invisible character")
    assert found.help.startswith("remove it")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [*HOSTILE, *COMMANDS])
def test_an_error_prints_no_control_character_or_command_from_a_file(text: str, form: Form) -> None:
    written = "".join(
        character if character.isprintable() else f"\\U{ord(character):08x}" for character in text
    )
    for config in (
        f'"{written}" = 1\n',
        f'driver.name = "{written}"\n',
        f"{text}\n",
        f"a = 1 # {text}\nb = \n",
        f'driver.name = "hello"\nmakefile.tasks.a.dependencies = ["{written}"]\n',
    ):
        with pytest.raises(kdrvgen.ConfigError) as caught:
            kdrvgen.loads(config, f"{text}.toml")
        drawn = rendered(caught.value.findings, form)
        assert_harmless(drawn, has_commands=form == "github")
        if form == "github":
            assert len(drawn.splitlines()) == len(caught.value.findings)
        elif form == "json":
            assert drawn.isascii()
            assert json.loads(drawn)["findings"][0]["place"]["file"] == f"{text}.toml"
        assert_harmless(str(caught.value))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["human", "json", "github"])
@pytest.mark.parametrize(
    "text",
    [
        "".join(each for each in HOSTILE if "\n" not in each),
        "\n::error::x",
        *COMMANDS[:1],
        COMMANDS[3],
    ],
)
def test_every_command_escapes_control_characters_in_file_names(
    run: Run, project: Path, text: str, form: str
) -> None:
    folder = project / f"{text}x"
    folder.mkdir()
    config = folder / f"{text}.toml"
    config.write_text('[driver]\nname = "hello"\n', "utf-8")
    (folder / "Makefile.toml").write_text(f"# {text}\n", "utf-8")
    (folder / "build.rs").symlink_to(project / f"{text}y")
    (folder / ".cargo").mkdir()
    (folder / ".cargo" / "config").write_text(text, "utf-8")
    place = f"{folder.relative_to(project)}"
    for words in (
        [f"{place}/{text}.toml"],
        [f"{place}/{text}.toml", "--diff"],
        [f"{place}/{text}.toml", "--check", "-v"],
        [f"{place}/{text}.tml"],
        ["eject", f"{place}/{text}.toml"],
        ["why", f"{place}/Makefile.toml:1"],
        ["explain", text],
        ["adopt", place],
        ["new", text, f"{text}=1"],
        ["config.toml", f"--{text}"],
    ):
        done = run(*words, "--format", form, GITHUB_ACTIONS="true")
        assert done.returncode not in {0, 1} or words[0] == "eject" or "--diff" in words
        own = re.sub(r"(?ms)^::stop-commands::(\w+)$.*?^::\1::$", "", done.stdout)
        assert_harmless(own, has_commands=form == "github")
        assert_harmless(done.stderr)
        assert not [each for each in done.stdout if is_raw(each) and each != "\t"]
        if form == "github":
            lines = [line for line in own.splitlines() if line.lstrip().startswith("::")]
            assert all(re.match(r"::(error|warning|notice)[ :]", line) for line in lines)
            assert not any(line.startswith("::error::x") for line in lines)


@pytest.mark.one_in(8)
@pytest.mark.parametrize("text", COMMANDS)
def test_a_diff_in_the_human_format_has_no_workflow_commands(
    run: Run, project: Path, text: str
) -> None:
    run("config.toml")
    makefile = project / "Makefile.toml"
    makefile.write_text(makefile.read_text("utf-8").replace("\n\n", f"\n {text}\n", 3), "utf-8")
    done = run("config.toml", "--diff")
    assert text.replace("::", "", 1).lstrip(" #")[:3] in done.stdout
    assert_harmless(done.stdout)


def test_ordinary_text_is_not_changed() -> None:
    text = "a::b ## c # ünï 漢字 é\n  x::y\n"
    assert visible(text, keep="\n") == text
    assert defused(text) == text
    assert defused("\x1b[1m::error::x\x1b[0m\n") == "\x1b[1m\\x3a:error::x\x1b[0m\n"
    assert defused("a ##[b]") == "a #\\x23[b]"
