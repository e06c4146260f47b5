"""Compiles the building blocks with their tests for the machine that builds, and runs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.pipeline.support import REPOSITORY, run
from tests.tools import without

__all__ = ["BLOCKS", "run_tests", "run_tests_with_sanitizer", "with_blocks"]

BLOCKS = Path(__file__).parent / "blocks"
"""The folder of the tests."""

_SOURCES = REPOSITORY / "kdrvgen/kernel/tree/src"
_BOOTSTRAP = os.environ | {"RUSTC_BOOTSTRAP": "1"}


def with_blocks(folder: Path, *names: str) -> Path:
    """Copy the blocks and some of their tests into a folder, and return it."""
    shutil.copytree(_SOURCES, folder, dirs_exist_ok=True)
    for name in names:
        shutil.copy2(BLOCKS / name, folder)
    return folder


def run_tests(folder: Path, root: str) -> str:
    """Run the tests below a root, such as `host.rs`, and return what they printed."""
    argv = ["rustc", "--edition=2021", "-Dwarnings", "--test", "-o", "host", root]
    compiled = run(argv, folder)
    assert compiled.returncode == 0, compiled.stdout
    done = run([folder / "host"], folder)
    assert done.returncode == 0, done.stdout
    return done.stdout


def run_tests_with_sanitizer(folder: Path, root: str, *options: str, leaks: bool = True) -> None:
    """Run the tests with AddressSanitizer, which ends them at an error in memory.

    Args:
        folder: The folder with the blocks and their tests.
        root: The root of the tests.
        options: Arguments of the tests.
        leaks: Whether memory that is not freed is an error.
    """
    sysroot = Path(run(["rustc", "--print", "sysroot"], folder).stdout.strip())
    if not list(sysroot.glob("lib/rustlib/*-linux-gnu/lib/librustc*_rt.asan.a")):
        without(
            "this Rust has no AddressSanitizer; `rustup toolchain install stable` installs one "
            "that has it"
        )
    argv = ["rustc", "--edition=2021", "-Zsanitizer=address", "--test", "-o", "asan", root]
    compiled = run(argv, folder, _BOOTSTRAP)
    assert compiled.returncode == 0, compiled.stdout
    env = os.environ | ({} if leaks else {"ASAN_OPTIONS": "detect_leaks=0"})
    done = run([folder / "asan", *options], folder, env)
    assert done.returncode == 0, done.stdout
    assert "test result: ok" in done.stdout
