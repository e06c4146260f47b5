"""Machines for doctor to check."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.doctor.support import Machine, real_tools, stand_ins
from tests.tools import need


@pytest.fixture(
    scope="session", params=["stand-ins", pytest.param("real tools", marks=pytest.mark.slow)]
)
def _tools(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    if sys.platform == "win32":
        pytest.skip(
            "the tools of these machines are shell scripts; tests/windows runs doctor there"
        )
    if request.param == "stand-ins":
        return stand_ins(tmp_path_factory.mktemp("tools"))
    need("cargo", "rustc", "cargo-make", "osslsigncode", "openssl", "cc")
    return real_tools()


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory, _tools: dict[str, Path]) -> Machine:
    machine = Machine.set_up(tmp_path_factory.mktemp("doctor") / "home", _tools)
    machine.generate()
    return machine


@pytest.fixture
def machine(_prepared: Machine, _tools: dict[str, Path], tmp_path: Path) -> Machine:
    """A machine with everything that build and sign need, and a generated project."""
    home = tmp_path / "home"
    for part in ("project", ".cache"):
        shutil.copytree(_prepared.home / part, home / part)
    return Machine.set_up(home, _tools)
