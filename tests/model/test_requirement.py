"""`kdrvgen-version`: which versions of kdrvgen take a config.toml."""

from __future__ import annotations

import pytest

from kdrvgen import __version__
from kdrvgen.model.requirement import fits

from .support import dotted, refusal, refusals_of


@pytest.mark.parametrize(
    ("requirement", "version", "expected"),
    [
        (">=0.2", "0.2.0", True),
        (">=0.2", "0.10", True),
        (">=0.2", "0.1.9", False),
        ("==0.2", "0.2.0", True),
        ("==0.2", "0.2.1", False),
        ("!=0.2", "0.2.1", True),
        (">= 0.2, < 1", "1.0", False),
        (">0.2,<=0.3", "0.3.0", True),
        (">=0.2", "0.2.0.dev1", True),
    ],
)
def test_a_version_fits_or_not(requirement: str, version: str, *, expected: bool) -> None:
    assert fits(requirement, version) is expected


@pytest.mark.parametrize("text", ["", "0.2", "~0.2", ">=", ">=0.2;", ">=0.2,", ">=0.2 <1", ">=x"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    line = refusals_of({"kdrvgen-version": text, "driver": {"name": "a"}})[0]
    assert dotted(line) == "kdrvgen-version"


def test_a_file_for_another_version_has_that_error_alone() -> None:
    data = {"kdrvgen-version": "<0.0.1", "driver": {"name": "a b", "x": 1}, "y": {}}
    (line,) = refusals_of(data)
    assert dotted(line) == "kdrvgen-version"
    assert __version__ in line["msg"]


def test_a_file_for_this_version_is_read_as_ever() -> None:
    data = {"kdrvgen-version": f">={__version__}", "driver": {"name": "a b"}}
    assert [dotted(line) for line in refusals_of(data)] == ["driver.name"]
    assert dotted(refusal("[x]\n")) == "x"
