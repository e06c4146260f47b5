"""A Windows for each worker, and for each test a user of it who has nothing yet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.support import REPOSITORY, once
from tests.tools import path_in, without
from tests.windows.bed import Done, Windows
from tests.windows.native import Native, obstacle
from tests.windows.python import python_for_windows
from tests.windows.support import Desk, Python


@pytest.fixture(scope="session")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    if sys.platform == "win32":
        programs = tmp_path_factory.mktemp("programs")
        bed = Path(os.environ.get("KDRVGEN_WINDOWS") or programs / "bed")
        with Native.running(bed, programs, programs / "pipeline.exe") as native:
            yield native
        return
    bed = path_in("KDRVGEN_WINDOWS", "Wine, cargo-make for Windows and stand-ins")
    programs = once(tmp_path_factory, "programs", lambda _: None)
    prefix = tmp_path_factory.mktemp("windows") / "prefix"
    with Windows.running(bed, prefix, programs / "pipeline.exe") as machine:
        yield machine


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


@pytest.fixture
def python(windows: Windows) -> Python:
    """Run a Python of Windows that has kdrvgen."""
    python = python_for_windows()
    paths = [windows.path(REPOSITORY), windows.path(python / "site")]
    env = windows.env | {"PYTHONPATH": ";".join(paths), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(folder: Path, *arguments: str, **more: str) -> Done:
        # This Python does not start in Wine with files as its streams. To the end of a pipe would
        # be for ever: services that Wine starts keep it open. The output fits into a pipe.
        process = subprocess.Popen(
            [windows.bed / "wine64", python / "python.exe", *arguments],
            cwd=folder,
            env=env | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        code = process.wait(120)
        output = []
        for stream in (process.stdout, process.stderr):
            assert stream
            os.set_blocking(stream.fileno(), False)
            text = (stream.read() or b"").decode("utf-8", "replace")
            stream.close()
            output.append(text.replace("\r\n", "\n"))
        return Done(code, *output)

    return start


@pytest.fixture(autouse=True)
def _kernel(request: pytest.FixtureRequest) -> None:
    """Skip a test that loads a driver where Windows would not; in CI, fail."""
    if sys.platform == "win32" and request.node.get_closest_marker("kernel"):
        reason = obstacle()
        if reason:
            without(f"no driver can be loaded: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, on Windows itself, the tests that need stand-ins."""
    here = Path(__file__).parent
    for item in items:
        if sys.platform == "win32" and item.path.is_relative_to(here):
            if item.get_closest_marker("wine"):
                reason = "needs a stand-in for a part of Windows: Wine only"
                item.add_marker(pytest.mark.skip(reason))
