"""`kdrvgen new` at a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import kdrvgen
from tests.bootstrap.support import bootstrap, tree

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

from tests.bootstrap.terminal import CTRL_C, CTRL_D, talk

DIALOG = Path(__file__).with_name("dialog.txt")


@pytest.mark.slow
def test_with_only_a_name_all_questions_are_asked(tmp_path: Path) -> None:
    answers = ["1", "Says hello", "MIT", "", "", "", "", "", "", "", "", ""]
    session = talk(["new", "hello"], answers, tmp_path)
    assert session.code == 0
    assert session.screen.endswith("Next:\n  cd hello\n  cargo make sign\n")
    project = kdrvgen.load(tmp_path / "hello" / "config.toml")
    assert (project.bootstrap.description, project.bootstrap.license) == ("Says hello", "MIT")
    assert project.bootstrap.template == "minimal"


@pytest.mark.slow
def test_default_answers_give_the_same_project_as_no_input(tmp_path: Path) -> None:
    assert talk(["new", "hello"], [""] * 15, tmp_path).code == 0
    (tmp_path / "silent").mkdir()
    silent = bootstrap(tmp_path / "silent", "minimal")
    assert tree(tmp_path / "hello") == tree(silent)


@pytest.mark.slow
def test_a_wrong_answer_is_reported_and_the_question_repeated(tmp_path: Path) -> None:
    answers = ["con", "hello", "nonsense", "minimal", "", "", "2020", "2024", "i686", "", "x", ""]
    session = talk(["new", "log-level=info"], [*answers, *[""] * 9], tmp_path)
    assert session.code == 0
    assert "`con` is a device in Windows" in session.screen
    assert "this template does not exist" in session.screen
    assert 'did you mean "2021"?' in session.screen
    assert "`x` is not a valid toolchain channel" in session.screen
    assert kdrvgen.load(tmp_path / "hello" / "config.toml").bootstrap.edition == "2024"


@pytest.mark.slow
def test_the_dialog_is_the_golden_one(tmp_path: Path) -> None:
    answers = ["my driver", "hello", "9", "devise", "2", "x\ty", "a driver", "MIT", "2020", "2024"]
    answers += [
        "i686",
        "i686-pc-windows-msvc",
        "x",
        "nightly",
        "maybe",
        "no",
        "DbgPrint",
        "",
        "yes",
    ]
    session = talk(["new"], answers, tmp_path)
    screen = session.screen
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        DIALOG.write_text(screen, "utf-8")
    assert screen == DIALOG.read_text("utf-8")
    assert (session.code, session.unasked) == (0, [])


@pytest.mark.slow
def test_a_setting_on_the_command_line_is_not_asked_for(tmp_path: Path) -> None:
    words = ["bootstrap.description=d", "bootstrap.license=MIT", "bootstrap.edition=2021"]
    words += ["driver.target=x86_64-pc-windows-msvc", "toolchain.channel=stable", "allocator=no"]
    words += ["logger=DbgPrint", "git=no"]
    session = talk(["new", "hello", "--template", "minimal", *words], ["yes", "left"], tmp_path)
    assert (session.code, session.unasked) == (0, ["left"])
    assert (tmp_path / "hello" / ".vscode" / "tasks.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "unasked", "tag"),
    [(["yes", "much too long", "Mine"], [], "Mine"), (["no", "left"], ["left"], None)],
    ids=["with an allocator", "without"],
)
def test_the_pool_tag_is_a_question_about_the_allocator(
    answers: list[str], unasked: list[str], tag: str | None, tmp_path: Path
) -> None:
    words = ["bootstrap.description=d", "bootstrap.license=MIT", "bootstrap.edition=2021"]
    words += ["driver.target=x86_64-pc-windows-msvc", "toolchain.channel=stable", "git=no"]
    words += ["logger=DbgPrint", "vscode=no", "--template", "minimal"]
    session = talk(["new", "hello", *words], answers, tmp_path)
    assert (session.code, session.unasked) == (0, unasked)
    assert ("  [2/4] The tag " in session.screen) == bool(tag)
    assert ("pool-tag (Hell): much too long" in session.screen) == bool(tag)
    assert kdrvgen.load(tmp_path / "hello" / "config.toml").bootstrap.pool_tag == tag


@pytest.mark.slow
def test_an_occupied_folder_is_refused_before_the_first_question(tmp_path: Path) -> None:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "notes.txt").write_text("mine", encoding="utf-8")
    session = talk(["new", "hello"], ["left"], tmp_path)
    assert (session.code, session.unasked) == (5, ["left"])
    again = talk(["new", "--template", "minimal"], ["hello", "other", *[""] * 12], tmp_path)
    assert again.code == 0
    assert "hello exists and is not empty" in again.screen
    assert (tmp_path / "other" / "config.toml").is_file()


MANIFEST = """\
[questions.company]
text = "Who signs?"
[questions.with-irp]
text = "Handle requests?"
default = false
[questions.bus]
text = "Bus of the device"
default = "pci"
choices = ["pci", "usb"]
when = "answers.with_irp"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("requests", "bus"), [("yes", "usb"), ("no", "pci")])
def test_the_questions_of_an_own_template_are_asked(
    requests: str, bus: str, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "template.toml").write_text(MANIFEST, encoding="utf-8")
    words = ["new", "hello", "--template", "./mine", "git=no", "vscode=no"]
    answers = ["", "", "", "", "", "ACME", "perhaps", requests, "isa", "usb", "left"]
    session = talk(words, answers, tmp_path)
    assert session.code == 0
    assert "Who signs?\n      company (): " in session.screen
    assert "with-irp [yes/no] (no): " in session.screen
    assert "`with-irp` must be yes or no" in session.screen
    assert ("Bus of the device" in session.screen) == (requests == "yes")
    assert ("`bus` is not one of the choices" in session.screen) == (requests == "yes")
    found = kdrvgen.load(tmp_path / "hello" / "config.toml").bootstrap.answers
    assert dict(found) == {"company": "ACME", "with-irp": requests == "yes", "bus": bus}


@pytest.mark.slow
@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "end of input"])
def test_an_interrupted_dialog_leaves_nothing(key: str, tmp_path: Path) -> None:
    session = talk(["new", "hello"], ["1", "a driver", key], tmp_path)
    assert session.code == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_config_and_no_input_ask_no_questions(tmp_path: Path) -> None:
    assert talk(["new", "hello", "--no-input"], [], tmp_path).code == 0
    assert talk(["new", "again", "--config", "hello/config.toml"], [], tmp_path).code == 0
