"""The building blocks on the machine that builds: their logic, and memory errors in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.pipeline.support import REPOSITORY, run
from tests.tools import without

pytestmark = pytest.mark.slow

SOURCES = REPOSITORY / "kdrvgen/kernel/tree/src"
HERE = Path(__file__).parent / "blocks"
ROOTS = ["host.rs", "host_sync.rs"]
MANIFEST = """\
[package]
name = "host"
version = "0.0.0"
edition = "2021"

[lib]
path = "{root}"

[workspace]
"""
_RUSTUP = {name: text for name, text in os.environ.items() if name != "RUSTUP_TOOLCHAIN"}
_BOOTSTRAP = os.environ | {"RUSTC_BOOTSTRAP": "1"}


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the blocks and their tests: each of `ROOTS` has a kernel of its own."""
    folder = tmp_path_factory.mktemp("host")
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    for source in HERE.glob("*.rs"):
        shutil.copy2(source, folder)
    return folder


def test_the_blocks_behave_as_documented(tests: Path) -> None:
    argv = ["rustc", "--edition=2021", "-Dwarnings", "--test", "-o", "host", "host.rs"]
    compiled = run(argv, tests)
    assert compiled.returncode == 0, compiled.stdout

    done = run([tests / "host"], tests)

    assert done.returncode == 0, done.stdout
    assert re.search(r"test result: ok\. \d\d passed", done.stdout)


@pytest.mark.parametrize("root", ROOTS)
def test_the_blocks_have_no_error_that_address_sanitizer_finds(tests: Path, root: str) -> None:
    sysroot = Path(run(["rustc", "--print", "sysroot"], tests).stdout.strip())
    if not list(sysroot.glob("lib/rustlib/*-linux-gnu/lib/librustc*_rt.asan.a")):
        without("this Rust has no runtime of AddressSanitizer; rustup's has one")
    argv = ["rustc", "--edition=2021", "-Zsanitizer=address", "--test", "-o", "asan", root]
    compiled = run(argv, tests, _BOOTSTRAP)
    assert compiled.returncode == 0, compiled.stdout

    # Queues are static, so their tests leak them.
    env = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    done = run([tests / "asan", "--skip=remainder", "--skip=text"], tests, env)

    assert done.returncode == 0, done.stdout
    assert "test result: ok" in done.stdout


@pytest.mark.parametrize("root", ROOTS)
def test_the_blocks_have_no_undefined_behaviour_that_miri_finds(tests: Path, root: str) -> None:
    miri = ["cargo", "+nightly", "miri"]
    if run([*miri, "setup"], tests, _RUSTUP).returncode != 0:
        pytest.skip("no Miri: rustup toolchain install nightly --component miri,rust-src")
    (tests / "Cargo.toml").write_text(MANIFEST.format(root=root), encoding="utf-8")
    # Addresses are numbers to the kernel. Queues are static, so their tests leak them.
    env = _RUSTUP | {"MIRIFLAGS": "-Zmiri-permissive-provenance -Zmiri-ignore-leaks"}
    # What takes minutes there has no unsafe code, or differs only in its numbers.
    slow = [f"--skip={part}" for part in ("remainder", "text", "every_size", "every_length")]

    done = run([*miri, "test", "--offline", "--lib", "--", *slow], tests, env)

    assert done.returncode == 0, done.stdout
    assert "test result: ok" in done.stdout
