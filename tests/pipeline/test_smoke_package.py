"""`cargo make smoke` of a project with a package: Wine installs it through SetupAPI."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, REPOSITORY, X64, Project, Stall, need
from tests.pipeline.test_package import PACKAGE, install_kdrvgen

pytestmark = pytest.mark.slow

Smoke = Callable[..., str]
PutWine = Callable[[Project], None]
PRIMITIVE = PACKAGE.replace('"device"', '"primitive"')
GROUP = 'altitude = "370030"\nload-order-group = "FSFilter Activity Monitor"\n'
MINIFILTER = PACKAGE.replace('"device"', '"minifilter"') + GROUP
ODD = "it's 50% & ü"


def made(make_project: MakeProject, config: str, name: str = "project") -> Project:
    project = make_project(config, name)
    install_kdrvgen(project)
    return project


def on_wine(project: Project, pattern: str, script: str) -> None:
    """Run a script before the task starts a program in Wine whose command line fits a pattern."""
    names = ("wine64", "/usr/lib/wine/wine64", "/usr/lib/wine/wine", "wine")
    real = next(filter(None, map(shutil.which, names)))
    case = f'case "$*" in {pattern}) {script} ;; esac'
    project.shim("wine64", f'real=\'{real}\'\n{case}\nexec "$real" "$@"')


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


def test_no_program_in_wine_gets_a_heap_where_windows_has_its_shared_data(
    make_project: MakeProject, smoke: Smoke
) -> None:
    fixed = ["setarch", "-R", "cat", "/proc/self/personality"]
    expected = subprocess.run(fixed, capture_output=True, text=True, check=False)
    if expected.returncode != 0:
        pytest.skip(f"this system forbids fixed addresses: {expected.stderr.strip()}")
    project = make_project()
    seen = project.home / "personalities"
    on_wine(project, "*", f"cat /proc/self/personality >> '{seen}'")

    smoke(project)

    assert set(seen.read_text("ascii").split()) == {expected.stdout.strip()}


@pytest.mark.parametrize("package", [PRIMITIVE, MINIFILTER])
def test_a_package_without_a_device_is_installed_and_removed(
    make_project: MakeProject, smoke: Smoke, package: str
) -> None:
    project = made(make_project, package)

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


# Wine starts a driver that starts by itself before the task installs the new one.
@pytest.mark.parametrize("package", [PACKAGE, PRIMITIVE + 'start-type = "auto"\n'])
def test_a_killed_run_spoils_no_later_run(
    make_project: MakeProject, put_wine: PutWine, smoke: Smoke, package: str
) -> None:
    project = made(make_project, package)
    put_wine(project)
    stall = Stall(project)
    # The first query is that of the removal before the installation.
    flag = project.home / "queried"
    on_wine(project, '"sc query "*', f"[ ! -e '{flag}' ] || {{ {stall.script}; }}; touch '{flag}'")
    assert stall.kill("smoke")
    assert traces(project) != []
    project.unshim()
    install_kdrvgen(project)
    project.say("anew")

    output = smoke(project)

    assert "was RUNNING and is unloaded" in output
    lines = [line for line in output.splitlines() if "smoke: log: hello: " in line]
    assert [line.split()[3] for line in lines] == ["loaded", "unloaded"]
    assert "hello: loaded anew," in lines[0]
    assert traces(project) == []


@pytest.mark.parametrize(
    ("package", "program"), [(PACKAGE, '*"install.exe install "*'), (PRIMITIVE, "rundll32*")]
)
def test_an_installation_that_fails_is_a_failure_even_if_the_driver_runs(
    make_project: MakeProject, put_wine: PutWine, package: str, program: str
) -> None:
    project = made(make_project, package)
    put_wine(project)
    start = '"$real" "$1" start hello; ' if package == PRIMITIVE else ""
    on_wine(project, program, f'"$real" "$@"; {start}echo why; exit 5')

    output = project.fail("smoke")

    assert "Wine could not install " in output
    assert "why" in output
    assert traces(project) == []


def test_wine_gets_the_files_of_the_package_and_no_others(
    make_project: MakeProject, smoke: Smoke
) -> None:
    project = made(make_project, PRIMITIVE + 'extra-files = ["Cargo.toml"]\n')
    copied = project.home / ".cache/kdrvgen/smoke/wine/drive_c/package"
    ran(smoke(project))
    names = {path.name for path in copied.iterdir()}
    assert names == {
        "Cargo.toml",
        "driver.inf",
        *(f"hello.{end}" for end in ("cat", "cer", "pdb", "sys")),
    }
    assert traces(project) == []

    project.generate(PRIMITIVE)
    ran(smoke(project))

    assert {path.name for path in copied.iterdir()} == names - {"Cargo.toml"}


def test_the_program_for_wine_compiles_without_warnings(tmp_path: Path) -> None:
    need("rustc")
    source = REPOSITORY / "kdrvgen/pipeline/tree/pipeline/src/smoke/install.rs"
    argv = ["rustc", "--edition=2021", "--crate-type=bin", "--emit=obj", "-Dwarnings"]
    argv += ["--target", X64, "-Cpanic=abort", "-o", str(tmp_path / "o"), str(source)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
