"""Tools that a test needs: where they are missing, the test is skipped, and fails in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

__all__ = ["need", "path_in", "without"]

_REQUIRED = ("CI", "KDRVGEN_REQUIRE_TOOLS")
"""With one of these variables a missing tool is a failure; tests/run.sh sets the second."""

_HOW = {
    "cargo-clippy": "`rustup component add clippy`",
    "clippy-driver": "`rustup component add clippy`",
    "rustfmt": "`rustup component add rustfmt`",
    **dict.fromkeys(
        (
            "git",
            "patch",
            "strace",
            "shellcheck",
            "clang",
            "unshare",
            "mount",
            "zsh",
            "fish",
            "mandoc",
            "bwrap",
        ),
        "your system's package manager",
    ),
    "chromium-headless-shell": "your system's package manager, or Playwright,",
    "x86_64-w64-mingw32-gcc": "the package gcc-mingw-w64-x86-64-win32, or tests/windows/setup.sh,",
}


def need(*programs: str) -> None:
    """Skip the test where a program is not installed; in CI, fail."""
    for program in programs:
        if not shutil.which(program):
            without(f"{program} is not installed; {_HOW.get(program, 'docs/setup.sh')} installs it")


def without(what: str) -> None:
    """Skip the test for want of `what`; in CI, fail."""
    if any(os.environ.get(name) for name in _REQUIRED):
        pytest.fail(what)
    pytest.skip(what)


def path_in(variable: str, what: str) -> Path:
    """Return the path in a variable that tests/run.sh sets; without it, skip the test."""
    path = os.environ.get(variable)
    if not path:
        without(f"{variable} is not set; `bash tests/run.sh` prepares {what}")
    return Path(path or "")
