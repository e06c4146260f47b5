"""rustfmt and clippy accept the code of the templates, with every option."""

from __future__ import annotations

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject
from tests.bootstrap.lint import clippy, rustfmt

pytestmark = pytest.mark.slow

EVERY_OPTION = ("allocator=yes", "logger=DbgPrint")


@pytest.mark.parametrize("template", ["filter", "process", "worker"])
@pytest.mark.parametrize(
    ("edition", "words"),
    [("2024", EVERY_OPTION), ("2021", ()), ("2018", ())],
    ids=["2024", "2021", "2018"],
)
def test_rustfmt_and_clippy_report_nothing(
    new_project: NewProject, template: str, edition: str, words: tuple[str, ...]
) -> None:
    project = new_project(template, f"bootstrap.edition={edition}", *words)

    assert rustfmt(project, edition=edition) == ""
    assert clippy(project, TRIPLES) == ""
