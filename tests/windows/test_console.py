"""kdrvgen in a console of Windows, and beside programs that open its files."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.support import CONFIG, REPOSITORY
from tests.windows.bed import Windows
from tests.windows.python import python_for_windows
from tests.windows.support import Python

if sys.platform != "win32":
    import pty

pytestmark = [pytest.mark.slow, pytest.mark.wine]

CONSOLE = """
import ctypes, msvcrt, sys
from kdrvgen.console import Console

def has_escapes():
    console, mode = ctypes.c_void_p(msvcrt.get_osfhandle(1)), ctypes.c_uint32()
    assert ctypes.WinDLL("kernel32").GetConsoleMode(console, ctypes.byref(mode))
    return bool(mode.value & 4)

console = Console()
print(has_escapes(), console.is_colored(sys.stdout), has_escapes())
print(console.is_colored(open("NUL", "w")))
"""


def in_console(windows: Windows, folder: Path, code: str) -> str:
    """Run a program in Python on a console; return what it shows."""
    python = python_for_windows()
    paths = [windows.path(REPOSITORY), windows.path(python / "site")]
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [windows.bed / "wine64", python / "python.exe", "-c", code],
        cwd=folder,
        env=windows.env | {"PYTHONPATH": ";".join(paths), "TERM": "xterm"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    shown = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([outer], [], [], 0.5)[0]:
            shown += os.read(outer, 4096)
        elif process.poll() is not None:
            break
    assert process.wait(1) == 0, shown
    for descriptor in (outer, inner):
        os.close(descriptor)
    return shown.decode()


def test_a_console_without_escape_sequences_is_told_to_have_them(
    windows: Windows, tmp_path: Path
) -> None:
    shown = in_console(windows, tmp_path, CONSOLE)

    assert "False True True" in shown
    assert "False\r" in shown


# A virus scanner, which opens a file and closes it when kdrvgen is refused.
SCANNER = """
import os, sys
from pathlib import Path
from kdrvgen.cli import main

name, *words = sys.argv[1:]
opened = [open(name)] if os.path.exists(name) else []
refusals = []

def watched(change):
    def changed(old, new, **more):
        if not opened and Path(old, name).is_file():
            opened.append(open(Path(old, name)))
        try:
            if Path(old).is_dir() and not opened[0].closed:
                raise PermissionError(13, "Access is denied", old, 5)  # Wine allows it
            return change(old, new, **more)
        except PermissionError as error:
            refusals.append(error.winerror)
            opened[0].close()
            raise
    return changed

os.replace, os.rename = watched(os.replace), watched(os.rename)
code = main(words)
print(refusals, file=sys.stderr)
sys.exit(code)
"""


def test_a_file_that_another_program_reads_for_a_moment_is_replaced(
    tmp_path: Path, python: Python
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    assert python(tmp_path, "-m", "kdrvgen", "config.toml").code == 0
    (tmp_path / "config.toml").write_text(CONFIG + '\n[makefile.env]\nA = "1"\n', "utf-8")

    done = python(tmp_path, "-c", SCANNER, "Makefile.toml", "config.toml")

    assert (done.code, done.stderr) == (0, "[5]\n")
    assert 'A = "1"' in (tmp_path / "Makefile.toml").read_text("utf-8")


def test_a_new_folder_with_a_file_that_another_program_reads_gets_its_name(
    tmp_path: Path, python: Python
) -> None:
    done = python(tmp_path, "-c", SCANNER, "Makefile.toml", "new", "hello", "--no-input")

    assert (done.code, done.stderr) == (0, "[5]\n")
    assert (tmp_path / "hello/Makefile.toml").is_file()
