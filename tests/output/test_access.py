"""Files and folders that cannot or must not be written: a clear error, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.lock import held
from kdrvgen.output.writer import write

fcntl = pytest.importorskip("fcntl", reason="needs Linux or macOS")

Texts = Mapping[PurePosixPath, str]
MAKEFILE = PurePosixPath("Makefile.toml")
NOBODY = 65534

# Imports everything before it drops the rights of root, because only root may read the packages.
AS_NOBODY = f"""
import os, pathlib, sys
from kdrvgen.output.writer import write
if os.geteuid() == 0:
    os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
    os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
try:
    write({{pathlib.PurePosixPath("Makefile.toml"): "new"}}, pathlib.Path(sys.argv[1]), force=True)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can access, unlike those below `tmp_path`."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "Makefile.toml").write_text("old", "utf-8")
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(root: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, root], check=True, capture_output=True, text=True
    ).stdout


def test_a_read_only_folder_is_a_clear_error(open_folder: Path) -> None:
    (open_folder / "Makefile.toml").chmod(0o666)
    open_folder.chmod(0o555)
    message = as_nobody(open_folder)
    assert message.startswith(
        f"FileAccessError cannot write {open_folder.resolve()}/Makefile.toml: "
    )
    assert "Permission denied. Nothing was changed." in message
    assert [path.name for path in open_folder.iterdir()] == ["Makefile.toml"]
    assert (open_folder / "Makefile.toml").read_text("utf-8") == "old"


def test_an_unreadable_file_is_a_clear_error(open_folder: Path) -> None:
    (open_folder / "Makefile.toml").chmod(0)
    message = as_nobody(open_folder)
    assert message.startswith(
        f"FileAccessError cannot read {open_folder}/Makefile.toml: Permission"
    )


def test_a_read_only_file_is_not_overwritten(project: Path, texts: Texts, old_texts: Texts) -> None:
    write(old_texts, project)
    (project / MAKEFILE).chmod(0o444)
    with pytest.raises(FileAccessError, match=r"Makefile\.toml: the file is read-only"):
        write(texts, project, force=True)
    for path, text in old_texts.items():
        assert (project / path).read_text("utf-8") == text
    assert len(list(project.iterdir())) == 3


def test_a_folder_in_place_of_a_file_is_a_clear_error(project: Path, texts: Texts) -> None:
    (project / MAKEFILE).mkdir()
    with pytest.raises(FileAccessError, match=r"Makefile\.toml is a folder, but kdrvgen writes"):
        write(texts, project, force=True)
    assert len(list(project.iterdir())) == 1


def test_a_pipe_in_place_of_a_file_is_an_error_without_blocking(
    project: Path, texts: Texts
) -> None:
    os.mkfifo(project / MAKEFILE)
    with pytest.raises(FileAccessError, match="is a device or pipe"):
        write(texts, project)


@pytest.mark.parametrize("place", [".cargo", "."])
def test_a_file_in_place_of_a_folder_is_a_clear_error(
    tmp_path: Path, texts: Texts, place: str
) -> None:
    root = tmp_path / "project"
    blocked = root / place
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("mine", "utf-8")
    with pytest.raises(FileAccessError, match=r"(Not a directory|File exists)\. Nothing was"):
        write(texts, root, force=True)
    assert blocked.read_text("utf-8") == "mine"


@pytest.mark.parametrize("linked", ["Makefile.toml", ".cargo"])
def test_a_link_that_leads_out_is_refused_even_with_force(
    project: Path, tmp_path: Path, texts: Texts, linked: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / "file" if linked == "Makefile.toml" else outside
    if target != outside:
        target.write_text(texts[MAKEFILE], "utf-8")
    (project / linked).symlink_to(target)
    before = sorted(outside.iterdir())
    with pytest.raises(RefusedError, match="a link leads out of the project, to "):
        write(texts, project, force=True)
    assert sorted(outside.iterdir()) == before
    assert [path.name for path in project.iterdir()] == [linked]


@pytest.mark.parametrize("exists", [False, True])
def test_a_link_within_the_project_is_followed_and_stays_one(
    project: Path, texts: Texts, old_texts: Texts, *, exists: bool
) -> None:
    real = project / "make" / "tasks.toml"
    real.parent.mkdir()
    if exists:
        real.write_text(old_texts[MAKEFILE], "utf-8")
    (project / MAKEFILE).symlink_to("make/tasks.toml")
    write(texts, project)
    assert (project / MAKEFILE).is_symlink()
    assert real.read_text("utf-8") == texts[MAKEFILE]
    assert len(list(real.parent.iterdir())) == 1


def test_a_loop_of_links_is_a_clear_error(project: Path, texts: Texts) -> None:
    (project / MAKEFILE).symlink_to("build.rs")
    (project / "build.rs").symlink_to("Makefile.toml")
    with pytest.raises(FileAccessError, match="form a loop"):
        write(texts, project)


def test_an_updated_file_keeps_its_permissions(
    project: Path, texts: Texts, old_texts: Texts
) -> None:
    write(old_texts, project)
    (project / MAKEFILE).chmod(0o640)
    write(texts, project)
    assert (project / MAKEFILE).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_files_permissions_follow_the_umask(project: Path, texts: Texts, mask: int) -> None:
    before = os.umask(mask)
    try:
        write(texts, project)
    finally:
        os.umask(before)
    assert (project / MAKEFILE).stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_run_waits_for_another_one_and_then_reports_it(project: Path) -> None:
    with (
        held(project),
        pytest.raises(FileAccessError, match="another kdrvgen is running"),
        held(project, patience=0),
    ):
        raise AssertionError("two runs hold one project")
    with held(project, patience=0):
        assert not list(project.iterdir())


def test_a_run_that_waited_makes_a_new_plan(project: Path) -> None:
    lock = os.open(project, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    program = (
        "import pathlib, sys\n"
        "from kdrvgen.output.writer import carry_out\n"
        "from kdrvgen.output.plan import make\n"
        "def planned():\n"
        "    sys.stdout.write((root / 'mark').read_text())\n"
        "    return make({}, root)\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "sys.stdout.write('ready ')\n"
        "sys.stdout.flush()\n"
        "carry_out(root, planned)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, project], stdout=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.read(6) == "ready "
        (project / "mark").write_text("written while it waited", "utf-8")
        os.close(lock)
        assert waiting.communicate()[0] == "written while it waited"
    assert waiting.returncode == 0


def test_a_folder_whose_names_cannot_be_listed_gets_its_files(open_folder: Path) -> None:
    (open_folder / "Makefile.toml").chmod(0o666)
    open_folder.chmod(0o333)
    assert as_nobody(open_folder) == ""
    assert (open_folder / "Makefile.toml").read_text("utf-8") == "new"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_an_updated_file_keeps_its_owner(project: Path, texts: Texts, old_texts: Texts) -> None:
    write(old_texts, project)
    os.chown(project / MAKEFILE, NOBODY, NOBODY - 1)
    write(texts, project)
    found = (project / MAKEFILE).stat()
    assert (found.st_uid, found.st_gid) == (NOBODY, NOBODY - 1)


def test_a_run_leaves_no_descriptor_open(project: Path, texts: Texts, old_texts: Texts) -> None:
    for path in texts:
        left = (project / path).with_name(f".{path.name}.kdrvgen-new")
        left.parent.mkdir(exist_ok=True)
        left.write_text("half of", "utf-8")
    before = len([*Path("/dev/fd").iterdir()])
    write(old_texts, project)
    write(texts, project)
    assert len([*Path("/dev/fd").iterdir()]) == before


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, texts: Texts) -> None:
    (tmp_path / "file").write_text("mine", "utf-8")
    root = tmp_path / "file" / "project"
    with pytest.raises(FileAccessError, match=rf"^cannot use the folder {root}: File exists"):
        write(texts, root)
