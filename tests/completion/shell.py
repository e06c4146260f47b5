"""An interactive shell on a terminal of its own, in which the Tab key is pressed."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="needs Linux or macOS")

__all__ = ["arguments"]

_PATIENCE = 60.0
# Instead of kdrvgen, the shell runs a function that prints its arguments.
_FUNCTION = "kdrvgen() { printf 'RAN'; printf '[%s]' \"$@\"; printf '.\\n'; }\n"
_RAN = re.compile(r"RAN((?:\[[^\]]*\])*)\.\r?\n")


def arguments(command: Sequence[str], script: Path, typed: str, cwd: Path) -> list[str]:
    """Return the arguments of a command line that is typed after `kdrvgen `.

    Args:
        command: The shell, without any configuration of the user.
        script: The completion script.
        typed: The keys, with tabs.
        cwd: The current folder.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd.parent), "TERM": "vt100", "LC_ALL": "C"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: os.login_tty(theirs),  # noqa: PLW1509 - a shell wants a terminal
    )
    os.close(theirs)
    try:
        _send(ours, f"PS1='$ '; . '{script}'; {_FUNCTION}", "")
        _send(ours, "kdrvgen ready\n", "RAN[ready].")
        for key in re.findall(r"[^\t]+|\t", f"kdrvgen {typed}"):
            _send(ours, key, "")
        screen = _send(ours, "\n", "RAN[")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    found = _RAN.findall(screen)
    assert found, screen
    return re.findall(r"\[([^\]]*)\]", found[-1])


def _send(terminal: int, text: str, awaited: str) -> str:
    """Type a text, wait for the answer, and return what appears until the shell is idle."""
    os.write(terminal, text.encode())
    screen = ""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.3)[0]:
            screen += os.read(terminal, 4096).decode(errors="replace")
        elif awaited in screen:
            break
    return screen
