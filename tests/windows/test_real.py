"""A driver's whole life on Windows: in Wine, or on the machine that the tests run on.

On a real Windows nothing stands in: link.exe links, the signtool of the installed SDK signs, and
the kernel loads what was signed. That takes an administrator, and test signing.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, REPOSITORY
from tests.windows.bed import Windows
from tests.windows.native import TRIPLE
from tests.windows.python import python_for_windows
from tests.windows.support import Desk, verifies

pytestmark = pytest.mark.slow

# No driver of this name is on a developer's machine.
SERVICE = "kdrvgen_real"
DEPLOY = f'[deploy]\nservice = "{SERVICE}"\n'
RUNNING, STOPPED = 4, 1
ROUND = "the_whole_round"


def state(windows: Windows) -> int:
    """Return the number of the service's state; 0 for no such service."""
    return int(windows.store("state", SERVICE))


def start(windows: Windows, config: str = CONFIG) -> Desk:
    """Return a project as a clone has it; on a real Windows the pipeline finds signtool itself."""
    if not windows.is_real:
        windows.install_kits()
    return Desk.start(windows, config + DEPLOY, name="my driver é日", without_program=True)


@pytest.mark.kernel
def test_the_whole_round_ends_with_a_driver_that_ran_and_leaves_nothing(windows: Windows) -> None:
    desk = start(windows)
    try:
        desk.make("sign")
        assert verifies(desk.sys, desk.project.cer)
        assert f"verify: {windows.path(desk.sys)}" in desk.make("verify")
        assert desk.certificate not in windows.certificates("Root")

        assert f"install: service {SERVICE}: " in desk.make("install")
        assert state(windows) == STOPPED
        assert f"{SERVICE} is RUNNING: " in desk.make("start")
        assert state(windows) == RUNNING

        assert f"stop: stopped {SERVICE}" in desk.make("stop")
        assert state(windows) == STOPPED
        assert f"removed the service {SERVICE}" in desk.make("uninstall")
        assert state(windows) == 0

        desk.make("clean-cert")
        assert windows.certificates() == []
        desk.make("clean-driver")
        assert not desk.sys.exists()
    finally:
        for verb in ("stop", "delete"):
            windows.run(["sc", verb, SERVICE])


def test_without_an_administrator_the_driver_is_signed_and_verified(windows: Windows) -> None:
    desk = start(windows)

    desk.make("sign")
    desk.make("verify")

    assert Image.read(desk.sys).is_signed
    assert verifies(desk.sys, desk.project.cer)


@pytest.mark.kernel
def test_a_driver_linked_with_the_libraries_of_the_kit_runs(windows: Windows) -> None:
    if not windows.is_real:
        pytest.skip("Wine has no WDK; tests/pipeline/test_kit.py links with libraries made for it")
    libraries = kit_libraries()
    if not libraries:
        pytest.skip("no WDK is installed")
    desk = start(windows, CONFIG + '[wdk]\nlocate = "auto"\nlibraries = ["ntoskrnl"]\n')
    try:
        desk.make("start")
        assert state(windows) == RUNNING
        desk.make("uninstall")
        assert state(windows) == 0
    finally:
        for verb in ("stop", "delete"):
            windows.run(["sc", verb, SERVICE])


def kit_libraries() -> list[Path]:
    """Return the import libraries of the kernel for this machine's target."""
    folder = {"aarch64-pc-windows-msvc": "arm64"}.get(TRIPLE, "x64")
    root = Path(os.environ.get("PROGRAMFILES(X86)", r"C:\Program Files (x86)"), "Windows Kits/10")
    return list(root.glob(f"Lib/10.*/km/{folder}/ntoskrnl.lib"))


# --- the native test bed, in Wine ---------------------------------------------------------------


@pytest.mark.wine
def test_the_native_test_bed_works_in_a_python_of_windows(windows: Windows) -> None:
    windows.install_kits()

    pytest_in_wine(windows, "--collect-only", "-q", "tests/windows")
    output = pytest_in_wine(windows, "-q", "-k", ROUND, "tests/windows/test_real.py")
    assert "1 passed" in output, output


def pytest_in_wine(windows: Windows, *words: str) -> str:
    """Run pytest, which succeeds, by a Python of Windows for which this Wine is the machine."""
    python = python_for_windows()
    paths = [windows.path(REPOSITORY), windows.path(python / "site")]
    env = windows.env | {
        "PYTHONPATH": ";".join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "KDRVGEN_WINDOWS": windows.path(windows.bed),
        # Where the cargo of Linux is, which the stand-in calls: by default below the home.
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
    }
    program = [windows.bed / "wine64", python / "python.exe"]
    done = subprocess.run(
        [*program, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=REPOSITORY,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
        check=False,
    )
    output = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, output
    return output
