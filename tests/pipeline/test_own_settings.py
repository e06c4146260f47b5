"""What config.toml passes on to cargo and to cargo-make, in real builds."""

from __future__ import annotations

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG

pytestmark = pytest.mark.slow


def test_features_and_arguments_reach_cargo_by_profile(make_project: MakeProject) -> None:
    project = make_project(
        f"""{CONFIG}
[build]
features = ["loud"]
args = ["--color=never"]

[profiles.production]
build.features = ["quiet"]
build.default-features = false
build.locked = true
"""
    )
    with (project.folder / "Cargo.toml").open("a", encoding="utf-8") as manifest:
        manifest.write('[features]\ndefault = ["usual"]\nusual = []\nloud = []\nquiet = []\n')
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write(
            """
#[cfg(not(any(
    all(debug_assertions, feature = "usual", feature = "loud", not(feature = "quiet")),
    all(not(debug_assertions), feature = "quiet", not(feature = "usual"), not(feature = "loud")),
)))]
compile_error!("other features than those of config.toml");
"""
        )

    shown = project.make("-v", "sign")
    assert "cargo build --lib" in shown
    assert "--features loud --color=never" in shown
    assert project.verifies()

    project.make("--profile", "production", "sign")
    (project.folder / "Cargo.lock").unlink()
    assert "--locked" in project.fail("--profile", "production", "sign")


def test_arguments_that_all_profiles_have_stand_in_the_cargo_command(
    make_project: MakeProject,
) -> None:
    project = make_project(CONFIG + '[build]\nlocked = false\nargs = ["--color=never", "-j1"]\n')

    text = (project.folder / "Makefile.toml").read_text("utf-8")

    assert '"${DRIVER_CARGO_PROFILE}", "--color=never", "-j1"]' in text
    assert "DRIVER_CARGO_ARGS" not in text
    project.make("sign")
    assert project.verifies()
