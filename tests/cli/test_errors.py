"""Each exit code, and the message that comes with it."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["confg.toml"], "confg.toml does not exist. Did you mean config.toml?"),
        (["ejct"], "`ejct` is neither a command nor a file. Did you mean `kdrvgen eject`?"),
        (["config.toml", "--chek"], "unexpected option `--chek`. Did you mean `--check`?"),
        (["doctor", "--fxi"], "Did you mean `--fix`? See `kdrvgen doctor --help`."),
        (["why"], "are required: FILE:LINE. See `kdrvgen why --help`."),
        (["config.toml", "more"], "more does not exist."),
        (["-v", "eject", "config.toml"], "A command must come first: `kdrvgen eject …`."),
        (["config.toml", "--format", "jsn"], "invalid choice: 'jsn'"),
        (["config.toml", "--check", "--diff"], "not allowed with argument --check"),
        (["config.toml", "--check", "--force"], "--force has nothing to overwrite"),
        (["zzz"], "zzz does not exist. `kdrvgen --help` lists the commands."),
    ],
)
def test_an_invalid_command_line_exits_with_2_and_a_suggestion(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert message in output.err
    assert [path.name for path in project.iterdir()] == ["config.toml"]


def test_an_invalid_configuration_exits_with_3_and_a_report(run: Run, project: Path) -> None:
    (project / "config.toml").write_text("[driver]\nnmae = 'x'\n", "utf-8")
    done = run("config.toml")
    assert (done.returncode, done.stdout) == (3, "")
    assert "config.toml:2:1" in done.stderr
    assert "nmae = 'x'" in done.stderr


@pytest.mark.parametrize("form", ["human", "json", "github"])
def test_errors_beyond_the_first_hundred_are_counted_in_each_format(
    run: Run, project: Path, form: str
) -> None:
    unknown = "".join(f"k{number} = 1\n" for number in range(150))
    (project / "config.toml").write_text(f'{unknown}[driver]\nname = "hello"\n', "utf-8")

    done = run("config.toml", "--format", form)

    assert done.returncode == 3
    if form == "human":
        assert done.stderr.endswith("\n150 errors in config.toml; only the first 100 are shown\n")
    elif form == "json":
        document = json.loads(done.stdout)
        assert (len(document["findings"]), document["omitted"]) == (100, 50)
    else:
        *shown, last = done.stdout.splitlines()
        assert len(shown) == 100
        assert last == "::error file=config.toml::not shown: 50 more errors"


def test_a_folder_that_cannot_be_written_exits_with_8(run: Run, project: Path) -> None:
    (project / "build.rs").mkdir()
    done = run("config.toml")
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith("error: build.rs is a folder, but kdrvgen writes a file there.")


def test_a_bug_exits_with_1_and_shows_a_traceback_only_with_v(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("kdrvgen.commands.generate.render", broken)
    monkeypatch.setattr("tempfile.tempdir", str(project))
    assert main(["config.toml"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: internal error (ZeroDivisionError: a bug). This is a bug")
    assert message.count("\n") == 1
    assert main(["config.toml", "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_leaves_a_file_to_attach_and_names_where_to_report_it(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ValueError("https://me:secret@host/")

    monkeypatch.setattr("kdrvgen.commands.generate.render", broken)
    monkeypatch.setattr("tempfile.tempdir", str(project))
    monkeypatch.setattr("kdrvgen.crash.ISSUES", "https://example.org/issues")
    assert main(["config.toml"]) == 1
    printed = capsys.readouterr().err
    assert f"bug in kdrvgen {kdrvgen.__version__} (Python {platform.python_version()}, " in printed
    assert "Please report it at https://example.org/issues, with" in printed
    (file,) = project.glob("kdrvgen-crash-*.txt")
    assert f"the file {file}." in printed
    text = file.read_text("utf-8")
    assert text.startswith(f"kdrvgen {kdrvgen.__version__} (Python ")
    assert "\nkdrvgen config.toml\n" in text
    assert "Traceback (most recent call last)" in text
    assert "secret" not in text + printed
    if os.name == "posix":
        assert file.stat().st_mode & 0o77 == 0


def test_a_bug_is_reported_where_no_file_can_be_written(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("kdrvgen.commands.generate.render", broken)
    monkeypatch.setattr("tempfile.tempdir", str(project / "missing"))
    assert main(["config.toml"]) == 1
    printed = capsys.readouterr().err
    assert (
        "to the people who gave you kdrvgen, with your configuration and the output of" in printed
    )


def test_ctrl_c_exits_with_130_without_output(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("kdrvgen.commands.generate.render", interrupted)
    assert main(["config.toml"]) == 130
    assert capsys.readouterr() == ("", "")
    assert [path.name for path in project.iterdir()] == ["config.toml"]


def test_a_closed_pipe_ends_the_run_without_output(project: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "kdrvgen", "config.toml", "--diff"],
        check=False,
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")
    assert [path.name for path in project.iterdir()] == ["config.toml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_an_error(project: Path) -> None:
    del project
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kdrvgen", "config.toml"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 8
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_named_like_a_command_is_read_by_its_path(run: Run, project: Path) -> None:
    (project / "config.toml").rename(project / "eject")
    assert run("./eject").returncode == 0
    assert (project / "build.rs").exists()


def test_help_lists_exit_codes_and_commands_and_version_prints_the_version(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "exit codes:\n  0  success" in done.stdout
    assert re.search("kdrvgen eject +make generated files yours", done.stdout)
    assert "usage: kdrvgen eject" in run("eject", "--help").stdout
    assert run("--version").stdout.startswith("kdrvgen 0.")


def test_a_name_that_the_terminal_cannot_show_does_not_fail(run: Run, project: Path) -> None:
    (project / "ünï.toml").write_text('[driver]\nnmae = "ü"\n', "utf-8")
    done = run("ünï.toml", PYTHONIOENCODING="ascii")
    assert done.returncode == 3
    assert "\\xfcn\\xef.toml:2:1" in done.stderr
