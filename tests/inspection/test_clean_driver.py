"""A driver that the pipeline made has nothing to object to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import kdrvgen
from tests.inspection.conftest import TARGETS
from tests.inspection.support import Tell, rules
from tests.pipeline.support import Project, need, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("target", TARGETS)
def test_a_driver_of_any_target_is_clean(driver: Project, target: str) -> None:
    image = driver.output(target=target)

    assert rules(image, least="warning") == {}
    assert rules(image, config=driver.folder / "config.toml") == {}


def test_a_driver_of_the_production_profile_is_clean(driver: Project, tell: Tell) -> None:
    said = tell("--fail-on", "note", driver.output(profile="production"))

    assert said.code == 0
    assert said.out.endswith("hello.sys: nothing found\n")


def test_its_own_certificate_can_be_named_as_the_one_to_trust(driver: Project) -> None:
    own = driver.cer

    assert rules(driver.sys, least="warning", trust=(own,)) == {}


def test_a_driver_of_a_template_is_clean(project: Project, tmp_path: Path) -> None:
    kdrvgen.bootstrap(tmp_path, "fresh", "device")
    fresh = Project(tmp_path / "fresh", project.home, project.env)

    fresh.make("-e", "DRIVER_TIMESTAMP_URL=", "sign")

    found = rules(fresh.output("fresh.sys"), config=fresh.folder / "config.toml")
    assert found == {}


@pytest.mark.parametrize("linker", ["lld-link", "rust-lld"])
def test_a_driver_is_clean_whichever_version_of_lld_links_it(project: Project, linker: str) -> None:
    if linker == "lld-link":
        need("lld-link")
    config = (project.folder / "config.toml").read_text(encoding="utf-8")
    project.generate(f'{config}\n[linker]\nprogram = "{linker}"\n')
    project.make("sign")

    assert rules(project.sys, least="warning", config=project.folder / "config.toml") == {}


def test_a_reproducible_driver_is_one_and_another_one_is_not(project: Project) -> None:
    config = (project.folder / "config.toml").read_text(encoding="utf-8")
    project.generate(f"{config}\n[linker]\nreproducible = true\n")
    named = project.folder / "config.toml"

    assert "config-reproducible" in rules(project.sys, config=named)

    project.make("sign")

    assert rules(project.sys, least="warning", config=named) == {}


def test_an_image_that_a_foreign_rustflags_made_is_no_driver(project: Project) -> None:
    # The generated one refuses such a build.
    (project.folder / "build.rs").write_text("fn main() {}\n", "utf-8")
    env = project.env | {"RUSTFLAGS": "-Clink-arg=/NODEFAULTLIB -Clink-arg=/ENTRY:driver_entry"}
    argv = ["cargo", "build", "--target", "x86_64-pc-windows-msvc", "--config"]
    argv += ['target.x86_64-pc-windows-msvc.linker="lld-link"']
    done = run(argv, project.folder, env)
    assert done.returncode == 0, done.stdout

    found = rules(project.dll)

    assert "WINDOWS" in found["image-subsystem"]
    assert {"signature-missing", "image-integrity-check"} <= found.keys()


def test_a_folder_below_dot_cargo_is_not_taken_for_a_project(
    driver: Project, tmp_path: Path, tell: Tell
) -> None:
    cargo = tmp_path / ".cargo"
    cargo.mkdir()
    (cargo / "config.toml").write_text("[build]\n", encoding="utf-8")
    shutil.copy(driver.sys, cargo / "hello.sys")

    assert tell(cargo / "hello.sys").code == 0
