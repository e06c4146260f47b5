"""Machines to look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.doctor.support import Machine
from tests.pipeline.support import need


@pytest.fixture(scope="session")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    need("cargo", "rustc", "cargo-make", "osslsigncode", "openssl", "cc")
    folder = tmp_path_factory.mktemp("doctor")
    machine = Machine.set_up(folder / "home", folder / "compiled")
    machine.begin()
    return machine


@pytest.fixture
def machine(_begun: Machine, tmp_path: Path) -> Machine:
    """A machine that has everything that building and signing take, and a generated project."""
    home = tmp_path / "home"
    for part in ("project", ".cache"):
        shutil.copytree(_begun.home / part, home / part)
    return Machine.set_up(home, _begun.home.parent / "compiled")
