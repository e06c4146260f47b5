"""A driver that the pipeline built and signed for every target, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.inspection.support import Tell, told
from tests.pipeline.conftest import _copy_example
from tests.pipeline.support import Project, environment, need, once

TARGETS = ("x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "aarch64-pc-windows-msvc")
CONFIG = """\
[driver]
name = "hello"
targets = ["x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "aarch64-pc-windows-msvc"]

[wdk]
locate = "none"

[signing]
timestamp-url = ""
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example driver, signed for all targets, and for x64 by the production profile too."""
    need("cargo", "rustc", "cargo-make", "osslsigncode", "openssl")

    def fill(home: Path) -> None:
        project = Project(home / "project", home, environment(home))
        _copy_example(project.folder)
        project.generate(CONFIG)
        for target in TARGETS:
            project.make("sign", DRIVER_TARGET=target)
        project.make("--profile", "production", "sign")

    home = once(tmp_path_factory, "inspected", fill)
    return Project(home / "project", home, environment(home))


@pytest.fixture
def project(driver: Project, tmp_path: Path) -> Project:
    """A copy of that project which a test may change."""
    shutil.copytree(driver.folder, tmp_path / "project", ignore=shutil.ignore_patterns("deps"))
    home = tmp_path / "home"
    shutil.copytree(driver.home / "data", home / "data")
    return Project(tmp_path / "project", home, environment(home))


@pytest.fixture
def image(driver: Project) -> bytes:
    """The x64 image of the development profile."""
    return driver.sys.read_bytes()


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Run `kdrvgen verify` in this process."""
    monkeypatch.setenv("NO_COLOR", "1")
    return told(capsys)
