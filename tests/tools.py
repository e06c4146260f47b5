"""Tools that a test needs: where they are missing, the test is skipped, and fails in CI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

__all__ = ["ON_POSIX", "need", "path_in", "without"]

ON_POSIX = pytest.mark.skipif(
    sys.platform == "win32", reason="permissions, owners, links and named pipes of POSIX"
)
"""Skips a test on Windows."""

_REQUIRED = ("CI", "KDRVGEN_REQUIRE_TOOLS")
"""With one of these variables a missing tool is a failure; tests/run.sh sets the second."""

_DEBIAN_PACKAGES = {
    **{name: name for name in ("git", "patch", "strace", "shellcheck", "clang", "zsh", "fish")},
    **{name: name for name in ("mandoc", "cabextract", "mount", "chromium-headless-shell")},
    "bwrap": "bubblewrap",
    "i686-w64-mingw32-gcc": "gcc-mingw-w64-i686-win32",
    "llvm-rc": "llvm",
    "man": "man-db",
    "msiextract": "msitools",
    "unshare": "util-linux",
    "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64-win32",
}
"""The package of each program that docs/setup.sh alone does not install."""

_COMMANDS = {
    **{name: f"apt-get install {package}" for name, package in _DEBIAN_PACKAGES.items()},
    "cargo-clippy": "rustup component add clippy",
    "clippy-driver": "rustup component add clippy",
    "rustfmt": "rustup component add rustfmt",
    "rustup": "apt-get install rustup",
}


def need(*programs: str) -> None:
    """Skip the test where a program is not installed; in CI, fail."""
    for program in programs:
        if not shutil.which(program):
            command = _COMMANDS.get(program, "bash docs/setup.sh")
            without(f"{program} is not installed; `{command}` installs it")


def without(reason: str) -> None:
    """Skip the test because something is missing; in CI, fail.

    Args:
        reason: What is missing, and the command that installs it.
    """
    if any(os.environ.get(name) for name in _REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)


def path_in(variable: str, what: str) -> Path:
    """Return the path in a variable that tests/run.sh sets; without it, skip the test."""
    path = os.environ.get(variable)
    if not path:
        without(f"{variable} is not set; `bash tests/run.sh` prepares {what}")
    return Path(path or "")
