"""Links within a project: which files are replaced behind them, and which are not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.commands.eject import eject
from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.writer import write

Texts = Mapping[PurePosixPath, str]
MAKEFILE = PurePosixPath("Makefile.toml")
BUILD = PurePosixPath("build.rs")


@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_kdrvgen_did_not_write_is_never_replaced_through_a_link(
    project: Path, texts: Texts, *, force: bool
) -> None:
    (project / "Cargo.toml").write_text("[package]\n", "utf-8")
    (project / MAKEFILE).symlink_to("Cargo.toml")
    reason = r"Makefile\.toml: a link leads to Cargo\.toml; not written by kdrvgen"
    with pytest.raises(RefusedError, match=reason):
        write(texts, project, force=force)
    assert (project / "Cargo.toml").read_text("utf-8") == "[package]\n"
    assert sorted(path.name for path in project.iterdir()) == ["Cargo.toml", "Makefile.toml"]


@pytest.mark.parametrize("force", [False, True])
def test_the_users_file_behind_a_linked_folder_is_not_replaced(
    project: Path, texts: Texts, *, force: bool
) -> None:
    (project / "config.toml").write_text("[driver]\n", "utf-8")
    (project / ".cargo").symlink_to(".")
    with pytest.raises(RefusedError, match=r"a link leads to config\.toml; not written"):
        write(texts, project, force=force)
    assert (project / "config.toml").read_text("utf-8") == "[driver]\n"


def test_the_report_names_the_file_behind_a_link(
    project: Path, texts: Texts, old_texts: Texts
) -> None:
    (project / MAKEFILE).symlink_to("make/tasks.toml")
    reasons = [
        {entry.path: entry.reason for entry in write(each, project).report.entries}[MAKEFILE]
        for each in (old_texts, texts)
    ]
    assert reasons == ["a link leads to make/tasks.toml"] * 2


def test_force_replaces_an_edited_file_behind_a_link_and_names_it(
    project: Path, texts: Texts, old_texts: Texts
) -> None:
    real = project / "make" / "tasks.toml"
    real.parent.mkdir()
    real.write_text(old_texts[MAKEFILE] + "# mine\n", "utf-8")
    (project / MAKEFILE).symlink_to("make/tasks.toml")
    with pytest.raises(RefusedError, match=r"a link leads to make/tasks\.toml; edited by hand"):
        write(texts, project)
    entry = write(texts, project, force=True).report.entries[1]
    assert entry.reason == ("a link leads to make/tasks.toml; replaces a file edited by hand")
    assert real.read_text("utf-8") == texts[MAKEFILE]


@pytest.mark.parametrize("force", [False, True])
def test_two_outputs_that_are_one_file_are_refused(
    project: Path, texts: Texts, old_texts: Texts, *, force: bool
) -> None:
    write(old_texts, project)
    (project / MAKEFILE).unlink()
    (project / MAKEFILE).symlink_to("build.rs")
    reason = r"Makefile\.toml: a link leads to build\.rs, which is another generated file"
    with pytest.raises(RefusedError, match=reason):
        write(texts, project, force=force)
    assert (project / BUILD).read_text("utf-8") == old_texts[BUILD]


def test_eject_names_the_file_behind_a_link_and_ejects_it_once(project: Path, texts: Texts) -> None:
    write(texts, project)
    (project / MAKEFILE).unlink()
    (project / MAKEFILE).symlink_to("build.rs")
    report = eject(texts, project)
    assert [(str(entry.path), entry.reason) for entry in report.entries] == [
        (".cargo/config.toml", "yours now"),
        ("Makefile.toml", "a link leads to build.rs; yours now"),
    ]
    assert "kdrvgen-digest" not in (project / BUILD).read_text("utf-8")


@pytest.mark.slow
def test_a_too_long_chain_of_links_is_a_clear_error(project: Path, texts: Texts) -> None:
    links = project / "links"
    links.mkdir()
    for number in range(1500):
        (links / str(number)).symlink_to(str(number + 1))
    (project / MAKEFILE).symlink_to("links/0")
    with pytest.raises(FileAccessError, match="form a loop"):
        write(texts, project, force=True)
