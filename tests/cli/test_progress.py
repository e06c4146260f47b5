"""The progress line of commands that take long."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kdrvgen

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import termios

CHECKOUT = Path(kdrvgen.__file__).parents[1]
WIDTH = 40


class Terminal:
    """A terminal for standard error. Standard output is a pipe, or goes there too."""

    def __init__(self, *words: str, cwd: Path, both: bool = False, **environment: str) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        env = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
        env |= {"PYTHONPATH": str(CHECKOUT), "TERM": "xterm", "KDRVGEN_NO_CACHE": "1"} | environment
        self._ours = ours
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kdrvgen", *words],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=theirs if both else subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)
        self.output = ""

    def read(self) -> bool:
        """Read more output; return False at its end."""
        try:
            read = os.read(self._ours, 4096)
        except OSError:  # Linux's end of a terminal
            read = b""
        self.output += read.decode()
        return bool(read)

    def end(self) -> str:
        """Return everything that was written to the terminal."""
        while self.read():
            pass
        out, _ = self.process.communicate(timeout=60)
        os.close(self._ours)
        assert "\r" not in (out or "")
        return self.output

    @property
    def screen(self) -> list[str]:
        """The lines that are visible at the end."""
        return [line for line in map(_overwritten, self.output.split("\n")) if line]


def _overwritten(line: str) -> str:
    """Return what a line looks like after its carriage returns."""
    shown: list[str] = []
    *overwritten, last = line.removesuffix("\r").split("\r")
    assert all(len(part) < WIDTH for part in overwritten), "the terminal would begin another line"
    for part in (*overwritten, last):
        shown[: len(part)] = part
    return "".join(shown).rstrip()


@pytest.fixture
def drivers(tmp_path: Path) -> Path:
    for name in ("first", "second-with-a-very-long-name-that-does-not-fit"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.toml").write_text('[driver]\nname = "hello"\n', "utf-8")
    return tmp_path


def configs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_a_terminal_shows_one_line_that_is_erased(drivers: Path) -> None:
    terminal = Terminal(*configs(drivers), cwd=drivers)
    written = terminal.end()
    assert "\rgenerating 1/2 first" in written
    assert "\rgenerating 2/2 second-with" in written
    assert terminal.screen == []
    assert terminal.process.returncode == 0


@pytest.mark.slow
def test_an_error_is_not_written_into_the_line(drivers: Path) -> None:
    (drivers / "first" / "config.toml").write_text("[driver]\n", "utf-8")
    terminal = Terminal(*configs(drivers), cwd=drivers)
    assert "generating 1/2" in terminal.end()
    assert "1 of 2 projects failed: first/config.toml" in terminal.screen


@pytest.mark.slow
def test_output_is_not_written_into_the_line(drivers: Path) -> None:
    (drivers / "alone").mkdir()
    (drivers / "alone" / "config.toml").write_text('[driver]\nname = "hello"\n', "utf-8")
    terminal = Terminal(*configs(drivers), cwd=drivers, both=True, NO_COLOR="1")
    assert "generating 1/3" in terminal.end()
    assert [line for line in terminal.screen if "generating" in line] == []
    assert "created    alone/Makefile.toml" in terminal.screen


@pytest.mark.slow
def test_wide_characters_take_two_columns(drivers: Path) -> None:
    (drivers / "first").rename(drivers / ("驱动" * 20))
    written = Terminal(*configs(drivers), cwd=drivers).end()
    lines = [line for line in written.split("\r") if "驱" in line]
    assert lines
    # 15 for `generating 2/2 `, 2 for each of 12 characters: 39 of 40 columns.
    assert {line.count("驱") + line.count("动") for line in lines} == {12}
    assert written.count(f"\r{' ' * 39}\r") == 2  # after each of the two projects


@pytest.mark.slow
def test_the_line_has_no_escape_sequence(drivers: Path) -> None:
    assert "\x1b" not in Terminal(*configs(drivers), cwd=drivers, NO_COLOR="1").end()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ([], {"TERM": "dumb"}),
        ([], {"CI": "true"}),
        (["-q"], {}),
        (["--format", "json"], {}),
        (["--format", "github"], {}),
    ],
)
def test_where_nobody_looks_nothing_is_shown(
    drivers: Path, words: list[str], environment: dict[str, str]
) -> None:
    terminal = Terminal(*configs(drivers), *words, cwd=drivers, both=False, **environment)
    assert terminal.end() == ""


@pytest.mark.slow
def test_a_pipe_gets_no_progress(drivers: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kdrvgen", *configs(drivers)],
        cwd=drivers,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "generating" not in done.stdout


@pytest.mark.slow
def test_doctor_shows_what_it_waits_for_and_ctrl_c_erases_it(drivers: Path) -> None:
    tools = drivers / "tools"
    tools.mkdir()
    for name in ("cargo", "rustc"):
        (tools / name).write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    terminal = Terminal("doctor", "--time-limit", "60", cwd=drivers / "first", PATH=path)
    while "checking 1/" not in terminal.output:
        assert terminal.read()
    time.sleep(0.2)
    terminal.process.send_signal(signal.SIGINT)
    terminal.end()
    assert terminal.process.returncode == 130
    assert terminal.screen == []
