"""Where the settings of a new project come from: the command line, another project, a dialog."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.cli import main
from tests.bootstrap.support import kdrvgen_process

OWN = """\
[questions.company]
text = "Who signs?"
[questions.with-irp]
text = "Handle requests?"
default = false
[questions.bus]
text = "Bus of the device"
default = "pci"
choices = ["pci", "usb"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of a user's template with questions, below `tmp_path`."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "template.toml").write_text(OWN, "utf-8")
    return folder


def error(*words: str | Path, cwd: Path) -> str:
    done = kdrvgen_process("new", "hello", *words, cwd=cwd)
    assert done.returncode == 3
    assert not (cwd / "hello").exists()
    return done.stderr


def test_a_folder_and_another_name_can_be_given(tmp_path: Path) -> None:
    done = kdrvgen_process("new", "drivers/there", "driver.name=hello", cwd=tmp_path)
    assert done.returncode == 0
    assert kdrvgen.load(tmp_path / "drivers" / "there" / "config.toml").driver.name == "hello"


def test_an_answer_is_not_one_of_the_choices(own: Path, tmp_path: Path) -> None:
    found = error("--template", own, "bus=ubs", cwd=tmp_path)
    assert '= help: did you mean "usb"?\n' in found
    assert "use one of pci, usb\n" in found
    assert found.endswith("\n1 error in command line\n")


def test_an_unknown_answer_has_its_place_and_the_name_of_a_question(
    own: Path, tmp_path: Path
) -> None:
    assert error("--template", own, "compny=x", cwd=tmp_path) == (
        "command line:1:19: error: unknown option `compny`\n"
        "  1 | kdrvgen new hello compny=x\n"
        "    |                   ^^^^^^\n"
        "    = help: did you mean `company`?\n"
        "\n1 error in command line\n"
    )


def test_errors_are_in_the_order_of_the_command_line(tmp_path: Path) -> None:
    words = ("log-level=info", "alocator=yes", "bootstrap.edition=2020", "git=no", "git=yes")
    found = error("--template", "wdk", *words, cwd=tmp_path)
    places = re.findall(r"^command line:1:(\d+): error: ([^`]*`[^`]*`)", found, re.MULTILINE)
    assert places == [
        ("19", "the template `wdk`"),
        ("34", "unknown option `alocator`"),
        ("65", "`bootstrap.edition`"),
        ("77", "`bootstrap.git`"),
    ]
    assert "command line:1:70: note: first set here\n" in found


def test_an_unknown_option_is_the_only_error(tmp_path: Path) -> None:
    assert error("alocator=yes", cwd=tmp_path).endswith("\n1 error in command line\n")


@pytest.mark.parametrize(
    ("word", "column", "help_"),
    [
        ("driver..x=1", 19, "write a setting such as `license=MIT`"),
        ("driver.license=MIT", 19, "write `bootstrap.license=…`"),
    ],
)
def test_a_key_that_config_toml_cannot_have_is_an_error_at_its_place(
    word: str, column: int, help_: str, tmp_path: Path
) -> None:
    found = error(word, cwd=tmp_path)
    assert found.startswith(f"command line:1:{column}: error: `{word.partition('=')[0]}` is not a ")
    assert f"= help: {help_}\n" in found


def test_a_table_cannot_be_set_to_a_text(tmp_path: Path) -> None:
    assert "command line:1:19: error: `driver` is set twice\n" in error("driver=x", cwd=tmp_path)


def test_an_answer_under_its_whole_key_is_yes_or_no(own: Path, tmp_path: Path) -> None:
    words = ("--template", own, "bootstrap.answers.with-irp=yes")
    done = kdrvgen_process("new", "hello", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = kdrvgen.load(tmp_path / "hello" / "config.toml").bootstrap.answers
    assert answers["with-irp"] is True


@pytest.mark.slow
def test_each_way_to_write_yes_and_no_is_understood(tmp_path: Path) -> None:
    words = {
        True: ("true", "yes", "y", "on", "1", "Yes"),
        False: ("false", "no", "n", "off", "0", "NO"),
    }
    for value, texts in words.items():
        for text in texts:
            where = tmp_path / f"{text}-"
            assert main(["new", "hello", "-q", "-o", str(where), f"vscode={text}"]) == 0
            assert (where / "hello" / ".vscode" / "tasks.json").exists() is value


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("/MAP, /DEBUG:FULL", ("/MAP", "/DEBUG:FULL")),
        ('["/MAP:a,b"]', ("/MAP:a,b",)),
        (' [ "/MAP" ]', ("/MAP",)),
        ("", ()),
    ],
)
def test_an_array_is_written_with_commas_or_as_in_toml(
    text: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    assert main(["new", "hello", "-q", "-o", str(tmp_path), f"linker.args={text}"]) == 0
    assert kdrvgen.load(tmp_path / "hello" / "config.toml").linker.args == arguments


def test_answers_that_another_template_does_not_ask_for_are_left_out(
    own: Path, tmp_path: Path
) -> None:
    first = ("--template", own, "company=ACME", "bus=usb", "with-irp=yes")
    assert kdrvgen_process("new", "hello", *first, cwd=tmp_path).returncode == 0
    (own / "template.toml").write_text(OWN.partition("[questions.bus]")[0], "utf-8")
    words = ("new", "other", "--config", "hello/config.toml", "--template", "./mine")
    done = kdrvgen_process(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = kdrvgen.load(tmp_path / "other" / "config.toml").bootstrap.answers
    assert dict(answers) == {"company": "ACME", "with-irp": True}


def test_a_key_has_the_name_of_config_toml_in_the_api_too(tmp_path: Path) -> None:
    with pytest.raises(kdrvgen.ConfigError, match="hyphens: `output-name`"):
        kdrvgen.bootstrap(tmp_path, "hello", config={"driver": {"output_name": "x"}})
