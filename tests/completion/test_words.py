"""The completion scripts and the parsers have the same words."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pytest

from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.commands.completion import SHELLS, described
from kdrvgen.commands.parser import parser_of
from kdrvgen.completion.words import Values, commands
from kdrvgen.lexicon import look_up
from kdrvgen.scaffold import template
from tests.bootstrap.support import kdrvgen_process
from tests.tools import need


def script(shell: str) -> str:
    done = kdrvgen_process("completion", shell, cwd=Path.cwd())
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_option_is_offered(verb: str) -> None:
    (command,) = [each for each in described() if each.verb == verb]
    offered = {name for option in command.options for name in option.names}
    helped = set(
        re.findall(r"^  .*?(--[a-z-]+)", parser_of(verb or DEFAULT).format_help(), re.MULTILINE)
    )
    assert helped <= offered | {"--fix"}
    assert {"--format", "--color", "-q", "--quiet", "-v", "--verbose", "--help"} <= offered


def test_powershell_has_each_option_and_value_of_the_parsers() -> None:
    _, texts, values, positional = re.split(
        r"^ +\$\w+ = @\{$", script("powershell"), flags=re.MULTILINE
    )
    assert _keys(texts).keys() == {f" {verb}" for verb in VERBS} | {
        f"{command.verb} {name}"
        for command in described()
        for option in command.options
        for name in option.names
    }
    assert _keys(values) == {
        f"{command.verb} {name}": _array(option.values)
        for command in described()
        for option in command.options
        if option.values
        for name in option.names
    }
    assert _keys(positional) == {each.verb: _array(each.values) for each in described()}


def _keys(table: str) -> dict[str, str]:
    return dict(re.findall(r"^        '([^']*)' = (.*)$", table, re.MULTILINE))


def _array(values: Values) -> str:
    words = ", ".join(f"'{word}'" for word in values.words)
    return f"@({words})" if words else "$null"


def test_every_task_that_doctor_checks_is_offered() -> None:
    (doctor,) = [each for each in described() if each.verb == "doctor"]
    (option,) = [each for each in doctor.options if "--for" in each.names]
    tasks = option.text.partition("commas: ")[2].partition(";")[0].split(", ")
    assert option.values == Values(tuple(tasks))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_all_commands_and_templates_and_plain_text_only(shell: str) -> None:
    text = script(shell)
    for word in (*VERBS, *template.names(), "x86_64-pc-windows-msvc", "sarif", "linker.args"):
        assert word in text
    assert not [each for each in text if not each.isascii() or (each < " " and each != "\n")]


@pytest.mark.parametrize("shell", ["fish", "powershell", "zsh"])
def test_a_script_says_what_each_command_and_option_does(shell: str) -> None:
    text = script(shell)
    assert "write nothing; list what a run would do, and use its exit code" in text
    assert VERBS["ci"].partition("\n")[0] in text


def test_every_offered_term_can_be_explained() -> None:
    (explain,) = [each for each in described() if each.verb == "explain"]
    assert len(explain.values.words) > 100
    assert [word for word in explain.values.words if not look_up(word)] == []


def test_an_argument_whose_words_nobody_knows_is_an_error() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("new", metavar="UNHEARD")
    with pytest.raises(KeyError, match="UNHEARD"):
        commands({"": ("", parser)}, {})
    assert commands({"": ("", parser)}, {"UNHEARD": Values(("a",))})[0].values.words == ("a",)


@pytest.mark.slow
def test_shellcheck_accepts_the_script_for_bash(tmp_path: Path) -> None:
    need("shellcheck")
    (tmp_path / "kdrvgen.bash").write_text(script("bash"), "utf-8")
    subprocess.run(["shellcheck", "-s", "bash", tmp_path / "kdrvgen.bash"], check=True)


def test_an_unknown_shell_is_reported_with_the_known_ones() -> None:
    done = kdrvgen_process("completion", "tcsh", cwd=Path.cwd())
    assert done.returncode == 2
    assert "invalid choice: 'tcsh'" in done.stderr
