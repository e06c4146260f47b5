"""The blocks for threads, waits, locks, timers, settings and notifications, in Wine's kernel."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from tests.bootstrap.conftest import NewProject, PreparedProject
from tests.bootstrap.frames import frames
from tests.bootstrap.kernel import Kernel
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "blocks"
KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\sync"
# Name, type and data, as reg.exe takes them.
SETTINGS = [
    ("Count", "REG_DWORD", "4294967295"),
    ("Text", "REG_SZ", "Grüße"),
    ("List", "REG_MULTI_SZ", r"first\0second"),
    ("Bytes", "REG_BINARY", "00ff10"),
]


@pytest.fixture(scope="module")
def sync(prepared: PreparedProject) -> Project:
    """A driver without a global allocator that uses these blocks, signed for all targets."""

    def build(project: Project) -> None:
        shutil.copy2(HERE / "sync.rs", project.folder / "src/lib.rs")
        project.make("sign-all")
        project.make("--profile", "production", "-e", "DRIVER_TIMESTAMP_URL=", "sign")

    return prepared("minimal", name="sync", build=build)


@pytest.fixture(scope="module", params=["development", "production"])
def log_lines(request: pytest.FixtureRequest, sync: Project, kernel: Kernel) -> list[str]:
    """What that driver logs from its start to its end; a second driver is loaded meanwhile."""
    image = sync.output("sync.sys", request.param)
    kernel.install(image, "sync")
    for name, kind, data in SETTINGS:
        words = ("add", rf"{KEY}\Parameters", "/v", name, "/t", kind, "/d", data, "/f")
        assert kernel.run("reg", *words).returncode == 0
    before = len(kernel.lines())
    output = kernel.sc("start", "sync")
    assert kernel.state("sync") == "RUNNING", output + "\n".join(kernel.lines()[before:])
    kernel.install(image, "other")
    kernel.sc("start", "other")
    kernel.sc("stop", "sync")
    assert kernel.state("sync") == "STOPPED"
    return [line.removeprefix("sync: ") for line in kernel.lines()[before:]]


def test_show(log_lines):
    print("\n".join(log_lines))
    assert 0
