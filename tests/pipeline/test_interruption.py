"""A run that is killed at any change of a file; the next run ends right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import CONFIG, Project, Stall, need

pytestmark = pytest.mark.slow

# What changes the folders of a project: the program writes new files and renames them.
CALLS = "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,ftruncate,fsync"


def _kill_at(program: Path, task: str, number: int) -> None:
    """Make the program of a task end at its change with this number, as by a power cut."""
    real = program.with_name("real")
    program.rename(real)
    # -D: the program stays a child of cargo-make.
    program.write_text(
        f'#!/bin/sh\n[ "$1" = {task} ] || exec \'{real}\' "$@"\n'
        f"exec strace -D -o /dev/null -e trace={CALLS} "
        f"-e inject={CALLS}:signal=KILL:when={number} '{real}' \"$@\"\n",
        encoding="utf-8",
    )
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("task", "new_certificate"),
    [("build-driver", False), ("rename", False), ("sign", False), ("sign", True)],
)
def test_after_a_kill_at_any_change_of_a_file_the_next_run_signs_todays_code(
    make_project: MakeProject, task: str, *, new_certificate: bool
) -> None:
    need("strace")
    project = make_project()
    project.say("before")
    project.make("sign")
    program = project.program
    number = 0
    for number in range(1, 40):
        word = f"after {number}"
        project.say(word)
        if new_certificate:
            project.identity.unlink(missing_ok=True)
        _kill_at(program, task, number)
        if project.run("sign").returncode == 0:
            break
        image = project.sys.read_bytes() if project.sys.exists() else b""
        if image and Image.read(project.sys).is_signed:
            assert project.verifies()
        program.with_name("real").replace(program)

        project.make("sign")

        assert f"loaded {word}".encode() in project.sys.read_bytes()
        assert project.verifies()
        left = [path for path in project.sys.parent.iterdir() if path.name.startswith(".")]
        assert not left
    assert 1 < number < 39


def test_after_a_kill_in_the_signing_tool_the_next_run_signs_todays_code(project: Project) -> None:
    project.say("before")
    project.make("sign")
    project.say("after")
    stall = Stall(project)
    half = 'for last; do :; done; head -c 3000 "$0" > "$last"'
    project.shim("osslsigncode", f"{half}\n{stall.script}")
    assert stall.kill("sign")
    project.unshim()
    assert not Image.read(project.sys).is_signed

    project.make("sign")

    assert b"loaded after" in project.sys.read_bytes()
    assert project.verifies()
    assert not [path for path in project.sys.parent.iterdir() if path.name.startswith(".")]


def test_an_interrupted_run_leaves_no_temporary_file(project: Project) -> None:
    stall = Stall(project)
    project.shim("osslsigncode", f"trap 'exit 1' TERM INT\n{stall.script}")

    output = stall.interrupt("sign")

    assert re.search(r"^sign: error: interrupted", output, re.MULTILINE)
    assert not [path for path in project.sys.parent.iterdir() if path.name.startswith(".")]
    assert not Image.read(project.sys).is_signed


def test_an_interrupted_run_leaves_no_key(make_project: MakeProject) -> None:
    project = make_project(CONFIG.replace("[signing]", '[signing]\nsubject = "Another"'))
    stall = Stall(project)
    before = {path.name for path in project.certificates.iterdir()}
    project.shim("openssl", f"trap 'exit 1' TERM INT\n{stall.script}")

    stall.interrupt("certificate")

    after = {path.name for path in project.certificates.iterdir()}
    assert {name for name in after - before if not name.endswith(".lock")} == set()
