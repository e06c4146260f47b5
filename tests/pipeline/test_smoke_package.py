"""`cargo make smoke` of a project with a package: Wine installs it through SetupAPI."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, REPOSITORY, X64, Project, need
from tests.pipeline.test_package import PACKAGE, install_kdrvgen

pytestmark = pytest.mark.slow

Smoke = Callable[..., str]
PRIMITIVE = PACKAGE.replace('"device"', '"primitive"')
ODD = "it's 50% & ü"


def made(make_project: MakeProject, config: str, name: str = "project") -> Project:
    project = make_project(config, name)
    install_kdrvgen(project)
    return project


def traces(project: Project) -> list[Path]:
    """Return what an installed package leaves in Wine."""
    windows = project.home / ".cache/kdrvgen/smoke/wine/drive_c/windows"
    names = ("*hello*", "driver.inf", "driver.pnf", "*50%*")
    return [path for name in names for path in windows.rglob(name)]


def ran(output: str) -> None:
    """Check that the driver was loaded once and unloaded once."""
    assert "was RUNNING and is unloaded" in output
    assert output.count("smoke: log: hello: loaded,") == 1
    assert output.count("smoke: log: hello: unloaded") == 1


def test_a_device_is_made_and_its_driver_installed_and_removed(
    make_project: MakeProject, smoke: Smoke
) -> None:
    project = made(make_project, PACKAGE)

    for _ in range(2):
        ran(smoke(project))
        assert traces(project) == []


def test_a_package_without_a_device_is_installed_and_removed(
    make_project: MakeProject, smoke: Smoke
) -> None:
    project = made(make_project, PRIMITIVE)

    for _ in range(2):
        ran(smoke(project))
        assert traces(project) == []


@pytest.mark.parametrize("package", [PACKAGE, PRIMITIVE])
def test_odd_names_are_installed(make_project: MakeProject, smoke: Smoke, package: str) -> None:
    config = package.replace('"hello"\n', f'"hello"\noutput-name = "{ODD}"\n', 1)
    config += f'[deploy]\nservice = "{ODD}"\n'
    project = made(make_project, config, "a 'b' $c")

    ran(smoke(project))

    assert traces(project) == []


def test_the_hardware_id_of_an_own_inf_in_utf_16_is_used(
    make_project: MakeProject, smoke: Smoke
) -> None:
    project = made(make_project, PACKAGE + 'hardware-ids = ["PCI\\\\VEN_1234&DEV_5678"]\n')
    project.make("package")
    inf = project.output("package") / "hello.inf"
    text = inf.read_bytes().decode("ascii")
    (project.folder / "own.inx").write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    project.generate(f'{CONFIG}\n[package]\ninx = "own.inx"\n')

    ran(smoke(project))


@pytest.mark.parametrize("package", [PACKAGE, PRIMITIVE])
def test_a_driver_that_does_not_start_fails_and_leaves_nothing(
    make_project: MakeProject, smoke: Smoke, package: str
) -> None:
    project = made(make_project, package)
    ran(smoke(project))
    failure = "Err(kernel::nt::status::STATUS_UNSUCCESSFUL)"
    project.edit("src/lib.rs", "    Ok(())\n", f"    {failure}\n")

    output = project.fail("smoke")

    assert "does not start in Wine's kernel" in output
    assert traces(project) == []
    project.edit("src/lib.rs", f"    {failure}\n", "    Ok(())\n")
    ran(smoke(project))


def test_a_driver_that_cannot_be_unloaded_fails_and_spoils_no_later_run(
    make_project: MakeProject, smoke: Smoke
) -> None:
    project = made(make_project, PACKAGE)
    ran(smoke(project))
    project.edit("src/lib.rs", "driver_unload = Some(unload)", "driver_unload = None")

    assert "does not unload" in project.fail("smoke")

    project.edit("src/lib.rs", "driver_unload = None", "driver_unload = Some(unload)")
    ran(smoke(project))


def test_the_program_for_wine_compiles_without_warnings(tmp_path: Path) -> None:
    need("rustc")
    source = REPOSITORY / "kdrvgen/pipeline/tree/pipeline/src/smoke/install.rs"
    argv = ["rustc", "--edition=2021", "--crate-type=bin", "--emit=obj", "-Dwarnings"]
    argv += ["--target", X64, "-Cpanic=abort", "-o", str(tmp_path / "o"), str(source)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
