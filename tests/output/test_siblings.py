"""`.cargo/config` beside `.cargo/config.toml`: cargo prefers the one without extension."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen.output.writer import write

Texts = Mapping[PurePosixPath, str]


@pytest.mark.parametrize("old_cargo_now", [False, True])
def test_a_generated_file_with_the_other_name_is_removed(
    project: Path, texts: Texts, texts_for_old_cargo: Texts, *, old_cargo_now: bool
) -> None:
    before, now = (texts, texts_for_old_cargo) if old_cargo_now else (texts_for_old_cargo, texts)
    write(before, project)
    report = write(now, project).report
    removed = [str(entry.path) for entry in report.entries if entry.status == "removed"]
    assert removed == [".cargo/config.toml" if old_cargo_now else ".cargo/config"]
    left = [".cargo/config"] if old_cargo_now else [".cargo/config.toml"]
    assert [f".cargo/{path.name}" for path in (project / ".cargo").iterdir()] == left


def test_the_diff_contains_a_removal(
    project: Path, texts: Texts, texts_for_old_cargo: Texts
) -> None:
    write(texts_for_old_cargo, project)
    report = write(texts, project, dry_run=True).report
    (entry,) = (entry for entry in report.entries if entry.status == "removed")
    assert entry.diff.startswith("--- a/.cargo/config\n+++ /dev/null\n")
    assert (project / ".cargo" / "config").exists()


@pytest.mark.parametrize("edited", [False, True])
def test_the_users_own_file_stays_with_a_warning(
    project: Path, texts: Texts, texts_for_old_cargo: Texts, *, edited: bool
) -> None:
    ours = texts_for_old_cargo[PurePosixPath(".cargo/config")]
    content = f"{ours}# mine\n" if edited else "[build]\n"
    (project / ".cargo").mkdir()
    (project / ".cargo" / "config").write_text(content, "utf-8")
    report = write(texts, project, force=True).report
    (warning,) = report.warnings
    assert warning.file == ".cargo/config"
    assert ("edited by hand" if edited else "not written by kdrvgen") in warning.message
    assert "cargo reads it instead of .cargo/config.toml" in warning.message
    assert "delete it" in warning.help
    assert (project / ".cargo" / "config").read_text("utf-8") == content


def test_a_file_that_cargo_would_ignore_is_a_warning(
    project: Path, texts_for_old_cargo: Texts
) -> None:
    (project / ".cargo").mkdir()
    (project / ".cargo" / "config.toml").write_text("[build]\n", "utf-8")
    (warning,) = write(texts_for_old_cargo, project).report.warnings
    assert "cargo ignores it because .cargo/config is beside it" in warning.message


def test_the_old_name_can_be_a_link_to_the_new_one(project: Path, texts: Texts) -> None:
    (project / ".cargo").mkdir()
    (project / ".cargo" / "config").symlink_to("config.toml")
    assert not write(texts, project).report.warnings
    report = write(texts, project).report
    assert not report.warnings
    assert not report.changed
    assert (project / ".cargo" / "config").is_symlink()
