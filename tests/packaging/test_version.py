"""The version is the same wherever it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli

from kdrvgen import __version__
from tests.bootstrap.support import kdrvgen_process

ROOT = Path(__file__).parents[2]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_version_has_one_source(tmp_path: Path) -> None:
    settings = tomli.loads(text("pyproject.toml"))
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["hatch"]["version"] == {"path": "kdrvgen/__init__.py"}
    assert kdrvgen_process("--version", cwd=tmp_path).stdout == f"kdrvgen {__version__}\n"


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    found = re.findall(r"^## (.*)$", text("docs/changelog.md"), re.MULTILINE)
    released = [title for title in found if title != "Unreleased"]
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", released[0])
    assert found.index(released[0]) <= 1


def test_the_documentation_names_this_version() -> None:
    commands = text("docs/commands.md")
    assert re.findall(r'"kdrvgen": "([^"]+)"', commands) == [__version__]
    assert re.findall(r"rev: v(\S+)", commands) == [__version__]
    assert f'"kdrvgen {__version__}"' in text("docs/man/kdrvgen.1")


def test_a_requirement_in_the_documentation_fits_this_version() -> None:
    minor = ".".join(__version__.split(".")[:2])
    for page in sorted((ROOT / "docs").glob("*.md")):
        for wanted in re.findall(
            r'^kdrvgen-version = "(.*?)"', page.read_text("utf-8"), re.MULTILINE
        ):
            assert wanted.startswith(f">={minor}"), page
