"""The survey of real projects, on those of the tests."""

from __future__ import annotations

import pytest

from tests.adopt.conftest import PROJECTS
from tests.adopt.survey import main


def test_the_survey_shows_what_changes(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(PROJECTS / name) for name in ("blog", "strange", "member")]

    assert main(folders) == 0

    out = capsys.readouterr().out
    assert f"{folders[0]}: whole" in out
    assert "signing: /a /v /s /n /t -> test" in out
    assert f"{folders[1]}: named differences" in out
    assert "- linker argument" in out
    assert f"{folders[2]}: refused: " in out
