"""Compiles the building blocks with their tests for the machine that builds, and runs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.pipeline.support import REPOSITORY, run
from tests.tools import without

__all__ = ["BLOCKS", "run_tests", "run_tests_with_miri", "run_tests_with_sanitizer", "with_blocks"]

BLOCKS = Path(__file__).parent / "blocks"
"""The folder of the tests."""

_SOURCES = REPOSITORY / "kdrvgen/kernel/tree/src"
_BOOTSTRAP = os.environ | {"RUSTC_BOOTSTRAP": "1"}
_RUSTUP = {name: text for name, text in os.environ.items() if name != "RUSTUP_TOOLCHAIN"}
_MANIFEST = """\
[package]
name = "host"
version = "0.0.0"
edition = "2021"

[lib]
path = "{root}"

[workspace]
"""


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


def run_tests_with_miri(folder: Path, root: str, *options: str) -> None:
    """Run the tests with Miri, which ends them at undefined behaviour and at races."""
    miri = ["cargo", "+nightly", "miri"]
    if run([*miri, "setup"], folder, _RUSTUP).returncode != 0:
        pytest.skip(
            "Miri is not installed; "
            "`rustup toolchain install nightly --component miri,rust-src` installs it"
        )
    (folder / "Cargo.toml").write_text(_MANIFEST.format(root=root), encoding="utf-8")
    # Addresses are numbers to the kernel. Queues are static, so their tests leak them.
    env = _RUSTUP | {"MIRIFLAGS": "-Zmiri-permissive-provenance -Zmiri-ignore-leaks"}
    done = run([*miri, "test", "--offline", "--lib", "--", *options], folder, env)
    assert done.returncode == 0, done.stdout
    assert "test result: ok" in done.stdout
