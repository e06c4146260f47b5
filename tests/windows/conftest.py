"""A Windows for each worker, and for each test a user of it who has nothing yet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.support import once, without
from tests.windows.bed import Windows
from tests.windows.native import Native, obstacle
from tests.windows.support import Desk


@pytest.fixture(scope="session")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    if sys.platform == "win32":
        programs = tmp_path_factory.mktemp("programs")
        bed = Path(os.environ.get("KDRVGEN_WINDOWS") or programs / "bed")
        yield Native.start(bed, programs, programs / "pipeline.exe")
        return
    # What setup.sh prints; it makes what is missing, and only looks otherwise.
    bed = (
        os.environ.get("KDRVGEN_WINDOWS")
        or subprocess.run(
            [Path(__file__).with_name("setup.sh")], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
    )
    programs = once(tmp_path_factory, "programs", lambda _: None)
    prefix = tmp_path_factory.mktemp("windows") / "prefix"
    machine = Windows.start(Path(bed), prefix, programs / "pipeline.exe")
    yield machine
    machine.stop()


@pytest.fixture
def windows(_machine: Windows, tmp_path: Path) -> Iterator[Windows]:
    """A Windows with cargo and cargo-make; no kits, no certificates."""
    windows = _machine.for_test(tmp_path)
    yield windows
    windows.uninstall()


@pytest.fixture
def desk(windows: Windows) -> Desk:
    """A project beside a Windows with the kits, and no certificate yet."""
    windows.install_kits()
    return Desk.start(windows)


@pytest.fixture(autouse=True)
def _kernel(request: pytest.FixtureRequest) -> None:
    """Skip a test that loads a driver where Windows would not; in CI, fail."""
    if sys.platform == "win32" and request.node.get_closest_marker("kernel"):
        reason = obstacle()
        if reason:
            without(f"no driver can be loaded: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, on Windows itself, the tests that need stand-ins; in Wine, have a test tried again.

    The summary says so then. On a busy machine Wine now and then starts a program not at all, or
    ends it without a word: one of some ten thousand, and these tests start thousands of them,
    mostly from within others.
    """
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        if sys.platform == "win32":
            if item.get_closest_marker("wine"):
                item.add_marker(
                    pytest.mark.skip("needs a stand-in for a part of Windows: Wine only")
                )
        else:
            reruns = int(os.environ.get("KDRVGEN_RERUNS", "2"))
            item.add_marker(pytest.mark.flaky(reruns=reruns))
