"""Machines to look at."""

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
        pytest.skip("the tools of this machine are shell scripts; tests/windows has doctor run")
    if request.param == "stand-ins":
        return stand_ins(tmp_path_factory.mktemp("tools"))
    need("cargo", "rustc", "cargo-make", "osslsigncode", "openssl", "cc")
    return real_tools()


@pytest.fixture(scope="session")
def _begun(tmp_path_factory: pytest.TempPathFactory, _tools: dict[str, Path]) -> Machine:
    machine = Machine.set_up(tmp_path_factory.mktemp("doctor") / "home", _tools)
    machine.begin()
    return machine


@pytest.fixture
def machine(_begun: Machine, _tools: dict[str, Path], tmp_path: Path) -> Machine:
    """A machine that has everything that building and signing take, and a generated project."""
    home = tmp_path / "home"
    for part in ("project", ".cache"):
        shutil.copytree(_begun.home / part, home / part)
    return Machine.set_up(home, _tools)
