"""Random sequences, as on Linux, by the program for Windows; fewer, because Wine takes its time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.pipeline.support import Project, environment
from tests.pipeline.test_sequences import Bench
from tests.windows.bed import Windows
from tests.windows.support import Desk

pytestmark = pytest.mark.slow

SEQUENCES = int(os.environ.get("KDRVGEN_WINDOWS_SEQUENCES", "4"))
STEPS = 3


class WindowsBench(Bench):
    """A project on a Windows, and what its files say at the moment."""

    def __init__(self, windows: Windows, project: Project, seed: int) -> None:
        self.windows = windows
        super().__init__(project, seed)

    def command(self) -> list[str]:
        return [str(self.windows.bed / "wine64"), *super().command()]

    def damage(self) -> None:
        super().damage()
        # Programs in Wine do not see the links of Linux.
        for path in self.project.target.rglob("*"):
            if path.is_symlink():
                data = path.read_bytes()
                path.unlink()
                path.write_bytes(data)

    def lose_the_build_of_the_program(self) -> None:
        folder = self.project.target / "kdrvgen/windows-AMD64"
        shutil.rmtree(folder / "pipeline.exe.build", ignore_errors=True)
        (folder / "pipeline.exe").touch()
        self.note("the program's build is gone")


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_exit_code_0_is_true_on_windows_too(windows: Windows, seed: int) -> None:
    windows.install_kits()
    desk = Desk.start(windows)
    # What is started first keeps the streams of services open.
    desk.make("certificate")
    env = environment(windows.home) | windows.env
    bench = WindowsBench(windows, Project(desk.project.folder, windows.home, env), seed)
    for _ in range(STEPS):
        bench.step()
        bench.sign()


def test_a_run_that_is_killed_leaves_nothing_that_the_next_one_stumbles_over(
    windows: Windows,
) -> None:
    windows.install_kits()
    desk = Desk.start(windows)
    desk.make("certificate")
    env = environment(windows.home) | windows.env
    bench = WindowsBench(windows, Project(desk.project.folder, windows.home, env), 1)

    for _ in range(3):
        bench.edit()
        bench.kill_a_run()
        bench.sign()

    assert not list(Path(desk.sys.parent).glob(".kdrvgen*"))
