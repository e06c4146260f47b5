"""The manual page in docs/man, which the wheel installs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from kdrvgen.commands import VERBS
from tests.docs.manual import manual
from tests.tools import need

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "man" / "kdrvgen.1"


def release_date() -> str:
    """Return the day of the newest release in the changelog."""
    text = (ROOT / "docs" / "changelog.md").read_text("utf-8")
    found = re.search(r"^## \[?[\d.]+\]? - (\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    assert found
    return found[1]


def test_the_manual_page_matches_the_parsers() -> None:
    text = manual(release_date())
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
    assert text.isascii()


@pytest.mark.slow
def test_mandoc_finds_nothing_to_complain_about() -> None:
    need("mandoc")
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wstyle", PAGE], capture_output=True, check=False, text=True
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.slow
def test_man_shows_each_command_and_option_without_a_warning() -> None:
    need("man")
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", PAGE],
        capture_output=True,
        check=True,
        env=os.environ | {"MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"},
        text=True,
    )
    assert done.stderr == ""
    shown = re.sub(".\b", "", done.stdout)
    for verb in VERBS:
        assert f"\n   {verb}\n" in shown
    assert "--list-templates" in shown
    assert re.search(r"\n +7 +A required tool is missing or failed\.\n", shown)
