"""The building blocks on the machine that builds: their logic, and memory errors in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bootstrap.host import (
    BLOCKS,
    run_tests,
    run_tests_with_miri,
    run_tests_with_sanitizer,
    with_blocks,
)

pytestmark = pytest.mark.slow


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
    # What takes minutes there has no unsafe code, or differs only in its numbers.
    slow = [f"--skip={part}" for part in ("remainder", "text", "every_size", "every_length")]

    run_tests_with_miri(tests, "host.rs", *slow)


def test_threads_and_locks_behave_as_documented(tests: Path) -> None:
    printed = run_tests(tests, "host_threads.rs")

    assert re.search(r"test result: ok\. \d\d passed", printed)


def test_threads_and_locks_have_no_race_that_miri_finds(tests: Path) -> None:
    run_tests_with_miri(tests, "host_threads.rs")
