"""A run with nothing to change is cheap, and never wrong about there being nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.pipeline import support_files
from tests.tools import ON_POSIX

Run = Callable[..., subprocess.CompletedProcess[str]]
KNOWN = "nothing has changed since the last run"


def stamps() -> list[Path]:
    return list((Path(os.environ["XDG_CACHE_HOME"]) / "kdrvgen" / "stamps").iterdir())


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    "options",
    [[], ["--check"], ["-q"], ["--diff"], ["--dry-run"], ["-v", "--check"], ["-o", "."]],
)
def test_nothing_expensive_is_imported(run: Run, options: list[str]) -> None:
    run("config.toml")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kdrvgen", "config.toml", *options],
        capture_output=True,
        check=True,
        text=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {name for name in imported if "kdrvgen" in name} == {"kdrvgen", "kdrvgen._fastpath"}
    expensive = {"argparse", "dataclasses", "hashlib", "pathlib", "re", "typing"}
    assert not imported & expensive


def test_a_second_run_and_a_first_check_use_the_stamp(run: Run) -> None:
    assert KNOWN not in run("config.toml", "-v").stderr
    assert KNOWN in run("config.toml", "-v").stderr
    assert KNOWN in run("config.toml", "-v", "--check").stderr


def _edit_config(project: Path) -> None:
    config = project / "config.toml"
    config.write_text(config.read_text("utf-8").replace("hello", "hallo"), "utf-8")


def _edit_output(project: Path) -> None:
    file = project / "build.rs"
    before = file.stat()
    file.write_bytes(file.read_bytes()[:-2] + b" \n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _delete_output(project: Path) -> None:
    (project / ".cargo" / "config.toml").unlink()


def _link_outside(project: Path) -> None:
    (project / "build.rs").rename(project.parent / "build.rs")
    (project / "build.rs").symlink_to("../build.rs")


def _pipe(project: Path) -> None:
    (project / "build.rs").unlink()
    os.mkfifo(project / "build.rs")


def _sibling(project: Path) -> None:
    (project / ".cargo" / "config").write_text("[build]\n", "utf-8")


def _left_over(project: Path) -> None:
    (project / ".build.rs.kdrvgen-new").write_text("half of", "utf-8")


def _edit_support(project: Path) -> None:
    (project / ".kdrvgen" / "kit.rs").write_text("mine\n", "utf-8")


def _add_to_support(project: Path) -> None:
    (project / ".kdrvgen" / "pipeline" / "src" / "own").mkdir()
    (project / ".kdrvgen" / "pipeline" / "src" / "own" / "x").write_text("mine\n", "utf-8")


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_edit_config, 0),
        (_edit_support, 5),
        (_add_to_support, 0),
        (_edit_output, 5),
        (_delete_output, 0),
        pytest.param(_link_outside, 5, marks=ON_POSIX),
        pytest.param(_pipe, 8, marks=ON_POSIX),
        (_sibling, 0),
        (_left_over, 0),
    ],
)
def test_every_change_of_the_project_is_noticed(
    run: Run, project: Path, change: Callable[[Path], None], code: int
) -> None:
    run("config.toml")
    change(project)
    done = run("config.toml", "-v")
    assert KNOWN not in done.stderr
    assert done.returncode == code
    assert not (project / ".build.rs.kdrvgen-new").exists()


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["output/plan.py", "rendering/templates/build.rs.j2"])
def test_every_change_of_kdrvgen_itself_is_noticed(run: Run, tmp_path: Path, changed: str) -> None:
    shutil.copytree(Path(kdrvgen.__file__).parent, tmp_path / "path" / "kdrvgen")
    path = str(tmp_path / "path")
    run("config.toml", PYTHONPATH=path)
    assert KNOWN in run("config.toml", "-v", PYTHONPATH=path).stderr
    source = tmp_path / "path" / "kdrvgen" / changed
    source.write_text(source.read_text("utf-8") + "\n", "utf-8")
    assert KNOWN not in run("config.toml", "-v", PYTHONPATH=path).stderr


@pytest.mark.one_in(8)
@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "another listing", "a folder"])
def test_a_damaged_stamp_leads_to_a_full_run(run: Run, damage: str) -> None:
    run("config.toml")
    (stamp,) = stamps()
    content = stamp.read_bytes()
    stamp.unlink()
    if damage == "a folder":
        stamp.mkdir()
    else:
        stamp.write_bytes(
            {
                "truncated": content[:-1],
                "empty": b"",
                "garbage": b"\xff\x00\n\n" * 40,
                "another listing": content.replace(b"unchanged  build.rs", b"updated    build.rs"),
            }[damage]
        )
        assert content != stamp.read_bytes()
    done = run("config.toml", "-v")
    assert done.returncode == 0
    assert KNOWN not in done.stderr
    assert done.stdout.count("unchanged") == 3 + len(support_files())
    if damage != "a folder":
        assert stamp.read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_another_users_stamp_is_not_used(run: Run) -> None:
    run("config.toml")
    (stamp,) = stamps()
    os.chown(stamp, 65534, 65534)
    assert KNOWN not in run("config.toml", "-v").stderr


@ON_POSIX
def test_a_stamp_that_other_users_can_write_is_not_used(run: Run) -> None:
    run("config.toml")
    stamps()[0].chmod(0o666)
    assert KNOWN not in run("config.toml", "-v").stderr


@ON_POSIX
@pytest.mark.one_in(8)
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_a_cache_below_a_folder_that_other_users_can_write_is_not_used(
    run: Run, tmp_path: Path, mode: int, levels: int
) -> None:
    home = tmp_path / "home" / "cache"
    place = home / "kdrvgen" / "stamps"
    run("config.toml", XDG_CACHE_HOME=str(home))
    assert KNOWN in run("config.toml", "-v", XDG_CACHE_HOME=str(home)).stderr
    (place, *place.parents)[levels].chmod(mode)
    assert KNOWN not in run("config.toml", "-v", XDG_CACHE_HOME=str(home)).stderr


@pytest.mark.one_in(8)
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_a_cache_below_another_users_folder_is_not_used(
    run: Run, tmp_path: Path, levels: int
) -> None:
    home = tmp_path / "home" / "cache"
    place = home / "kdrvgen" / "stamps"
    run("config.toml", XDG_CACHE_HOME=str(home))
    os.chown((place, *place.parents)[levels], 65534, 65534)
    assert KNOWN not in run("config.toml", "-v", XDG_CACHE_HOME=str(home)).stderr


@ON_POSIX
def test_a_cache_below_a_sticky_folder_is_used(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o1777)
    run("config.toml", XDG_CACHE_HOME=str(home))
    assert KNOWN in run("config.toml", "-v", XDG_CACHE_HOME=str(home)).stderr
    (home / "kdrvgen" / "stamps").chmod(0o1777)
    assert KNOWN not in run("config.toml", "-v", XDG_CACHE_HOME=str(home)).stderr


@ON_POSIX
def test_a_cache_behind_a_link_is_used_only_if_the_link_leads_to_a_safe_place(
    run: Run, tmp_path: Path
) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to("real")
    run("config.toml", XDG_CACHE_HOME=str(link))
    assert KNOWN in run("config.toml", "-v", XDG_CACHE_HOME=str(link)).stderr
    real.chmod(0o777)
    assert KNOWN not in run("config.toml", "-v", XDG_CACHE_HOME=str(link)).stderr


def test_the_cache_contains_only_stamps_and_locks(run: Run) -> None:
    run("config.toml")
    kept = Path(os.environ["XDG_CACHE_HOME"]) / "kdrvgen"
    locks = {"locks"} if sys.platform == "win32" else set()  # elsewhere, folders are locked
    assert {path.name for path in kept.iterdir()} == {"stamps", *locks}


def test_without_a_usable_cache_every_run_is_full(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    for environment in (
        {"XDG_CACHE_HOME": str(file), "LOCALAPPDATA": str(file)},
        {"KDRVGEN_NO_CACHE": "1"},
    ):
        for _ in range(2):
            done = run("config.toml", "-v", **environment)
            assert (done.returncode, done.stderr) == (0, "")
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).iterdir())


@ON_POSIX
def test_each_configuration_and_folder_has_its_own_private_stamp(run: Run) -> None:
    run("config.toml")
    run("config.toml", "-o", "other")
    assert len(stamps()) == 2
    assert {stamp.stat().st_mode & 0o777 for stamp in stamps()} == {0o600}


@ON_POSIX
def test_a_configuration_that_is_a_pipe_does_not_block(run: Run, project: Path) -> None:
    os.mkfifo(project / "pipe.toml")
    done = run("pipe.toml")
    assert (done.returncode, done.stdout) == (3, "")


def test_what_a_killed_run_left_for_the_other_cargo_configuration_is_noticed(
    run: Run, project: Path
) -> None:
    run("config.toml")
    left = project / ".cargo" / ".config.kdrvgen-new"
    left.write_text("half of", "utf-8")
    assert KNOWN not in run("config.toml", "-v").stderr
    assert not left.exists()


def test_a_second_run_knows_in_a_workspace_too(run: Run, project: Path) -> None:
    (project.parent / "Cargo.toml").write_text('[workspace]\nmembers = ["project"]\n', "utf-8")
    config = project / "config.toml"
    config.write_text('[driver]\nname = "hello"\nworkspace-root = ".."\n', "utf-8")
    run("config.toml")
    assert (project.parent / ".kdrvgen" / "kit.rs").is_file()
    assert KNOWN in run("config.toml", "-v").stderr
    (project.parent / ".kdrvgen" / "kit.rs").write_text("mine\n", "utf-8")
    assert KNOWN not in run("config.toml", "-v").stderr


@ON_POSIX
def test_a_folder_behind_a_link_is_not_taken_for_the_folder_of_the_link(
    run: Run, project: Path
) -> None:
    there = project.parent / "there"
    (there / "inner").mkdir(parents=True)
    shutil.copy(project / "config.toml", there)
    (project / "link").symlink_to(there / "inner")
    run("link/../config.toml")
    assert (there / "build.rs").is_file()
    assert "created    build.rs" in run("config.toml").stdout
    assert "created    build.rs" in run("config.toml", "-o", "link/../inner").stdout
    assert (there / "inner" / "build.rs").is_file()


@ON_POSIX
def test_each_name_of_a_folder_has_the_same_stamp(run: Run, project: Path) -> None:
    (project.parent / "link").symlink_to("project")
    run("../link/config.toml")
    assert KNOWN in run("config.toml", "-v").stderr
    assert KNOWN in run(project / "config.toml", "-v").stderr
    assert len(stamps()) == 1
    (project.parent / "link").unlink()
    assert KNOWN in run("config.toml", "-v").stderr


@ON_POSIX
def test_a_run_with_nothing_to_change_prints_what_a_full_run_prints(
    run: Run, project: Path
) -> None:
    (project / "own").mkdir()
    (project / "build.rs").symlink_to("own/build.rs")
    run("config.toml")
    run("eject", "build.rs")
    makefile = project / "Makefile.toml"
    makefile.write_bytes(makefile.read_bytes().replace(b"\n", b"\r\n"))
    run("config.toml")
    for options in ((), ("-v",), ("--check",)):
        known = run("config.toml", *options)
        full = run("config.toml", *options, KDRVGEN_NO_CACHE="1")
        assert known.stdout == full.stdout
        assert "ejected    build.rs (a link leads to own/build.rs)" in full.stdout
        assert "kept       Makefile.toml" in full.stdout
    assert KNOWN in run("config.toml", "-v").stderr


@ON_POSIX
def test_a_cache_that_cannot_be_written_is_no_error(run: Run, project: Path) -> None:
    run("config.toml")
    (stamp,) = stamps()
    folder = stamp.parent
    stamp.unlink()
    folder.rmdir()
    folder.symlink_to("/proc")  # refuses new files, also of root
    for _ in range(2):
        done = run("config.toml", "-v")
        assert (done.returncode, done.stderr) == (0, "")
    assert (project / "build.rs").is_file()
