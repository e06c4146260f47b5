"""A Windows for each worker, and for each test a user of it who has nothing yet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.windows.bed import Windows


@pytest.fixture(scope="session")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    # What setup.sh prints; it makes what is missing, and only looks otherwise.
    bed = (
        os.environ.get("KDRVGEN_WINDOWS")
        or subprocess.run(
            [Path(__file__).with_name("setup.sh")], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
    )
    machine = Windows.start(Path(bed), tmp_path_factory.mktemp("windows") / "prefix")
    yield machine
    machine.stop()


@pytest.fixture
def windows(_machine: Windows, tmp_path: Path) -> Iterator[Windows]:
    """A Windows with cargo and cargo-make; no kits, no Visual Studio, no certificates."""
    windows = _machine.for_test(tmp_path)
    yield windows
    windows.uninstall()
