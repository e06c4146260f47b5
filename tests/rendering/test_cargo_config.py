"""`[cargo-config]` with any keys and values: what cargo reads is that, and what kdrvgen sets."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
import tomli
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kdrvgen import Driver, Linker, Project, Toolchain
from kdrvgen.rendering.project import render_own
from tests.examples import examples

from .conftest import FindTool
from .test_quoting import VISIBLE_TEXT, VISIBLE_VALUES, values

FILE = PurePosixPath(".cargo/config.toml")
X64, X86, ARM64 = (f"{part}-pc-windows-msvc" for part in ("x86_64", "i686", "aarch64"))

PROJECTS: Mapping[str, dict[str, Any]] = {
    "plain": {"driver": Driver(name="a")},
    "several targets": {"driver": Driver(name="a", targets=(X64, ARM64))},
    "user mode": {"driver": Driver(name="a", model="umdf")},
    "build script": {"driver": Driver(name="a"), "linker": Linker(emit="build-script")},
    "own linker": {"driver": Driver(name="a"), "linker": Linker(program="lld-link")},
    "build-std": {
        "driver": Driver(name="a"),
        "toolchain": Toolchain(channel="nightly", build_std=("core",)),
    },
}
# The names of cargo's that kdrvgen writes too, beside any others.
TABLES = ["build", "target", "profile", "unstable", "source", "registries", "net", "env", "alias"]
NAMES = [
    *("target", "rustflags", "linker", "panic", "build-std", "build-std-features", "runner"),
    *("dev", "release", "lab", "package", "*", "opt-level", "jobs", X64, X86, ARM64, "cfg(unix)"),
]
KEYS = st.sampled_from(NAMES) | VISIBLE_TEXT


def tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give configurations of cargo, with `inner` where cargo has values or tables."""
    below = st.dictionaries(
        KEYS, inner | st.dictionaries(KEYS, inner, max_size=3), min_size=1, max_size=3
    )
    return st.dictionaries(st.sampled_from(TABLES) | VISIBLE_TEXT, below, min_size=1, max_size=3)


def project(name: str, config: dict[str, Any]) -> Project:
    """Return a project with a cargo configuration; skip the example if it is refused."""
    try:
        return Project(**PROJECTS[name], cargo_config=config)
    except ValidationError:
        assume(False)  # noqa: FBT003 - hypothesis's way
        raise


def joined(one: dict[str, Any], other: dict[str, Any], at: str = "") -> dict[str, Any]:
    """Return two tables as one. A key of both, other than of tables, would be an override."""
    found = copy.deepcopy(one)
    for key, value in other.items():
        if key not in found:
            found[key] = value
        else:
            assert isinstance(found[key], dict), f"{at}.{key} is overridden"
            assert isinstance(value, dict), f"{at}.{key} is overridden"
            found[key] = joined(found[key], value, f"{at}.{key}")
    return found


def without_empty(table: object) -> object:
    """Return a table without the tables in it that hold nothing: cargo does not see them."""
    if not isinstance(table, dict):
        return table
    found = {key: without_empty(value) for key, value in table.items()}
    return {key: value for key, value in found.items() if value != {}}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
@settings(max_examples=examples(150))
@given(config=tables(VISIBLE_VALUES))
@example(config={"target": {X64: {"runner": "x"}, X86: {"linker": "y"}}})
@example(config={"profile": {"dev": 1}})
@example(config={"target": {X64: []}})
@example(config={"target": {X64: {}}, "build": {}, "profile": {"dev": {}}})
@example(config={"profile": {"dev": {"package": {"*": {"debug": 1}}}, "release": {"lto": True}}})
@example(config={"unstable": {"gc": True}, "build": {"jobs": 1, "rustdocflags": ["]", "[x]"]}})
def test_the_file_contains_kdrvgens_settings_and_those_of_the_configuration(
    name: str, config: dict[str, Any]
) -> None:
    added = project(name, config)
    made = tomli.loads(render_own(Project(**PROJECTS[name]))[FILE])

    written = tomli.loads(render_own(added)[FILE])

    assert without_empty(written) == without_empty(joined(made, config))


@given(st.sampled_from(list(PROJECTS)), st.dictionaries(VISIBLE_TEXT, VISIBLE_VALUES, max_size=2))
def test_the_users_tables_do_not_change_kdrvgens_lines(name: str, own: dict[str, Any]) -> None:
    added = project(name, {"source": own})
    before = render_own(Project(**PROJECTS[name]))[FILE].partition("\n\n")[2]
    after = render_own(added)[FILE].partition("\n\n")[2]
    assert after.startswith(before)


TEXTS_FOR_CARGO = values(VISIBLE_TEXT, VISIBLE_TEXT).filter(
    lambda value: isinstance(value, str | bool | int)
)
CARGO_VALUES = TEXTS_FOR_CARGO | st.lists(VISIBLE_TEXT, max_size=3)


@pytest.mark.slow
# `project` skips what is refused, which with some seeds is most of the first examples.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(config=tables(CARGO_VALUES))
def test_cargo_reads_the_same_settings(
    tool: FindTool, tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("project")
    (folder / ".cargo").mkdir()
    added = project("plain", {name: table for name, table in config.items() if name != "env"})
    (folder / FILE).write_text(render_own(added)[FILE], encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("CARGO")}
    env |= {"CARGO_HOME": str(folder / "home"), "RUSTC_BOOTSTRAP": "1"}  # `config get` is unstable
    argv = [tool("cargo"), "-Zunstable-options", "config", "get", "--format=json"]
    done = subprocess.run(argv, cwd=folder, env=env, check=True, capture_output=True)
    assert json.loads(done.stdout) == tomli.loads(render_own(added)[FILE])


@pytest.mark.parametrize("name", PROJECTS)
def test_a_key_that_kdrvgen_sets_is_refused(name: str) -> None:
    made = tomli.loads(render_own(Project(**PROJECTS[name]))[FILE])
    for path in paths(made):
        config: Any = "other"
        for key in reversed(path):
            config = {key: config}
        with pytest.raises(ValidationError):
            Project(**PROJECTS[name], cargo_config=config)


def paths(table: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the path of each value."""
    found: list[tuple[str, ...]] = []
    for key, value in table.items():
        below = paths(value) if isinstance(value, dict) else []
        found += [(key, *path) for path in below] or [(key,)]
    return found
