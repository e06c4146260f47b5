"""Who owns a file, and what a run does with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.errors import RefusedError
from kdrvgen.output.writer import write
from kdrvgen.report.files import Report, Status

Texts = Mapping[PurePosixPath, str]
MAKEFILE = PurePosixPath("Makefile.toml")
BUILD = PurePosixPath("build.rs")


def statuses(report: Report) -> dict[str, str]:
    return {str(entry.path): entry.status.value for entry in report.entries}


def test_an_empty_folder_gets_every_file(project: Path, texts: Texts) -> None:
    report = write(texts, project).report
    assert set(statuses(report).values()) == {"created"}
    assert report.changed
    for path, text in texts.items():
        assert (project / path).read_bytes() == text.encode()


def test_a_missing_folder_is_created(project: Path, texts: Texts) -> None:
    write(texts, project / "a" / "b")
    assert (project / "a" / "b" / ".cargo" / "config.toml").exists()


def test_files_that_are_up_to_date_are_not_written_again(project: Path, texts: Texts) -> None:
    write(texts, project)
    inodes = {path: (project / path).stat().st_ino for path in texts}
    report = write(texts, project).report
    assert set(statuses(report).values()) == {"unchanged"}
    assert not report.changed
    assert inodes == {path: (project / path).stat().st_ino for path in texts}


def test_an_unedited_file_of_an_older_configuration_is_updated(
    project: Path, texts: Texts, old_texts: Texts
) -> None:
    write(old_texts, project)
    assert set(statuses(write(texts, project).report).values()) == {"updated"}
    assert (project / MAKEFILE).read_text("utf-8") == texts[MAKEFILE]


@pytest.mark.parametrize("old", [False, True])
def test_windows_line_ends_and_a_byte_order_mark_are_not_an_edit(
    project: Path, texts: Texts, old_texts: Texts, *, old: bool
) -> None:
    write(texts, project)
    text = (old_texts if old else texts)[MAKEFILE]
    checked_out = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    (project / MAKEFILE).write_bytes(checked_out)
    report = write(texts, project).report
    assert statuses(report)["Makefile.toml"] == ("updated" if old else "kept")
    assert report.changed is old
    if not old:
        assert (project / MAKEFILE).read_bytes() == checked_out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[tasks.mine]\n", "not written by kdrvgen"),
        (b"\xff\xfe\x00 not UTF-8", "not written by kdrvgen"),
        (b"", "not written by kdrvgen"),
        (None, "edited by hand since kdrvgen wrote it"),
    ],
)
def test_a_foreign_or_edited_file_is_refused_and_nothing_is_written(
    project: Path, texts: Texts, old_texts: Texts, content: bytes | None, reason: str
) -> None:
    write(old_texts, project)
    edited = (project / BUILD).read_bytes() + b"// mine\n" if content is None else content
    (project / BUILD).write_bytes(edited)
    with pytest.raises(RefusedError) as caught:
        write(texts, project)
    assert isinstance(caught.value, RefusedError)
    (refused,) = caught.value.report.refused
    assert (refused.path, refused.reason) == (BUILD, reason)
    assert f"build.rs: {reason}" in str(caught.value)
    assert (project / BUILD).read_bytes() == edited
    assert (project / MAKEFILE).read_text("utf-8") == old_texts[MAKEFILE]


def test_the_diff_of_a_refused_file_shows_what_would_be_lost(project: Path, texts: Texts) -> None:
    write(texts, project)
    with (project / BUILD).open("a", encoding="utf-8") as file:
        file.write("// mine, without an end")
    with pytest.raises(RefusedError) as caught:
        write(texts, project)
    assert caught.value.report.refused[0].diff.splitlines()[:2] == [
        "--- a/build.rs",
        "+++ b/build.rs",
    ]
    assert caught.value.report.refused[0].diff.endswith(
        "\n-// mine, without an end\n\\ No newline at end of file\n"
    )


def test_force_overwrites_edited_and_foreign_files(
    project: Path, texts: Texts, old_texts: Texts
) -> None:
    write(old_texts, project)
    (project / BUILD).write_text((project / BUILD).read_text("utf-8") + "// mine\n", "utf-8")
    (project / MAKEFILE).write_text("[tasks.mine]\n", "utf-8")
    report = write(texts, project, force=True).report
    assert [entry.status for entry in report.entries] == [Status.UPDATED] * 3
    assert (project / BUILD).read_text("utf-8") == texts[BUILD]
    assert (project / MAKEFILE).read_text("utf-8") == texts[MAKEFILE]


def test_a_dry_run_reports_everything_and_changes_nothing(project: Path, texts: Texts) -> None:
    (project / BUILD).write_text("fn main() {}\n", "utf-8")
    report = write(texts, project, dry_run=True).report
    assert statuses(report) == {
        ".cargo/config.toml": "created",
        "Makefile.toml": "created",
        "build.rs": "refused",
    }
    assert [path.name for path in project.iterdir()] == ["build.rs"]
    assert "--- /dev/null\n+++ b/Makefile.toml\n" in report.entries[1].diff


def test_a_dry_run_creates_no_folder(project: Path, texts: Texts) -> None:
    assert write(texts, project / "new", dry_run=True).report.changed
    assert not (project / "new").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[tasks.mine]\n", "replaces a file that kdrvgen did not write"),
        (None, "replaces a file edited by hand"),
    ],
)
def test_force_says_of_each_file_what_it_overwrites(
    project: Path, texts: Texts, old_texts: Texts, content: str | None, reason: str
) -> None:
    write(old_texts, project)
    edited = (project / MAKEFILE).read_text("utf-8") + "# mine\n"
    (project / MAKEFILE).write_text(content or edited, "utf-8")
    reasons = {each.path: each.reason for each in write(texts, project, force=True).report.entries}
    assert reasons[MAKEFILE] == reason
    assert reasons[BUILD] == ""
