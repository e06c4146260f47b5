"""A terminal with a person at it who answers one question after the other."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bootstrap.support import surroundings

pty = pytest.importorskip("pty", reason="needs Linux or macOS")

__all__ = ["CTRL_C", "CTRL_D", "Session", "talk"]

CTRL_C, CTRL_D = "\x03", "\x04"
_PATIENCE = 60.0
_PAUSE = 1.0
_END_OF_QUESTION = ": "


class Session(NamedTuple):
    """The text on the screen, the answers that were not used, and the exit code."""

    screen: str
    unasked: list[str]
    code: int


def talk(words: Iterable[str | Path], answers: Iterable[str], cwd: Path) -> Session:
    """Run the program on a pseudo-terminal and enter each answer at its prompt."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kdrvgen", *words],
        cwd=cwd,
        env=surroundings(TERM="dumb"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: os.login_tty(theirs),  # noqa: PLW1509 - Ctrl-C needs it for its own
    )
    os.close(theirs)
    waiting = list(answers)
    screen = answered = b""
    answer = ""
    deadline = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], _PAUSE)[0]:
                # A signal between the question and the wait for an answer is seen with the next
                # key only: a person would press it again.
                if answer == CTRL_C:
                    os.write(ours, answer.encode())
                continue
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux's way of saying that nobody has the other end any more
                break
            if not chunk:
                break
            screen += chunk
            if waiting and screen[len(answered) :].endswith(_END_OF_QUESTION.encode()):
                answer = waiting.pop(0)
                answered = screen
                os.write(ours, answer.encode() + (b"" if answer in {CTRL_C, CTRL_D} else b"\n"))
        else:
            raise AssertionError(f"it waits for more answers:\n{screen.decode()}")
        code = process.wait(_PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    text = screen.decode().replace("\r\n", "\n")
    assert "Traceback" not in text
    return Session(text, waiting, code)
