"""When cargo runs the build script again: when a kit comes or goes, and not otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pipeline.support import X64, Project, run

pytestmark = pytest.mark.slow


def put(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


ALL = ("Lib", "build")
LIBRARIES = ("Lib",)


def install(root: Path, version: str, parts: tuple[str, ...] = ALL) -> None:
    """Lay out what a kit installs, or of that the libraries alone."""
    put(root / "Lib" / version / "km/x64/ntoskrnl.lib")
    if "build" in parts:
        put(root / "build" / version / "WindowsDriver.Default.props")


def runs(project: Project, **env: str) -> bool:
    """Build, and tell whether cargo ran the build script."""
    done = run(["cargo", "check", "--target", X64, "-v"], project.folder, project.env | env)
    assert done.returncode == 0, done.stdout
    return "build-script-build`" in done.stdout


def links(project: Project) -> str:
    """Return the folder that the last run of the build script printed."""
    (output,) = project.folder.glob(f"target/{X64}/debug/build/hello-*/output")
    return output.read_text().partition("rustc-link-search=native=")[2].partition("\n")[0]


@pytest.mark.parametrize("parts", [ALL, LIBRARIES])
def test_the_script_runs_again_when_a_newer_kit_comes_and_when_it_goes(
    project: Project, tmp_path: Path, parts: tuple[str, ...]
) -> None:
    kit = tmp_path / "kits" / "10"
    install(kit, "10.0.9.0", parts)
    place = {"WDKContentRoot": str(kit)}
    assert runs(project, **place)
    assert not runs(project, **place)

    put(kit / "Include/10.0.10.0/km/wdm.h")
    assert not runs(project, **place)

    install(kit, "10.0.10.0", parts)
    assert runs(project, **place)
    assert links(project) == f"{kit}/Lib/10.0.10.0/km/x64"
    assert not runs(project, **place)

    for part in parts:
        shutil.rmtree(kit / part / "10.0.10.0")
    assert runs(project, **place)
    assert links(project) == f"{kit}/Lib/10.0.9.0/km/x64"


def test_the_script_runs_again_when_a_kit_joins_an_sdk_that_lay_there_alone(
    project: Project, tmp_path: Path
) -> None:
    kit = tmp_path / "kits" / "10"
    put(kit / "Lib/10.0.10.0/um/x64/kernel32.lib")
    place = {"WDKContentRoot": str(kit)}
    assert runs(project, **place)
    assert not runs(project, **place)

    install(kit, "10.0.10.0")
    assert runs(project, **place)
    assert links(project) == f"{kit}/Lib/10.0.10.0/km/x64"


def test_the_script_runs_again_when_the_environment_names_something_else(
    project: Project, tmp_path: Path
) -> None:
    assert runs(project)
    assert not runs(project)
    assert not runs(project, UNRELATED="x")

    kit = tmp_path / "root" / "Windows Kits" / "10"
    install(kit, "10.0.9.0")
    install(kit, "10.0.10.0")
    for name, value, linked in (
        ("MicrosoftKitRoot", tmp_path / "root", "10.0.10.0"),
        ("WDKContentRoot", kit, "10.0.10.0"),
        ("Version_Number", "10.0.9.0", "10.0.9.0"),
    ):
        project.env[name] = str(value)
        assert runs(project), name
        assert links(project) == f"{kit}/Lib/{linked}/km/x64"
        assert not runs(project)


def test_a_selected_version_is_not_affected_by_other_versions(
    project: Project, tmp_path: Path
) -> None:
    kit = tmp_path / "kits" / "10"
    install(kit, "10.0.9.0", LIBRARIES)
    project.generate('[driver]\nname = "hello"\n[wdk]\nversion = "10.0.9.0"\n')
    place = {"WDKContentRoot": str(kit)}
    assert runs(project, **place)

    install(kit, "10.0.10.0", LIBRARIES)
    assert not runs(project, **place)
