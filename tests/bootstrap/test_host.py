"""The building blocks on the machine that builds: their logic, and memory errors in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.bootstrap.host import BLOCKS, run_tests, run_tests_with_sanitizer, with_blocks
from tests.pipeline.support import run

pytestmark = pytest.mark.slow

MANIFEST = """\
[package]
name = "host"
version = "0.0.0"
edition = "2021"

[lib]
path = "host.rs"

[workspace]
"""
_RUSTUP = {name: text for name, text in os.environ.items() if name != "RUSTUP_TOOLCHAIN"}


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the blocks and their tests, of which `host.rs` is the root."""
    names = (source.name for source in BLOCKS.glob("*.rs"))
    return with_blocks(tmp_path_factory.mktemp("host"), *names)


def test_the_blocks_behave_as_documented(tests: Path) -> None:
    printed = run_tests(tests, "host.rs")

    assert re.search(r"test result: ok\. \d\d passed", printed)


def test_the_blocks_have_no_error_that_address_sanitizer_finds(tests: Path) -> None:
    # Queues are static, so their tests leak them.
    run_tests_with_sanitizer(tests, "host.rs", "--skip=remainder", "--skip=text", leaks=False)


def test_the_blocks_have_no_undefined_behaviour_that_miri_finds(tests: Path) -> None:
    miri = ["cargo", "+nightly", "miri"]
    if run([*miri, "setup"], tests, _RUSTUP).returncode != 0:
        pytest.skip(
            "Miri is not installed; "
            "`rustup toolchain install nightly --component miri,rust-src` installs it"
        )
    (tests / "Cargo.toml").write_text(MANIFEST, encoding="utf-8")
    # Addresses are numbers to the kernel. Queues are static, so their tests leak them.
    env = _RUSTUP | {"MIRIFLAGS": "-Zmiri-permissive-provenance -Zmiri-ignore-leaks"}
    # What takes minutes there has no unsafe code, or differs only in its numbers.
    slow = [f"--skip={part}" for part in ("remainder", "text", "every_size", "every_length")]

    done = run([*miri, "test", "--offline", "--lib", "--", *slow], tests, env)

    assert done.returncode == 0, done.stdout
    assert "test result: ok" in done.stdout
