"""`[build]`: the arguments for cargo, and those that only the pipeline can pass."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from kdrvgen import Driver
from kdrvgen.rendering.project import render_own

from .support import dotted, is_accepted, project, refusal


def test_each_key_becomes_a_cargo_argument() -> None:
    found = project(
        '[build]\nfeatures = ["a", "b/c"]\ndefault-features = false\nlocked = true\n'
        'args = ["--offline"]\n'
    )
    assert found.build.arguments == (
        *("--features", "a,b/c", "--no-default-features", "--locked", "--offline"),
    )


def test_nothing_is_added_by_default() -> None:
    assert project().build.arguments == ()


def test_a_profile_replaces_single_keys() -> None:
    found = project(
        '[build]\nfeatures = ["a"]\nargs = ["-j4"]\n'
        "[profiles.production]\nbuild.features = []\nbuild.locked = true\n"
    )
    assert found.build_for("development").arguments == ("--features", "a", "-j4")
    assert found.build_for("production").arguments == ("--locked", "-j4")


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("--target", "driver"),
        ("--target=x86_64-pc-windows-gnu", "driver"),
        ("--release", "cargo-profile"),
        ("-r", "cargo-profile"),
        ("-vr", "cargo-profile"),
        ("--profile=lab", "cargo-profile"),
        ("-p", "library of this package"),
        ("-pother", "library of this package"),
        ("--package=other", "library of this package"),
        ("--workspace", "library of this package"),
        ("--lib", "library of this package"),
        ("--bin=x", "library of this package"),
        ("--manifest-path", "library of this package"),
        ("--message-format=json", "messages"),
        ("--target-dir", "CARGO_TARGET_DIR"),
        ("--config=build.target='x'", "[cargo-config]"),
        ("--features", "features"),
        ("-Fx", "features"),
        ("--locked", "locked = true"),
        ("-C", "folder"),
        ("-Zbuild-std=core", "toolchain.build-std"),
        ("build-std", "toolchain.build-std"),
        ("--", "linker.rustflags"),
    ],
)
def test_an_argument_that_the_pipeline_passes_is_refused(argument: str, hint: str) -> None:
    line = refusal(f"""[build]\nargs = ["-v", "{argument}"]\n""")
    assert dotted(line) == "build.args.1"
    assert hint in line["ctx"]["hint"]


def test_the_value_of_a_refused_argument_is_not_shown() -> None:
    line = refusal("""[build]\nargs = ['--config=registry.token="hunter2"']\n""")
    assert "hunter2" not in line["msg"] + line["ctx"]["hint"]


@pytest.mark.parametrize("argument", ["--offline", "-j4", "-vv", "-Zunstable-options", "--timings"])
def test_other_arguments_are_accepted(argument: str) -> None:
    assert is_accepted(f'[build]\nargs = ["{argument}"]\n')


@pytest.mark.parametrize("name", ["", "a b", "a,b", "--release", "dep:x", "a/b/c", "a?/b", "$x"])
def test_an_invalid_feature_name_is_refused(name: str) -> None:
    assert dotted(refusal(f'[build]\nfeatures = ["{name}"]\n')) == "build.features.0"
    assert not is_accepted(f'[profiles.production]\nbuild.features = ["{name}"]\n')


@pytest.mark.parametrize("value", ["@@split(X,;)", "a\\tb", "a\\u200b", " a", ""])
def test_an_argument_that_cargo_make_would_change_is_refused(value: str) -> None:
    assert dotted(refusal(f'[build]\nargs = ["{value}"]\n')) == "build.args.0"


@pytest.mark.parametrize(
    "path",
    [
        *("build.rs", "BUILD.RS", "build_own", "build_own.py", "../build_own.rs", "/build_own.rs"),
        *(".kdrvgen/kit.rs", "C:/own.rs", "a\\\\own.rs", "", "a//own.rs", "own\\u200b.rs"),
    ],
)
def test_a_build_script_outside_the_project_is_refused(path: str) -> None:
    assert dotted(refusal(driver=f'build-script = "{path}"')) == "driver.build-script"


def test_a_build_script_runs_first_in_build_rs() -> None:
    found = project(driver='build-script = "a/it\'s own.rs"')
    text = render_own(found)[PurePosixPath("build.rs")]
    assert '#[path = "a/it\'s own.rs"]\nmod own;\n' in text
    assert "fn main() {\n    own::main();\n" in text


@given(st.text() | st.text(st.sampled_from("./\\~a:\n ")))
@example("../..\n")
@example("../../")
@example("../a")
@example("/..")
def test_a_workspace_root_that_does_not_lead_upward_is_refused(path: str) -> None:
    try:
        Driver(name="a", workspace_root=path)
    except ValidationError:
        return
    assert set(path.split("/")) == {".."}
