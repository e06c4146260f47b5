"""The folder of the support files: in the project or its workspace, only for kdrvgen's files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.writer import write
from kdrvgen.rendering.header import eject, seal, seal_support
from kdrvgen.report.files import Status

SUPPORT = PurePosixPath(".kdrvgen")
TEXTS = {
    PurePosixPath("Makefile.toml"): seal("# tasks\n", "#"),
    SUPPORT / "kit.rs": seal_support("//! Kit.\n", "//"),
    SUPPORT / "pipeline/src/main.rs": seal_support("fn main() {}\n", "//"),
}
SHARED = {
    PurePosixPath(*(["..", ".."] if SUPPORT in path.parents else []), path): text
    for path, text in TEXTS.items()
}
OLD = seal_support("// of an older version\n", "//")


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8", newline="")


def test_files_of_an_older_version_are_removed_with_empty_folders(project: Path) -> None:
    write(TEXTS, project)
    put(project / ".kdrvgen/old.rs", OLD)
    put(project / ".kdrvgen/pipeline/src/old/module.rs", OLD.replace("\n", "\r\n"))
    report = write(TEXTS, project).report
    gone = {str(entry.path) for entry in report.entries if entry.status is Status.REMOVED}
    assert gone == {".kdrvgen/old.rs", ".kdrvgen/pipeline/src/old/module.rs"}
    assert not report.warnings
    assert not (project / ".kdrvgen/pipeline/src/old").exists()
    assert not write(TEXTS, project, dry_run=True).report.drifted


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".kdrvgen/notes.txt", "mine\n"),
        (".kdrvgen/kit.rs.orig", "mine\n"),
        (".kdrvgen/own.rs", "fn mine() {}\n"),
        (".kdrvgen/own.rs", OLD + "// mine\n"),
        (".kdrvgen/own.rs", "\udcff"),
        (".kdrvgen/pipeline/own/deep/own.txt", OLD),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_any_other_file_stays_and_is_drift(
    project: Path, file: str, text: str, *, force: bool
) -> None:
    write(TEXTS, project)
    (project / file).parent.mkdir(parents=True, exist_ok=True)
    (project / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    before = (project / file).read_bytes()
    report = write(TEXTS, project, force=force).report
    assert not report.changed
    assert report.drifted
    (stranger,) = report.strangers
    assert file.startswith(stranger.file)
    assert (project / file).read_bytes() == before


def test_a_foreign_folder_is_reported_once(project: Path) -> None:
    write(TEXTS, project)
    for number in range(9):
        put(project / f".kdrvgen/pipeline/target/debug/{number}", "made by cargo")
    (project / ".kdrvgen/empty").mkdir()
    (stranger,) = write(TEXTS, project).report.strangers
    assert stranger.file == ".kdrvgen/pipeline/target"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes among the files")
def test_a_link_is_not_followed_and_a_pipe_is_not_read(project: Path, tmp_path: Path) -> None:
    write(TEXTS, project)
    put(tmp_path / "elsewhere/kit.rs", OLD)
    (project / ".kdrvgen/link").symlink_to(tmp_path / "elsewhere")
    (project / ".kdrvgen/file.rs").symlink_to(tmp_path / "elsewhere/kit.rs")
    os.mkfifo(project / ".kdrvgen/pipe.rs")
    report = write(TEXTS, project).report
    assert [each.file for each in report.strangers] == [
        ".kdrvgen/file.rs",
        ".kdrvgen/link",
        ".kdrvgen/pipe.rs",
    ]
    assert (tmp_path / "elsewhere/kit.rs").read_text("utf-8") == OLD


def test_a_temporary_file_of_a_killed_run_is_not_reported(project: Path) -> None:
    write(TEXTS, project)
    put(project / ".kdrvgen/.kit.rs.kdrvgen-new", "half")
    assert not write(TEXTS, project).report.drifted
    assert tree(project) == {str(path) for path in TEXTS}


@pytest.fixture
def member(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace" / "drivers" / "first"
    folder.mkdir(parents=True)
    return folder


def test_the_support_files_of_a_workspace_are_in_its_root(member: Path) -> None:
    report = write(SHARED, member).report
    assert [str(entry.path) for entry in report.entries] == sorted(map(str, SHARED))
    root = member.parents[1]
    assert tree(root) == {
        "drivers/first/Makefile.toml",
        ".kdrvgen/kit.rs",
        ".kdrvgen/pipeline/src/main.rs",
    }
    put(root / ".kdrvgen/notes.txt", "mine\n")
    (stranger,) = write(SHARED, member).report.strangers
    assert stranger.file == "../../.kdrvgen/notes.txt"


@pytest.mark.parametrize("place", ["drivers/first/Makefile.toml", ".kdrvgen/kit.rs"])
def test_in_a_workspace_all_files_are_written_or_none(member: Path, place: str) -> None:
    root = member.parents[1]
    put(root / place, "mine\n")
    with pytest.raises(RefusedError, match="not written by kdrvgen"):
        write(SHARED, member)
    assert tree(root) == {place}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
def test_a_read_only_file_of_a_driver_leaves_the_workspace_unchanged(member: Path) -> None:
    put(member / "Makefile.toml", seal("# old\n", "#"))
    (member / "Makefile.toml").chmod(0o444)
    with pytest.raises(FileAccessError, match=r"is read-only\. Nothing was changed\."):
        write(SHARED, member)
    assert tree(member.parents[1]) == {"drivers/first/Makefile.toml"}


def test_a_makefile_is_replaced_after_the_support_files_that_it_needs(
    member: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = member.parents[1]
    put(member / "Makefile.toml", seal("# old\n", "#"))
    put(root / ".kdrvgen/kit.rs", OLD)
    replaced = []
    replace: Callable[..., None] = os.replace

    def noted(source: str, target: str, **options: int) -> None:
        replaced.append(Path(target).name)
        replace(source, target, **options)

    monkeypatch.setattr(os, "replace", noted)
    write(SHARED, member)
    assert replaced == ["kit.rs", "Makefile.toml"]


def test_a_link_does_not_lead_out_of_the_workspace(member: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (member.parents[1] / ".kdrvgen").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="a link leads out of the project"):
        write(SHARED, member, force=True)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("name", "comment"), [("old.rs", "//"), ("old.toml", "#"), ("Old.lock", "#")]
)
def test_an_older_versions_file_of_each_kind_goes(project: Path, name: str, comment: str) -> None:
    write(TEXTS, project)
    put(project / ".kdrvgen" / name, seal_support("a = 1\n", comment))
    (removed,) = (
        entry for entry in write(TEXTS, project).report.entries if entry.status is Status.REMOVED
    )
    assert str(removed.path) == f".kdrvgen/{name}"
    assert not (project / ".kdrvgen" / name).exists()


KERNEL = PurePosixPath("kernel")
CRATE = {
    **TEXTS,
    KERNEL / "Cargo.toml": seal_support("[package]\n", "#", is_ejectable=True),
    KERNEL / "src/lib.rs": seal_support("//! Blocks.\n", "//", is_ejectable=True),
}


def test_the_crate_kernel_has_room_for_own_modules(project: Path) -> None:
    write(CRATE, project)
    put(project / "kernel/src/own.rs", "//! Mine.\n")
    put(project / "kernel/src/yours.rs", eject(OLD, "//"))
    report = write(CRATE, project).report
    assert not report.drifted
    assert (project / "kernel/src/own.rs").read_text("utf-8") == "//! Mine.\n"


def test_a_block_of_an_older_version_is_removed_unless_it_was_edited(project: Path) -> None:
    write(CRATE, project)
    put(project / "kernel/src/old/block.rs", OLD)
    put(project / "kernel/src/edited.rs", OLD + "// mine\n")
    report = write(CRATE, project).report
    gone = [str(entry.path) for entry in report.entries if entry.status is Status.REMOVED]
    assert gone == ["kernel/src/old/block.rs"]
    (stranger,) = report.strangers
    assert stranger.file == "kernel/src/edited.rs"
    assert "kdrvgen eject" in stranger.help


def test_without_the_crate_a_folder_of_its_name_is_the_users(project: Path) -> None:
    write(TEXTS, project)
    put(project / "kernel/src/old.rs", OLD)
    assert not write(TEXTS, project).report.drifted
