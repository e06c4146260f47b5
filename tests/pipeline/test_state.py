"""What the tasks find where they keep their files is never trusted."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.image import Image
from tests.pipeline.support import Project

pytestmark = pytest.mark.slow


def _record(project: Project) -> Path:
    return project.state() / "signed"


def _lock(project: Project) -> Path:
    return project.state() / "lock"


def _image(project: Project) -> Path:
    return project.sys


def _pdb(project: Project) -> Path:
    return project.output("hello.pdb")


PLACES = [_record, _lock, _image, _pdb]


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_where_a_file_must_be_is_named_and_kept(
    project: Project, place: Callable[[Project], Path]
) -> None:
    project.make("sign")
    path = place(project)
    path.unlink()
    (path / "inside").mkdir(parents=True)

    output = project.fail("sign")

    assert str(path) in output
    assert (path / "inside").is_dir()


@pytest.mark.parametrize("place", PLACES)
def test_a_link_is_never_followed(project: Project, place: Callable[[Project], Path]) -> None:
    project.make("sign")
    bait = project.home / "bait"
    bait.write_bytes(b"the user's")
    path = place(project)
    path.unlink()
    path.symlink_to(bait)

    project.make("sign")

    assert bait.read_bytes() == b"the user's"
    assert not path.is_symlink()
    assert project.verifies()


@pytest.mark.parametrize("place", [_record, _image, _pdb])
def test_a_pipe_does_not_hang_a_run(project: Project, place: Callable[[Project], Path]) -> None:
    project.make("sign")
    path = place(project)
    path.unlink()
    os.mkfifo(path)

    project.make("sign")

    assert project.verifies()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"kdrvgen build 1\n", b"x" * 100_000])
def test_a_foreign_record_costs_one_more_signature(project: Project, content: bytes) -> None:
    project.make("sign")
    _record(project).write_bytes(content)

    assert "up to date" not in project.make("sign")
    assert "up to date" in project.make("sign")


def test_the_record_of_another_profile_does_not_count(project: Project) -> None:
    project.make("sign")
    project.make("--profile", "production", "sign")
    record = _record(project)
    shutil.copy(record, project.state("production") / "signed")
    shutil.copy(project.sys, project.output(profile="production"))

    project.make("--profile", "production", "sign")

    image = project.output(profile="production")
    assert project.verifies(image)
    assert image.read_bytes() != project.sys.read_bytes()


def test_a_note_of_another_run_names_no_image_to_sign(project: Project) -> None:
    project.make("sign")
    foreign = project.home / "foreign.dll"
    foreign.write_bytes(project.dll.read_bytes() + b"foreign")
    digest = hashlib.sha256(foreign.read_bytes()).hexdigest()
    text = f"kdrvgen build 2\ndigest {digest}\ndll {foreign}\n"
    for number in range(1, 40_000, 37):
        note = project.state() / f"build-{number}"
        note.write_text(text, encoding="utf-8")

    project.make("sign")

    assert b"foreign" not in project.sys.read_bytes()
    assert Image.read(project.sys).is_signed


def test_a_file_in_the_place_of_the_output_folder_is_named(project: Project) -> None:
    project.make("sign")
    folder = project.sys.parent
    shutil.rmtree(folder)
    folder.write_text("a file", encoding="utf-8")

    output = project.fail("sign")

    assert "a file has the name of this folder" in output
    assert folder.read_text(encoding="utf-8") == "a file"
