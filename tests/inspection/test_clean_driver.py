"""A driver from the pipeline has no findings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import kdrvgen
from tests.inspection.conftest import TARGETS
from tests.inspection.support import Verify, rules
from tests.pipeline.support import Project, need, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("target", TARGETS)
def test_a_driver_for_any_target_has_no_findings(driver: Project, target: str) -> None:
    image = driver.output(target=target)

    assert rules(image, least="warning") == {}
    assert rules(image, config=driver.folder / "config.toml") == {}


def test_a_driver_of_the_production_profile_has_no_findings(
    driver: Project, verify: Verify
) -> None:
    result = verify("--fail-on", "note", driver.output(profile="production"))

    assert result.code == 0
    assert result.out.endswith("hello.sys: no findings\n")


def test_its_own_certificate_can_be_the_trusted_one(driver: Project) -> None:
    own = driver.cer

    assert rules(driver.sys, least="warning", trust=(own,)) == {}


def test_a_driver_from_a_template_has_no_findings(project: Project, tmp_path: Path) -> None:
    kdrvgen.bootstrap(tmp_path, "fresh", "device")
    fresh = Project(tmp_path / "fresh", project.home, project.env)

    fresh.make("-e", "DRIVER_TIMESTAMP_URL=", "sign")

    found = rules(fresh.output("fresh.sys"), config=fresh.folder / "config.toml")
    assert found == {}


@pytest.mark.parametrize("linker", ["lld-link", "rust-lld"])
def test_a_driver_from_any_version_of_lld_has_no_findings(project: Project, linker: str) -> None:
    if linker == "lld-link":
        need("lld-link")
    config = (project.folder / "config.toml").read_text(encoding="utf-8")
    project.generate(f'{config}\n[linker]\nprogram = "{linker}"\n')
    project.make("sign")

    assert rules(project.sys, least="warning", config=project.folder / "config.toml") == {}


def test_only_a_reproducible_build_passes_the_rule_config_reproducible(project: Project) -> None:
    config = (project.folder / "config.toml").read_text(encoding="utf-8")
    project.generate(f"{config}\n[linker]\nreproducible = true\n")
    named = project.folder / "config.toml"

    assert "config-reproducible" in rules(project.sys, config=named)

    project.make("sign")

    assert rules(project.sys, least="warning", config=named) == {}


def test_an_image_built_with_other_rustflags_is_not_a_driver(project: Project) -> None:
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


def test_cargos_own_config_is_not_read_as_a_project(
    driver: Project, tmp_path: Path, verify: Verify
) -> None:
    cargo = tmp_path / ".cargo"
    cargo.mkdir()
    (cargo / "config.toml").write_text("[build]\n", encoding="utf-8")
    shutil.copy(driver.sys, cargo / "hello.sys")

    assert verify(cargo / "hello.sys").code == 0
