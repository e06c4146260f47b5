"""A project as text: what `kdrvgen.dumps` writes is an equal project, and a readable file."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import kdrvgen
from kdrvgen import Driver, Linker, Profile, Project, Signing
from tests.examples import examples

WRITTEN = """\
kdrvgen-version = ">=0.1"

[driver]
name = "hello"
targets = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]

[linker]
args = [
    "/VERSION:1.0",
    "/PDBALTPATH:a-rather-long-name-of-a-symbol-file.pdb",
    "/MAP:another-rather-long-name.map",
]

[wdk]
locate = "path"
path = 'C:\\Program Files (x86)\\Windows Kits\\10'

[package]
kind = "device"
provider = "Example"

[package.submission]

[profiles.production]
signing.mode = "certificate"
signing.pfx = "release.pfx"
signing.pfx-password-env = "PFX_PASSWORD"

[profiles.staging]
cargo-profile = "release"

[cargo-config.source.crates-io]
replace-with = "vendored"

[cargo-config.source.vendored]
directory = "vendor"

[makefile.env]
MY_FLAGS = ["a", "b"]
MINE = { value = "x", condition = { env_not_set = ["MINE"] } }

[makefile.tasks.deploy]
description = "Copy it"
script = \"\"\"
echo "one" \\\\
two
\"\"\"

[makefile.hooks]
after-sign = ["deploy"]
"""


def test_a_file_as_a_person_writes_it_is_written_again() -> None:
    project = kdrvgen.loads(WRITTEN)
    assert kdrvgen.dumps(project) == WRITTEN


def test_the_smallest_project_is_two_lines() -> None:
    project = Project(driver=Driver(name="hello", model="wdm"), linker=Linker(args=()))
    assert kdrvgen.dumps(project) == '[driver]\nname = "hello"\n'


def test_a_profile_keeps_a_key_that_it_sets_to_its_default() -> None:
    project = Project(
        driver=Driver(name="hello"),
        signing=Signing(digest="sha512"),
        profiles={"production": Profile(signing=Signing(digest="sha256", subject="Mine"))},
    )
    again = kdrvgen.loads(kdrvgen.dumps(project))
    assert again.signing_for("production").digest == "sha256"
    assert 'signing.digest = "sha256"' in kdrvgen.dumps(project)


_words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8)
_texts = st.one_of(
    _words,
    st.sampled_from(
        ["a\nb", "\n", '"""', "a\n\"\"\"b'''", "\r\n", "\\n\n", 'x\n"', "\t\n", "C:\\n"]
    ),
    st.text(st.sampled_from("\"'\\\n\r\tn ab#"), max_size=12),
)
_scalars = st.one_of(
    _texts,
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=8,
)
_free = st.dictionaries(_words, _values, max_size=4)
_driver = st.fixed_dictionaries(
    {"name": st.sampled_from(["hello", "my-driver"])},
    optional={
        "output-name": st.sampled_from(["Hello", "It's ours"]),
        "model": st.sampled_from(["wdm", "kmdf", "umdf"]),
        "target": st.just("i686-pc-windows-msvc"),
        "targets": st.just(["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]),
        "entry-point": st.just("begin"),
        "output-dir": st.just("dist/{target}"),
        "workspace-root": st.just("../.."),
    },
)
_linker: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "args": st.lists(
            st.sampled_from(["/MAP", "/PDBALTPATH:%_PDB%", "/" + "X" * 60]), max_size=4
        ),
        "reproducible": st.booleans(),
        "preset": st.sampled_from(["kernel", "blog-2020"]),
    },
)
_signing: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "subject": _words,
        "timestamp-url": st.sampled_from(["", "http://timestamp.example"]),
        "validity-days": st.integers(1, 400),
        "page-hashes": st.booleans(),
        "digest": st.sampled_from(["sha256", "sha384"]),
        "mode": st.sampled_from(["test", "off"]),
    },
)
_build: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"features": st.just(["a", "b"]), "locked": st.booleans(), "args": st.just(["-v"])}
)
_profile: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "cargo-profile": st.sampled_from(["dev", "release", "mine"]),
        "linker": _linker,
        "signing": _signing,
        "build": _build,
    },
)
_projects = st.fixed_dictionaries(
    {"driver": _driver},
    optional={
        "kdrvgen-version": st.just(">=0.1,<9"),
        "linker": _linker,
        "signing": _signing,
        "build": _build,
        "wdk": st.sampled_from([{"locate": "none"}, {"libraries": []}, {"version": "10.0.1"}]),
        "deploy": st.sampled_from([{"service": "It's mine"}, {"start-type": "auto"}]),
        "profiles": st.dictionaries(
            st.sampled_from(["production", "development", "staging"]), _profile
        ),
        "cargo-config": st.dictionaries(st.sampled_from(["net", "source", "alias"]), _free),
        "makefile": st.fixed_dictionaries(
            {},
            optional={
                "env": st.dictionaries(st.sampled_from(["A", "B", "production"]), _values),
                "tasks": st.dictionaries(st.sampled_from(["a", "b.c", "d e"]), _free),
            },
        ),
        "bootstrap": st.sampled_from([{"template": "device", "license": "MIT"}, {"git": True}]),
    },
)


@settings(
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    deadline=None,
    max_examples=examples(100),
)
@given(_projects)
@example({"driver": {"name": "a"}, "cargo-config": {"net": {"1": {}, "0": [{"0": ["0"]}]}}})
def test_what_is_written_is_read_as_an_equal_project_with_the_same_files(
    document: dict[str, Any],
) -> None:
    try:
        project = Project.model_validate(document)
    except ValidationError:
        assume(False)  # noqa: FBT003 - hypothesis's own form
        raise
    text = kdrvgen.dumps(project)
    again = kdrvgen.loads(text)
    assert again == project, text
    assert kdrvgen.render(again) == kdrvgen.render(project), text
    assert kdrvgen.dumps(again) == text


@pytest.mark.parametrize("name", ["x_y", "a b", "ü", 'q"', ""])
def test_names_of_free_tables_are_quoted(name: str) -> None:
    project = kdrvgen.loads('[driver]\nname = "a"\n')
    tasks = {"tasks": {name: {"command": "echo"}}}
    project = Project.model_validate({**project.model_dump(exclude_unset=True), "makefile": tasks})
    assert kdrvgen.loads(kdrvgen.dumps(project)) == project


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('a\n"""b', '"""\na\n\\"\\"\\"b"""'),
        ('a\n"b"', '"""\na\n\\"b\\""""'),
        ('a\n"b" c', '"""\na\n"b" c"""'),
        ("C:\\it's", '"C:\\\\it\'s"'),
        ("C:\\a", "'C:\\a'"),
        ("C:\\a\tb", '"C:\\\\a\\tb"'),
        ("a\r\nb", r'"a\r\nb"'),
    ],
)
def test_a_text_is_written_as_it_reads_best(text: str, written: str) -> None:
    project = Project.model_validate({"driver": {"name": "a"}, "cargo-config": {"x": {"y": text}}})
    dumped = kdrvgen.dumps(project)
    assert dumped.endswith(f"[cargo-config.x]\ny = {written}\n")
    assert kdrvgen.loads(dumped) == project
