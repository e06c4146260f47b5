"""A file that a newer kdrvgen wrote is never overwritten, unless that is asked for."""

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
def test_a_newer_file_is_refused_and_named_with_both_versions(
    project: Path, monkeypatch: pytest.MonkeyPatch, version: str, comment: str
) -> None:
    newer = written_by(version, monkeypatch, comment)
    (project / MAKEFILE).write_text(newer, "utf-8")
    with pytest.raises(RefusedError, match=f"written by kdrvgen {version}, and this is kdrvgen 0"):
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


def test_force_overwrites_a_newer_file_and_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / MAKEFILE).write_text(written_by("1.0", monkeypatch), "utf-8")
    (entry,) = write(NEW, project, force=True).report.entries
    assert entry.status == "updated"
    assert "written by kdrvgen 1.0" in entry.reason
    assert (project / MAKEFILE).read_text("utf-8") == "new\n"


@pytest.mark.parametrize("force", [False, True])
def test_a_newer_cargo_configuration_of_the_other_name_is_removed_by_force_only(
    project: Path, monkeypatch: pytest.MonkeyPatch, *, force: bool
) -> None:
    (project / ".cargo").mkdir()
    (project / OLD_CARGO).write_text(written_by("1.0", monkeypatch), "utf-8")
    report = write({PurePosixPath(".cargo/config.toml"): "new\n"}, project, force=force).report
    assert (project / OLD_CARGO).exists() is not force
    if not force:
        (warning,) = report.warnings
        assert "written by kdrvgen 1.0" in warning.message


def test_eject_leaves_a_newer_file_to_the_newer_kdrvgen(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = written_by("1.0", monkeypatch)
    (project / MAKEFILE).write_text(newer, "utf-8")
    with pytest.raises(RefusedError, match=r"written by kdrvgen 1\.0"):
        eject([MAKEFILE], project)
    assert (project / MAKEFILE).read_text("utf-8") == newer


def test_an_edited_newer_file_is_refused_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / MAKEFILE).write_text(written_by("1.0", monkeypatch) + "# mine\n", "utf-8")
    with pytest.raises(RefusedError):
        write(NEW, project)


def test_a_newer_folder_of_support_files_stays_as_it_is(
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
