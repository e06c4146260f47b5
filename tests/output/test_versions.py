"""A file that a newer kdrvgen wrote is overwritten only with --force."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.commands.eject import eject
from kdrvgen.errors import RefusedError
from kdrvgen.output.writer import write
from kdrvgen.rendering import header

Texts = Mapping[PurePosixPath, str]
MAKEFILE = PurePosixPath("Makefile.toml")
OLD_CARGO = PurePosixPath(".cargo/config")
NEW = {MAKEFILE: "new\n"}


@pytest.fixture(autouse=True)
def _this_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "__version__", "0.10.0")


def written_by(version: str, monkeypatch: pytest.MonkeyPatch, comment: str = "#") -> str:
    with monkeypatch.context() as other:
        other.setattr(header, "__version__", version)
        return header.seal("old\n", comment)


@pytest.mark.parametrize(
    "version",
    ["0.10.1", "0.11.0", "1.0", "0.100", "0.11.0.dev1", "0.11rc1", "0.10.0.post1", "next"],
)
@pytest.mark.parametrize("comment", ["#", "//"])
def test_a_newer_file_is_refused_with_both_versions_in_the_message(
    project: Path, monkeypatch: pytest.MonkeyPatch, version: str, comment: str
) -> None:
    newer = written_by(version, monkeypatch, comment)
    (project / MAKEFILE).write_text(newer, "utf-8")
    with pytest.raises(RefusedError, match=f"written by kdrvgen {version}, but this is kdrvgen 0"):
        write(NEW, project)
    assert (project / MAKEFILE).read_text("utf-8") == newer


@pytest.mark.parametrize(
    "version",
    ["0.10.0", "0.10", "0.10.0.0", "0.9.9", "0.10.0rc1", "0.10.0a2", "0.10.0.dev7", "0.9.1.post1"],
)
def test_a_file_of_the_same_or_an_older_version_is_updated(
    project: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    (project / MAKEFILE).write_text(written_by(version, monkeypatch), "utf-8")
    (entry,) = write(NEW, project).report.entries
    assert entry.status == "updated"


def test_windows_line_ends_do_not_hide_the_version(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\ufeff" + written_by("1.0", monkeypatch).replace("\n", "\r\n")
    (project / MAKEFILE).write_bytes(text.encode())
    with pytest.raises(RefusedError, match=r"written by kdrvgen 1\.0"):
        write(NEW, project)


def test_force_overwrites_a_newer_file_and_reports_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / MAKEFILE).write_text(written_by("1.0", monkeypatch), "utf-8")
    (entry,) = write(NEW, project, force=True).report.entries
    assert entry.status == "updated"
    assert "written by kdrvgen 1.0" in entry.reason
    assert (project / MAKEFILE).read_text("utf-8") == "new\n"


@pytest.mark.parametrize("force", [False, True])
def test_a_newer_cargo_configuration_of_the_other_name_is_removed_only_with_force(
    project: Path, monkeypatch: pytest.MonkeyPatch, *, force: bool
) -> None:
    (project / ".cargo").mkdir()
    (project / OLD_CARGO).write_text(written_by("1.0", monkeypatch), "utf-8")
    report = write({PurePosixPath(".cargo/config.toml"): "new\n"}, project, force=force).report
    assert (project / OLD_CARGO).exists() is not force
    if not force:
        (warning,) = report.warnings
        assert "written by kdrvgen 1.0" in warning.message


def test_eject_refuses_a_newer_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = written_by("1.0", monkeypatch)
    (project / MAKEFILE).write_text(newer, "utf-8")
    with pytest.raises(RefusedError, match=r"written by kdrvgen 1\.0"):
        eject([MAKEFILE], project)
    assert (project / MAKEFILE).read_text("utf-8") == newer


def test_an_edited_newer_file_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / MAKEFILE).write_text(written_by("1.0", monkeypatch) + "# mine\n", "utf-8")
    with pytest.raises(RefusedError):
        write(NEW, project)


def test_a_newer_folder_of_support_files_is_not_changed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, code, extra = (
        PurePosixPath(".kdrvgen", name) for name in ("rustfmt.toml", "kit.rs", "more.rs")
    )
    with monkeypatch.context() as other:
        other.setattr(header, "__version__", "0.11.0")
        newer = {
            version: header.seal_support("a = 1\n", "#", names_version=True),
            code: header.seal_support("// newer\n", "//"),
            extra: header.seal_support("// not known here\n", "//"),
        }
        write(newer, project)
    ours = {
        version: header.seal_support("a = 1\n", "#", names_version=True),
        code: header.seal_support("// ours\n", "//"),
    }

    with pytest.raises(RefusedError, match=r"written by kdrvgen 0\.11\.0"):
        write(ours, project)
    assert {path: (project / path).read_text("utf-8") for path in newer} == newer

    write(ours, project, force=True)
    assert (project / code).read_text("utf-8") == ours[code]
    assert not (project / extra).exists()


def test_a_newer_folder_of_support_files_alone_is_refused_and_what_is_unchanged_in_it_is_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, code = (PurePosixPath(".kdrvgen", name) for name in ("rustfmt.toml", "kit.rs"))
    same = header.seal_support("// the same\n", "//")
    with monkeypatch.context() as other:
        other.setattr(header, "__version__", "0.11.0")
        newer = header.seal_support("a = 1\n", "#", names_version=True)
        write({version: newer, code: same}, project)
    ours = {
        MAKEFILE: header.seal("# tasks\n", "#"),
        version: header.seal_support("a = 1\n", "#", names_version=True),
        code: same,
    }
    with pytest.raises(RefusedError) as caught:
        write(ours, project)
    assert [entry.path for entry in caught.value.report.refused] == [version]
    assert not (project / MAKEFILE).exists()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.10.0.dev1", "0.10.0a1"),
        ("0.10.0a1", "0.10.0b1"),
        ("0.10.0b1", "0.10.0b2"),
        ("0.10.0b2", "0.10.0rc1"),
        ("0.10.0rc1", "0.10.0"),
    ],
)
def test_versions_before_a_release_come_in_the_order_of_pep_440(
    project: Path, monkeypatch: pytest.MonkeyPatch, older: str, newer: str
) -> None:
    monkeypatch.setattr(header, "__version__", older)
    (project / MAKEFILE).write_text(written_by(newer, monkeypatch), "utf-8")
    with pytest.raises(RefusedError, match=f"written by kdrvgen {newer}"):
        write(NEW, project)
    monkeypatch.setattr(header, "__version__", newer)
    (project / MAKEFILE).write_text(written_by(older, monkeypatch), "utf-8")
    (entry,) = write(NEW, project).report.entries
    assert entry.status == "updated"
