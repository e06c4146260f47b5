"""Any file is read as a project, or raises a ConfigError with places in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kdrvgen
from kdrvgen.config.source import Source
from tests.examples import examples
from tests.report.support import rendered

VALID = """\
[driver]
name = "hello"
targets = ["x86_64-pc-windows-msvc"]
version = '0.1.0'
[linker]
args = [
    "/DEBUG", # a comment
]
[signing]
mode = "certificate"
pfx = \"\"\"key.pfx\"\"\"
pfx-password-env = "PFX"
validity-days = 365
[profiles.production]
signing.timestamp-url = ""
[makefile]
env = { A = 1, B = { value = "x" } }
"""
PIECES = [
    '"',
    "'",
    '"""',
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ",",
    ".",
    "\\",
    "#",
    "\n",
    "\r",
    "\0",
    "é",
]


def assert_project_or_config_error(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        assert kdrvgen.load(file).driver.name
    except kdrvgen.ConfigError as caught:
        error = caught
    else:
        return
    lines = Source.of(data.decode(errors="backslashreplace"), "").text.split("\n")
    for finding in error.findings:
        for place in (finding.place, *(related.place for related in finding.related)):
            if place and place.line and place.column and place.excerpt:
                assert 1 <= place.column <= len(lines[place.line - 1]) + 1
                assert 0 <= place.excerpt.start <= len(place.excerpt.text)
    assert all(line.isprintable() for line in str(error).split("\n"))
    json.loads(rendered(error.findings, "json"))
    assert len(rendered(error.findings, "github").splitlines()) == len(error.findings)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode(errors="replace"))))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    assert_project_or_config_error(tmp_path / "config.toml", data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(300))
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(VALID)),
            st.integers(0, 12),
            st.one_of(st.sampled_from(PIECES), st.text(max_size=4)),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_a_mutated_configuration_is_read_or_refused(
    tmp_path: Path, changes: list[tuple[int, int, str]]
) -> None:
    text = VALID
    for start, dropped, added in changes:
        text = text[:start] + added + text[start + dropped :]
    assert_project_or_config_error(tmp_path / "config.toml", text.encode(errors="surrogatepass"))


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "a = " + "{a=" * 5000,
        ".".join("a" * 5000) + " = 1",
        "[" + ".".join("a" * 990) + "]",
        "driver.name = 'x'\nmakefile.env.A = " + "[" * 390 + "]" * 390,
        "driver.name = 'x'\nmakefile.env." + ".".join("a" * 900) + " = 1",
        "driver = {" + ",".join(f"k{index} = 1" for index in range(2000)) + "}",
        "[" * 100_000,
        'a = "' + "x" * 500_000,
        "x" * 500_000,
        '"' * 100_000,
        "signing.validity-days = 1" + "0" * 4000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_document_is_read_or_refused(tmp_path: Path, text: str) -> None:
    assert_project_or_config_error(tmp_path / "config.toml", text.encode())


def test_the_error_points_at_an_integer_that_is_too_long() -> None:
    digits = "9" * 5000
    with pytest.raises(kdrvgen.ConfigError) as caught:
        kdrvgen.loads(f"# {digits}\nname = '{digits}'\nb = {digits}\n")
    (found,) = caught.value.findings
    assert found.place
    assert (found.place.line, found.place.column) == (3, 5)


def test_a_string_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(kdrvgen.ConfigError, match=r"driver\.name"):
        kdrvgen.loads("driver.name = '\ud800'")
