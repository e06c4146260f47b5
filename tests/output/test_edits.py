"""An edit while kdrvgen runs is never lost, and no write is redirected to another place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.commands.eject import eject
from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.plan import Plan, make
from kdrvgen.output.writer import carry_out, write

Texts = Mapping[PurePosixPath, str]
MAKEFILE = PurePosixPath("Makefile.toml")
CARGO = PurePosixPath(".cargo/config.toml")
OLD_CARGO = PurePosixPath(".cargo/config")
BUILD = PurePosixPath("build.rs")
CHANGED = "was changed while kdrvgen was running"


Interfere = Callable[[str, Callable[[], object]], None]

WHILE_STAGING = "write"
"""A system call between the plan and the replacement of the first file."""


@pytest.fixture
def interfere(monkeypatch: pytest.MonkeyPatch) -> Interfere:
    """Run a function directly before the first use of a system call."""

    def arrange(call: str, action: Callable[[], object]) -> None:
        real = getattr(os, call)
        left = [action]

        def hooked(*arguments: object, **options: object) -> object:
            if left:
                left.pop()()
            return real(*arguments, **options)

        monkeypatch.setattr(os, call, hooked)

    return arrange


@pytest.fixture
def old_project(project: Path, old_texts: Texts) -> Path:
    """A project with the files of an older configuration."""
    write(old_texts, project)
    return project


def leftovers(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*.kdrvgen-new")]


def _append(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("// mine\n")


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    path.rename(path.with_name("mine"))
    path.symlink_to("mine")


def _make_pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes among the files")
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("edit", [_append, Path.unlink, _make_folder, _link, _make_pipe])
@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_changes_after_the_plan_is_refused_and_nothing_is_written(
    old_project: Path,
    texts: Texts,
    interfere: Interfere,
    edit: Callable[[Path], None],
    *,
    force: bool,
) -> None:
    before = {path: (old_project / path).read_text("utf-8") for path in texts}
    interfere(WHILE_STAGING, lambda: edit(old_project / BUILD))
    with pytest.raises(RefusedError, match=rf"build\.rs: {CHANGED}") as caught:
        write(texts, old_project, force=force)
    assert [entry.path for entry in caught.value.report.refused] == [BUILD]
    for path in (MAKEFILE, CARGO):
        assert (old_project / path).read_text("utf-8") == before[path]
    if edit is _append:
        assert (old_project / BUILD).read_text("utf-8") == before[BUILD] + "// mine\n"
    assert not leftovers(old_project)


def test_a_file_that_appears_after_the_plan_is_refused(
    project: Path, texts: Texts, interfere: Interfere
) -> None:
    interfere(WHILE_STAGING, lambda: (project / BUILD).write_text("mine", "utf-8"))
    with pytest.raises(RefusedError, match=CHANGED):
        write(texts, project, force=True)
    assert [path.name for path in project.iterdir()] == ["build.rs"]
    assert (project / BUILD).read_text("utf-8") == "mine"


@pytest.mark.parametrize("has_links", [True, False])
def test_a_new_file_never_replaces_one_that_appears_at_the_last_moment(
    project: Path,
    texts: Texts,
    interfere: Interfere,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_links: bool,
) -> None:
    if not has_links:
        _refuse_hard_links(monkeypatch)
    interfere("link", lambda: (project / BUILD).write_text("mine", "utf-8"))
    with pytest.raises(RefusedError, match=CHANGED):
        write({BUILD: texts[BUILD]}, project)
    assert (project / BUILD).read_text("utf-8") == "mine"
    assert not leftovers(project)


def _refuse_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


def test_a_file_system_without_hard_links_gets_every_file(
    project: Path, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_hard_links(monkeypatch)
    write(texts, project)
    for path, text in texts.items():
        assert (project / path).read_text("utf-8") == text
    assert not leftovers(project)


def test_an_edit_after_the_first_file_was_replaced_is_kept_and_reported(
    old_project: Path, texts: Texts, interfere: Interfere
) -> None:
    interfere("replace", lambda: _append(old_project / MAKEFILE))
    with pytest.raises(
        FileAccessError, match=rf"{CHANGED}, so it was not.* 1 of 3 files was written"
    ):
        write(texts, old_project)
    assert (old_project / MAKEFILE).read_text("utf-8").endswith("// mine\n")
    assert (old_project / CARGO).read_text("utf-8") == texts[CARGO]
    assert not leftovers(old_project)


@pytest.mark.parametrize("moment", [WHILE_STAGING, "replace"])
def test_a_file_to_remove_stays_if_it_is_edited(
    old_project: Path, texts: Texts, texts_for_old_cargo: Texts, interfere: Interfere, moment: str
) -> None:
    (old_project / OLD_CARGO).write_text(texts_for_old_cargo[OLD_CARGO], "utf-8")
    interfere(moment, lambda: _append(old_project / OLD_CARGO))
    with pytest.raises((RefusedError, FileAccessError), match=CHANGED):
        write(texts, old_project)
    assert (old_project / OLD_CARGO).read_text("utf-8").endswith("// mine\n")


def test_eject_does_not_lose_an_edit(old_project: Path, texts: Texts, interfere: Interfere) -> None:
    interfere(WHILE_STAGING, lambda: _append(old_project / BUILD))
    with pytest.raises(RefusedError, match=CHANGED):
        eject(texts, old_project)
    assert (old_project / BUILD).read_text("utf-8").endswith("// mine\n")


def _swap(folder: Path, outside: Path) -> None:
    """Replace a folder with a link to `outside`."""
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside, target_is_directory=True)


@pytest.fixture
def outside(tmp_path: Path, old_texts: Texts) -> Path:
    """A folder beside the project with files of the same names."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("config.toml", ".config.toml.kdrvgen-new"):
        (folder / name).write_text(old_texts[CARGO], "utf-8")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_a_folder_replaced_by_a_link_during_the_writes_redirects_nothing(
    old_project: Path, texts: Texts, interfere: Interfere, outside: Path
) -> None:
    before = contents(outside)
    interfere(WHILE_STAGING, lambda: _swap(old_project / ".cargo", outside))
    write(texts, old_project)
    assert contents(outside) == before
    assert contents(old_project / "moved") == {"config.toml": texts[CARGO]}


def test_a_folder_replaced_by_a_link_before_the_writes_is_a_clear_error(
    old_project: Path, texts: Texts, outside: Path
) -> None:
    (old_project / ".cargo" / ".config.toml.kdrvgen-new").write_text("half of", "utf-8")
    before = contents(outside)

    def planned() -> Plan:
        plan = make(texts, old_project)
        assert len(plan.leftovers) == 1
        _swap(old_project / ".cargo", outside)
        return plan

    with pytest.raises(FileAccessError, match=r"cannot use the folder .*\.cargo"):
        carry_out(old_project, planned)
    assert contents(outside) == before


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_temporary_name_that_is_not_a_file_is_not_removed(
    project: Path, texts: Texts, kind: str
) -> None:
    place = project / ".build.rs.kdrvgen-new"
    mine = project / "mine"
    mine.write_text("mine", "utf-8")
    if kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("mine")
    with pytest.raises(FileAccessError, match=r"\.build\.rs\.kdrvgen-new: File exists"):
        write(texts, project)
    assert place.is_dir() if kind == "folder" else place.is_symlink()
    assert sorted(path.name for path in project.iterdir()) == [".build.rs.kdrvgen-new", "mine"]
    assert mine.read_text("utf-8") == "mine"


def test_a_file_that_appears_under_the_temporary_name_is_not_removed(
    project: Path, texts: Texts, interfere: Interfere
) -> None:
    place = project / ".build.rs.kdrvgen-new"
    interfere(WHILE_STAGING, lambda: place.write_text("mine", "utf-8"))
    with pytest.raises(FileAccessError, match="Something else has this name"):
        write(texts, project)
    assert contents(project) == {place.name: "mine"}


def test_a_link_to_a_missing_folder_is_followed_at_any_depth(project: Path, texts: Texts) -> None:
    deep = project.joinpath(*["d"] * 300)
    (project / ".cargo").symlink_to(os.path.relpath(deep, project))
    write(texts, project)
    assert (deep / "config.toml").read_text("utf-8") == texts[CARGO]
    shutil.rmtree(project / "d")


def test_a_run_that_fails_leaves_no_folder_that_it_made(
    tmp_path: Path, texts: Texts, interfere: Interfere
) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    interfere(WHILE_STAGING, fail)
    with pytest.raises(FileAccessError, match="No space left"):
        write(texts, tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def test_a_left_over_file_outside_the_project_is_not_removed(
    project: Path, tmp_path: Path, texts: Texts
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("config", ".config.kdrvgen-new"):
        (outside / name).write_text("mine", "utf-8")
    (project / ".cargo").mkdir()
    (project / OLD_CARGO).symlink_to(outside / "config")
    (warning,) = write(texts, project).report.warnings
    assert warning.file == str(OLD_CARGO)
    assert contents(outside) == {"config": "mine", ".config.kdrvgen-new": "mine"}


def test_a_file_out_of_use_is_removed_after_its_successor_is_in_place(
    old_project: Path, texts: Texts, texts_for_old_cargo: Texts, interfere: Interfere
) -> None:
    (old_project / OLD_CARGO).write_text(texts_for_old_cargo[OLD_CARGO], "utf-8")
    seen: dict[PurePosixPath, str] = {}

    def look() -> None:
        seen.update({path: (old_project / path).read_text("utf-8") for path in texts})

    interfere("unlink", look)
    write(texts, old_project)
    assert not (old_project / OLD_CARGO).exists()
    assert seen == texts


def test_an_empty_file_that_becomes_a_pipe_is_not_overwritten_even_by_force(
    old_project: Path, texts: Texts, interfere: Interfere
) -> None:
    (old_project / BUILD).write_bytes(b"")
    interfere(WHILE_STAGING, lambda: _make_pipe(old_project / BUILD))
    with pytest.raises(RefusedError, match=rf"build\.rs: {CHANGED}"):
        write(texts, old_project, force=True)
    assert (old_project / BUILD).is_fifo()


def _fail(number: int) -> None:
    raise OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    "number",
    [
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
    ],
    ids=lambda number: errno.errorcode[number],
)
def test_an_error_of_the_system_says_what_was_changed_and_what_to_do(
    old_project: Path, texts: Texts, interfere: Interfere, number: int
) -> None:
    interfere(WHILE_STAGING, lambda: _fail(number))
    with pytest.raises(FileAccessError) as caught:
        write(texts, old_project)
    place = old_project.resolve() / CARGO
    start, changed, advice = str(caught.value).partition(" Nothing was changed. ")
    assert start == f"cannot write {place}: {os.strerror(number)}."
    assert changed
    assert advice.endswith(".")


def test_an_error_without_a_number_gets_no_advice(
    old_project: Path, texts: Texts, interfere: Interfere
) -> None:
    def fail() -> None:
        raise OSError("unheard of")

    interfere(WHILE_STAGING, fail)
    with pytest.raises(FileAccessError, match=r"toml: unheard of\. Nothing was changed\.$"):
        write(texts, old_project)


@pytest.mark.parametrize(
    ("done", "state"), [(0, "Nothing was changed"), (1, "1 of 3 files was written")]
)
def test_a_file_that_cannot_be_replaced_is_named_with_how_many_are_done(
    old_project: Path, texts: Texts, monkeypatch: pytest.MonkeyPatch, done: int, state: str
) -> None:
    real: Callable[..., None] = os.replace
    calls = [0]

    def replace(*arguments: str, **options: int) -> None:
        calls[0] += 1
        if calls[0] > done:
            _fail(errno.EROFS)
        real(*arguments, **options)

    monkeypatch.setattr(os, "replace", replace)
    place = old_project.resolve() / (CARGO, MAKEFILE)[done]
    with pytest.raises(FileAccessError) as caught:
        write(texts, old_project)
    assert str(caught.value).startswith(f"cannot replace {place}: Read-only file system. {state}")
    assert not leftovers(old_project)
