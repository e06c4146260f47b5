"""A driver for every target, built once: by the pipeline, or without any tool."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.inspection.assembled import assembled
from tests.inspection.support import Verify, verify_runner
from tests.pipeline.authority import CODE_SIGNING, Identity
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


ASSEMBLED, LINKED = "assembled", "linked"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a fast test with both drivers; the second one needs tools, so it is slow."""
    marks = [mark.name for mark in metafunc.definition.iter_markers()]
    if "driver" in metafunc.fixturenames and "slow" not in marks:
        drivers = [ASSEMBLED, pytest.param(LINKED, marks=pytest.mark.slow)]
        metafunc.parametrize("driver", drivers, indirect=True, scope="session")


@pytest.fixture(scope="session")
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example driver, signed for all targets, and for x64 by the production profile too.

    The fast variant needs no tools, and has an image for x64 only.
    """
    if getattr(request, "param", LINKED) == ASSEMBLED:
        return _assembled_driver(tmp_path_factory.mktemp("assembled"))
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


def _assembled_driver(home: Path) -> Project:
    identity = Identity.make("DriverCertificate", CODE_SIGNING)
    project = Project(home / "project", home, environment(home))
    (project.folder / "src").mkdir(parents=True)
    project.certificates.mkdir(parents=True)
    (project.folder / "Cargo.toml").write_text('[package]\nname = "hello"\n', encoding="utf-8")
    (project.folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    for target in TARGETS[1:]:
        project.output(target=target).parent.mkdir(parents=True)
    for profile in ("development", "production"):
        image = project.output(profile=profile)
        image.parent.mkdir(parents=True)
        image.write_bytes(assembled(identity))
        certificate = identity.certificate.public_bytes(Encoding.DER)
        image.with_suffix(".cer").write_bytes(certificate)
    return project


@pytest.fixture
def project(driver: Project, tmp_path: Path) -> Project:
    """A copy of the project that a test can change."""
    shutil.copytree(driver.folder, tmp_path / "project", ignore=shutil.ignore_patterns("deps"))
    home = tmp_path / "home"
    shutil.copytree(driver.home / "data", home / "data")
    return Project(tmp_path / "project", home, environment(home))


@pytest.fixture
def image(driver: Project) -> bytes:
    """The x64 image of the development profile."""
    return driver.sys.read_bytes()


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run `kdrvgen verify` in this process."""
    monkeypatch.setenv("NO_COLOR", "1")
    return verify_runner(capsys)
