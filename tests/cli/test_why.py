"""`kdrvgen why`: from a generated line back to the key that it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

CONFIG = """\
[driver]
name = "hello"
entry-point = "begin"

[linker]
args = ["/MAP", "/STACK:65536"]

[signing]
subject = "My Company"

[profiles.production]
signing.digest = "sha384"

[makefile.env]
GREETING = "hi"

[makefile.tasks.greet]
command = "echo"

[makefile.hooks]
before-sign = ["greet"]

[package]
kind = "device"
provider = "Example"

[package.submission]
"""


@pytest.fixture
def made(project: Path, run: Run) -> Path:
    (project / "config.toml").write_text(CONFIG, encoding="utf-8")
    assert run("config.toml").returncode == 0
    return project


def _line(file: Path, text: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return number


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        (".cargo/config.toml", "/ENTRY:begin", "driver.entry-point", 3),
        (".cargo/config.toml", "/MAP", "linker.args[0]", 6),
        (".cargo/config.toml", "/STACK:65536", "linker.args[1]", 6),
        (".cargo/config.toml", "/RELEASE", "linker.preset", 0),
        ("Makefile.toml", "DRIVER_CERTIFICATE_SUBJECT =", "signing.subject", 9),
        ("Makefile.toml", 'DRIVER_DIGEST = "sha384"', "profiles.production.signing.digest", 12),
        ("Makefile.toml", "DRIVER_CERTIFICATE_DAYS =", "signing.validity-days", 0),
        ("Makefile.toml", 'GREETING = "hi"', "makefile.env.GREETING", 15),
        ("Makefile.toml", "[tasks.greet]", "makefile.tasks.greet", 17),
        ("Makefile.toml", '"certificate", "greet"]', "makefile.hooks.before-sign[0]", 21),
        ("Makefile.toml", "DRIVER_PACKAGE =", "package.kind", 24),
        ("Makefile.toml", "[tasks.submission]", "package.submission", 27),
        ("Makefile.toml", "DRIVER_SUBMISSION", "package.submission", 27),
        ("Makefile.toml", "DRIVER_ENTRY_POINT", "driver.entry-point", 3),
        ("Makefile.toml", "DRIVER_OUTPUT =", "driver.output-dir", 0),
        ("build.rs", "model: ", "driver.model", 0),
        ("build.rs", "libraries: ", "wdk.libraries[0]", 0),
    ],
)
def test_why_shows_the_key_of_a_line_and_its_place(
    made: Path, run: Run, case: tuple[str, str, str, int]
) -> None:
    file, text, key, place = case
    number = _line(made / file, text)

    done = run("why", f"{file}:{number}", "--format", "json")

    first = json.loads(done.stdout)["why"]["keys"][0]
    assert (first["key"], first["line"]) == (key, place)
    output = run("why", f"{file}:{number}").stdout
    assert text in output
    assert key in output
    assert (f"config.toml:{place}" if place else "not set") in output


def test_why_shows_the_purpose_of_a_preset_argument(made: Path, run: Run) -> None:
    number = _line(made / ".cargo/config.toml", "/RELEASE")

    output = run("why", f".cargo/config.toml:{number}").stdout

    assert 'linker.preset  not set, default "kernel"' in output
    assert "writes the checksum that boot-start drivers need" in output


@pytest.mark.slow
def test_a_line_that_no_key_changes_is_part_of_the_template(made: Path, run: Run) -> None:
    number = _line(made / "Makefile.toml", "skip_core_tasks")

    assert "the same in every project" in run("why", f"Makefile.toml:{number}").stdout


@pytest.mark.slow
def test_it_works_from_any_folder_and_without_generated_files(made: Path, run: Run) -> None:
    number = _line(made / ".cargo/config.toml", "/MAP")
    assert "linker.args[0]" in run("why", f"config.toml:{number}", cwd=made / ".cargo").stdout

    (made / ".cargo/config.toml").unlink()
    assert "linker.args[0]" in run("why", f".cargo/config.toml:{number}").stdout


@pytest.mark.slow
def test_moved_lines_are_found_and_edited_ones_are_refused(made: Path, run: Run) -> None:
    makefile = made / "Makefile.toml"
    text = makefile.read_text(encoding="utf-8")
    makefile.write_text(
        text.replace("[env]\n", "[env]\nMINE = 1\n").replace("\n", "\r\n"),
        encoding="utf-8",
        newline="",
    )

    moved = run("why", f"Makefile.toml:{_line(makefile, 'DRIVER_CERTIFICATE_SUBJECT =')}")
    edited = run("why", f"Makefile.toml:{_line(makefile, 'MINE')}")

    assert "signing.subject" in moved.stdout
    assert edited.returncode == 4
    assert "--diff" in edited.stderr


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["Makefile.toml"], "has no line number"),
        (["Makefile.toml:0"], "line 0 does not exist"),
        (["Makefile.toml:99999"], "line 99999 does not exist"),
        (["Makefile.toml:2"], "belongs to the header"),
        (["src/lib.rs:1"], "does not generate"),
        (["/nowhere/Makefile.toml:7"], "no kdrvgen.toml or config.toml was found beside"),
        (["Makefile.toml:7", "--config", "there/is/none.toml"], "none.toml"),
    ],
)
def test_a_question_without_an_answer_is_an_error(
    made: Path, run: Run, words: list[str], reason: str
) -> None:
    del made
    done = run("why", *words)

    assert done.returncode in {2, 3}
    assert reason in done.stderr


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Makefile.toml", "DRIVER_CONFIG ="),
        ("Makefile.toml", "DRIVER_CONFIG_DIGEST ="),
        ("build.rs", "    config:"),
    ],
)
def test_the_configurations_name_and_digest_come_from_the_file_itself(
    made: Path, run: Run, file: str, text: str
) -> None:
    done = run("why", f"{file}:{_line(made / file, text)}")
    assert done.returncode == 0
    assert "from config.toml itself" in done.stdout


@pytest.mark.parametrize("file", [".kdrvgen/kit.rs", ".kdrvgen/pipeline/Cargo.lock"])
def test_a_support_file_is_the_same_in_every_project(made: Path, run: Run, file: str) -> None:
    last = len((made / file).read_text(encoding="utf-8").splitlines())
    done = run("why", f"{file}:{last}", "--config", "config.toml")
    assert done.returncode == 0
    assert "the same in every project" in done.stdout
