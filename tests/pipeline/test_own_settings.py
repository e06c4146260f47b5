"""What config.toml passes on to cargo and to cargo-make, in real builds."""

from __future__ import annotations

import sys

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, X64, run

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


VENDORED = {
    "Cargo.toml": '[package]\nname = "foo"\nversion = "1.0.0"\nedition = "2021"\n',
    "src/lib.rs": "#![no_std]\npub fn seven() -> u32 { 7 }\n",
    ".cargo-checksum.json": '{"files":{},"package":null}',
}


def test_vendored_sources_are_built_without_a_network(make_project: MakeProject) -> None:
    project = make_project(
        f"""{CONFIG}
[cargo-config.source.crates-io]
replace-with = "vendored-sources"

[cargo-config.source.vendored-sources]
directory = "vendor"

[cargo-config.net]
offline = true

[cargo-config.profile.dev]
opt-level = 1
"""
    )
    for name, text in VENDORED.items():
        path = project.folder / "vendor/foo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    project.edit("Cargo.toml", "[lib]", '[dependencies]\nfoo = "1"\n\n[lib]')
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write("pub use foo::seven;\n")

    project.make("sign")

    assert project.verifies()
    argv = [sys.executable, "-m", "kdrvgen", "config.toml", "--check"]
    assert run(argv, project.folder, project.env).returncode == 0


OWN_SCRIPT = """\
use std::{env, fs, path::Path};

pub fn main() {
    println!("cargo:rerun-if-changed=number.txt");
    let number = fs::read_to_string("number.txt").unwrap();
    let path = Path::new(&env::var("OUT_DIR").unwrap()).join("number.rs");
    fs::write(path, format!("pub const NUMBER: u32 = {};", number.trim())).unwrap();
}
"""


def test_own_build_steps_run_before_those_of_the_driver(make_project: MakeProject) -> None:
    project = make_project(CONFIG.replace("[driver]", '[driver]\nbuild-script = "build/own $x.rs"'))
    (project.folder / "build").mkdir()
    (project.folder / "build/own $x.rs").write_text(OWN_SCRIPT, encoding="utf-8")
    number = project.folder / "number.txt"
    number.write_text("7\n", encoding="utf-8")
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write('include!(concat!(env!("OUT_DIR"), "/number.rs"));\n')
        source.write("const _: () = assert!(NUMBER == 7);\n")

    project.make("sign")
    assert project.verifies()

    number.write_text("8\n", encoding="utf-8")
    assert "NUMBER == 7" in project.fail("sign")


def test_errors_name_the_configuration_as_the_project_calls_it(make_project: MakeProject) -> None:
    project = make_project()
    (project.folder / "config.toml").rename(project.folder / "kdrvgen.toml")
    argv = [sys.executable, "-m", "kdrvgen", "kdrvgen.toml"]
    assert run(argv, project.folder, project.env).returncode == 0
    project.make("sign")

    stale = project.folder / ".cargo/config"
    stale.write_text("", encoding="utf-8")
    found = [project.fail("sign")]
    stale.unlink()
    found.append(project.fail("sign", RUSTFLAGS="-Cdebuginfo=0"))

    assert "move what you need into kdrvgen.toml" in found[0]
    assert "put its flags into linker.rustflags of kdrvgen.toml" in found[1]
    for shown in found:
        assert "config.toml" not in shown.replace(".cargo/config.toml", "")


def test_the_signed_driver_goes_where_the_configuration_says(make_project: MakeProject) -> None:
    project = make_project(
        CONFIG.replace("[driver]", '[driver]\noutput-dir = "dist/{profile} of {target}/$x"')
    )

    project.make("sign")
    project.make("--profile", "production", "sign")

    folders = [
        project.folder / f"dist/{name} of {X64}/$x" for name in ("development", "production")
    ]
    for folder in folders:
        assert project.verifies(folder / "hello.sys")
        assert {path.name for path in folder.iterdir()} == {"hello.sys", "hello.pdb", "hello.cer"}
    assert not (project.target / "driver").exists()
    project.make("clean-driver")
    assert not (folders[0] / "hello.sys").exists()
    assert (folders[1] / "hello.sys").exists()


def test_a_project_builds_with_a_kdrvgen_that_it_is_for_and_changes_with_no_other(
    make_project: MakeProject,
) -> None:
    project = make_project(f'kdrvgen-version = ">=0.1,!=0.0.7"\n{CONFIG}')
    project.make("sign")
    assert project.verifies()
    before = (project.folder / "Makefile.toml").read_bytes()

    project.edit("config.toml", ">=0.1,!=0.0.7", ">=99")
    done = run([sys.executable, "-m", "kdrvgen", "config.toml"], project.folder, project.env)

    assert done.returncode == 3
    assert "config.toml:1:19: error: `kdrvgen-version`: this file needs kdrvgen >=99" in done.stdout
    assert (project.folder / "Makefile.toml").read_bytes() == before
