"""`kdrvgen-version`: the versions of kdrvgen that can read a config.toml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdrvgen import __version__
from kdrvgen.model.requirement import fits, is_requirement

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
def test_a_requirement_is_compared_with_the_version(
    requirement: str, version: str, *, expected: bool
) -> None:
    assert fits(requirement, version) is expected


@pytest.mark.parametrize("text", ["", "0.2", "~0.2", ">=", ">=0.2;", ">=0.2,", ">=0.2 <1", ">=x"])
def test_an_invalid_requirement_is_refused(text: str) -> None:
    line = refusals_of({"kdrvgen-version": text, "driver": {"name": "a"}})[0]
    assert dotted(line) == "kdrvgen-version"


def test_a_file_for_another_version_has_only_that_error() -> None:
    data = {"kdrvgen-version": "<0.0.1", "driver": {"name": "a b", "x": 1}, "y": {}}
    (line,) = refusals_of(data)
    assert dotted(line) == "kdrvgen-version"
    assert __version__ in line["msg"]


def test_a_file_for_this_version_is_read() -> None:
    data = {"kdrvgen-version": f">={__version__}", "driver": {"name": "a b"}}
    assert [dotted(line) for line in refusals_of(data)] == ["driver.name"]
    assert dotted(refusal("[x]\n")) == "x"


@given(
    st.text() | st.text(st.sampled_from("<>=!~,. 0129\n\t\u0661\u202e")),
    st.text() | st.from_regex(r"\d+(\.\d+)*", fullmatch=True),
)
def test_any_text_is_either_a_short_requirement_or_refused(text: str, version: str) -> None:
    if is_requirement(text):
        assert set(text) <= set("<>=!,. 0123456789")
        assert fits(text, version) in {True, False}
