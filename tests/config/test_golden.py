"""Each errors/NAME.toml is answered with errors/NAME.errors.txt, through the API and as drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

import kdrvgen
from kdrvgen.report.human import draw

CASES = sorted((Path(__file__).parent / "errors").glob("*.toml"))


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    path: Path = request.param
    monkeypatch.chdir(path.parent)
    return Path(path.name)


def test_the_drawing_is_as_written_down(case: Path) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(case)
    assert str(caught.value) == case.with_suffix(".errors.txt").read_text(encoding="utf-8")


def test_the_findings_say_what_the_drawing_shows(case: Path) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(case)
    titles = [
        line
        for line in case.with_suffix(".errors.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith(case.name) and ": error: " in line
    ]
    assert len(caught.value.findings) == len(titles)
    for found, title in zip(caught.value.findings, titles, strict=True):
        assert title.startswith(f"{found.place}: error: ")
        assert title.endswith(found.message)


def test_crlf_and_a_byte_order_mark_change_nothing_in_the_drawing(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads("\ufeff" + text.replace("\n", "\r\n"), case.name)
    assert draw(caught.value.findings) == case.with_suffix(".errors.txt").read_text(
        encoding="utf-8"
    )
