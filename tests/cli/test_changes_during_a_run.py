"""A file that changes while kdrvgen runs: the stamp of the run does not hide the change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

# Runs kdrvgen, and replaces FILE by NEW at the next open of any file after NUMBER opens of FILE.
CHANGING = """\
import os, sys
from kdrvgen.cli import main
file, new, number, *words = sys.argv[1:]
left = int(number)
def change(event, arguments):
    global left
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        if left == 0:
            os.replace(new, file)
        left -= left == 0 or os.path.realpath(arguments[0]) == file
sys.addaudithook(change)
code = main(words)
sys.exit(code if left < 0 else "the file was opened fewer times")
"""
CONFIG = """\
[driver]
name = "hello"
target = "x86_64-pc-windows-msvc"
workspace-root = ".."
[profiles.lab]
cargo-profile = "lab"
"""
LIBRARY = '[package]\nname = "hello"\n[lib]\ncrate-type = ["cdylib"]\n'
WORKSPACE = '[workspace]\n[profile.lab]\ninherits = "release"\n'
TARGETS = '[toolchain]\ntargets = ["x86_64-pc-windows-msvc"]\n'
FILES = {
    "config.toml": (CONFIG, f'{CONFIG}[toolchain]\ncargo-config = ".cargo/config"\n'),
    "Cargo.toml": (LIBRARY, LIBRARY.replace("hello", "other")),
    "rust-toolchain.toml": (TARGETS, "[toolchain]\n"),
    "../Cargo.toml": (WORKSPACE, "[workspace]\n"),
    "../rust-toolchain.toml": (TARGETS, "[toolchain]\n"),
}
"""The files that a run reads, each with two texts; a run with the first one has nothing to say."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name in FILES for number in (0, 1, 2)]
    + [("config.toml", 3), ("config.toml", 4), ("../Cargo.toml", 3)],
)
def test_the_next_run_reports_what_a_run_without_a_cache_reports(
    run: Run, project: Path, name: str, number: int
) -> None:
    for each in ("config.toml", "Cargo.toml", "../Cargo.toml", name):
        (project / each).write_text(FILES[each][0], "utf-8")
    file, new = project / name, project.parent / "new"
    new.write_text(FILES[name][1], "utf-8")
    subprocess.run(
        [sys.executable, "-c", CHANGING, os.path.realpath(file), new, str(number), "config.toml"],
        cwd=project,
        capture_output=True,
        check=True,
        text=True,
    )
    cache = os.environ["XDG_CACHE_HOME"]
    for copy, text in zip(("one", "two"), FILES[name], strict=True):
        file.write_text(text, "utf-8")
        here = shutil.copytree(cache, project.parent / copy)  # a full run replaces the stamp
        with_cache = run("config.toml", "--check", XDG_CACHE_HOME=str(here))
        without = run("config.toml", "--check", KDRVGEN_NO_CACHE="1")
        assert with_cache.stdout == without.stdout
        assert with_cache.stderr == without.stderr
        assert with_cache.returncode == without.returncode


@pytest.mark.one_in(8)
@pytest.mark.parametrize("name", [*FILES][1:])
def test_a_change_after_a_run_is_reported(run: Run, project: Path, name: str) -> None:
    for each in ("config.toml", "Cargo.toml", "../Cargo.toml"):
        (project / each).write_text(FILES[each][0], "utf-8")
    for _ in range(2):
        assert run("config.toml").stderr == ""
    assert "nothing has changed" in run("config.toml", "-v").stderr
    (project / name).write_text(FILES[name][1], "utf-8")
    assert "warning: " in run("config.toml").stderr


def test_a_file_that_hides_another_is_missed_when_it_is_gone(run: Run, project: Path) -> None:
    for each in ("config.toml", "Cargo.toml", "../Cargo.toml"):
        (project / each).write_text(FILES[each][0], "utf-8")
    (project / "rust-toolchain.toml").write_text("[toolchain]\n", "utf-8")
    (project / "rust-toolchain").write_text("stable\n", "utf-8")
    for _ in range(2):
        assert run("config.toml").stderr == ""
    assert "nothing has changed" in run("config.toml", "-v").stderr
    (project / "rust-toolchain").unlink()
    assert "warning: " in run("config.toml").stderr
