"""errors/NAME.errors.txt is the report of errors/NAME.toml.

`KDRVGEN_UPDATE_GOLDEN=1 pytest tests/config/test_golden.py` writes them again; read the diff.
"""

from __future__ import annotations

import os
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


def test_the_report_is_the_golden_file(case: Path) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(case)
    golden = case.with_suffix(".errors.txt")
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        golden.write_text(str(caught.value), encoding="utf-8", newline="\n")
    assert str(caught.value) == golden.read_text(encoding="utf-8"), "KDRVGEN_UPDATE_GOLDEN=1"


def test_the_findings_have_the_places_and_messages_of_the_report(case: Path) -> None:
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.load(case)
    titles = [
        line
        for line in case.with_suffix(".errors.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith(case.name) and ": error: " in line
    ]
    assert len(caught.value.findings) == len(titles)
    for finding, title in zip(caught.value.findings, titles, strict=True):
        assert title.startswith(f"{finding.place}: error: ")
        assert title.endswith(finding.message)


def test_crlf_and_a_byte_order_mark_do_not_change_the_report(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads("\ufeff" + text.replace("\n", "\r\n"), case.name)
    assert draw(caught.value.findings) == case.with_suffix(".errors.txt").read_text(
        encoding="utf-8"
    )
