"""Which projects a command line means: none named, folders, several, and whole workspaces."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import run_kdrvgen

Run = Callable[..., subprocess.CompletedProcess[str]]


def driver(folder: Path, name: str = "", config: str = "config.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / config).write_text(f'[driver]\nname = "{name or folder.name}"\n', "utf-8")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with two drivers, a library and a driver that Cargo.toml excludes."""
    root = tmp_path / "workspace"
    for name in ("alpha", "beta", "old"):
        driver(root / "drivers" / name)
    (root / "library").mkdir()
    (root / "Cargo.toml").write_text(
        '[workspace]\nmembers = ["drivers/*", "library"]\nexclude = ["drivers/old"]\n', "utf-8"
    )
    return root


def makefiles(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("Makefile.toml"))


@pytest.mark.parametrize("below", ["", "src", "src/deep/er", ".cargo"])
@pytest.mark.parametrize("config", ["config.toml", "kdrvgen.toml"])
def test_without_words_the_project_here_or_above_is_meant(
    tmp_path: Path, below: str, config: str
) -> None:
    root = driver(tmp_path / "hello", config=config)
    (root / below).mkdir(parents=True, exist_ok=True)
    if below == ".cargo":
        (root / ".cargo" / "config.toml").write_text("[alias]\n", "utf-8")
        (root / ".cargo" / "config.toml").rename(root / ".cargo" / "config")
    done = run_kdrvgen(cwd=root / below)
    assert (done.returncode, makefiles(root)) == (0, ["Makefile.toml"]), done.stderr


def test_without_a_project_the_error_names_the_two_ways_to_one(tmp_path: Path) -> None:
    done = run_kdrvgen(cwd=tmp_path)
    assert done.returncode == 2
    assert "`kdrvgen new NAME`" in done.stderr
    assert "`kdrvgen adopt`" in done.stderr


def test_another_programs_configuration_above_is_not_a_project(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[core]\neditor = 1\n", "utf-8")
    (tmp_path / "below").mkdir()
    done = run_kdrvgen(cwd=tmp_path / "below")
    assert done.returncode == 2
    assert "`kdrvgen new NAME`" in done.stderr
    assert run_kdrvgen(cwd=tmp_path).returncode == 3  # here, it can be a driver's with a mistake


@pytest.mark.parametrize("place", [".", "library", "drivers"])
def test_a_workspace_means_all_its_drivers(workspace: Path, place: str) -> None:
    done = run_kdrvgen(cwd=workspace / place)
    assert done.returncode == 0, done.stderr
    assert makefiles(workspace) == ["drivers/alpha/Makefile.toml", "drivers/beta/Makefile.toml"]
    assert done.stdout.count("created") == 8


def test_in_a_driver_of_a_workspace_only_this_driver_is_meant(workspace: Path) -> None:
    run_kdrvgen(cwd=workspace / "drivers" / "alpha")
    assert makefiles(workspace) == ["drivers/alpha/Makefile.toml"]


def test_a_workspace_root_that_is_a_driver_too_is_one_of_them(workspace: Path) -> None:
    driver(workspace, "root-driver")
    run_kdrvgen(cwd=workspace)
    assert len(makefiles(workspace)) == 3


def test_folders_and_configurations_can_be_mixed_and_repeated(workspace: Path) -> None:
    done = run_kdrvgen("drivers/alpha", "drivers/alpha/config.toml", "drivers/old", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert makefiles(workspace) == ["drivers/alpha/Makefile.toml", "drivers/old/Makefile.toml"]
    assert done.stdout.count("Makefile.toml") == 2
    assert "drivers/old/Makefile.toml" in done.stdout


def test_a_member_outside_of_the_workspace_is_not_looked_at(
    workspace: Path, tmp_path: Path
) -> None:
    driver(tmp_path / "outside")
    (workspace / "link").symlink_to("../outside")
    (workspace / "Cargo.toml").write_text(
        '[workspace]\nmembers = ["../outside", "link", "drivers/alpha"]\n', "utf-8"
    )
    run_kdrvgen(cwd=workspace)
    assert makefiles(tmp_path) == ["workspace/drivers/alpha/Makefile.toml"]


@pytest.mark.parametrize("members", ['["drivers/[", "/*", ""]', '"drivers"', "[1]", "[[]]"])
def test_a_workspace_that_cargo_would_refuse_has_no_drivers(workspace: Path, members: str) -> None:
    (workspace / "Cargo.toml").write_text(f"[workspace]\nmembers = {members}\n", "utf-8")
    done = run_kdrvgen(cwd=workspace)
    assert done.returncode == 2
    assert makefiles(workspace) == []


def test_one_invalid_project_does_not_stop_the_others(workspace: Path) -> None:
    (workspace / "drivers" / "alpha" / "config.toml").write_text("[drivr]\n", "utf-8")
    done = run_kdrvgen(cwd=workspace)
    assert done.returncode == 3
    assert "drivers/alpha/config.toml:1:2" in done.stderr
    assert done.stderr.endswith("1 of 2 projects failed: drivers/alpha/config.toml\n")
    assert makefiles(workspace) == ["drivers/beta/Makefile.toml"]


def test_the_exit_code_is_that_of_the_first_project_that_failed(workspace: Path) -> None:
    alpha, beta = workspace / "drivers" / "alpha", workspace / "drivers" / "beta"
    (beta / "build.rs").write_text("fn main() {}\n", "utf-8")
    assert run_kdrvgen(cwd=workspace).returncode == 5
    (alpha / "config.toml").write_text("[drivr]\n", "utf-8")
    assert run_kdrvgen(cwd=workspace).returncode == 3


def test_check_of_a_workspace_names_each_project_that_differs(workspace: Path) -> None:
    run_kdrvgen(cwd=workspace)
    assert run_kdrvgen("--check", cwd=workspace).returncode == 0
    (workspace / "drivers" / "beta" / "build.rs").unlink()
    done = run_kdrvgen("--check", cwd=workspace)
    assert done.returncode == 4
    assert "drivers/beta/config.toml" in done.stderr
    assert "drivers/alpha/config.toml" not in done.stderr
    assert not (workspace / "drivers" / "beta" / "build.rs").exists()


def test_json_of_several_projects_is_one_document_with_paths_from_here(workspace: Path) -> None:
    (workspace / "drivers" / "beta" / "build.rs").write_text("fn main() {}\n", "utf-8")
    done = run_kdrvgen("--format", "json", cwd=workspace)
    document = json.loads(done.stdout)
    assert document["exit-code"] == done.returncode == 5
    states = {row["path"]: row["status"] for row in document["files"]}
    assert states["drivers/alpha/build.rs"] == "created"
    assert states["drivers/beta/build.rs"] == "refused"
    assert {each["place"]["file"] for each in document["findings"]} == {
        "drivers/beta/build.rs",
        "drivers/beta/config.toml",
    }


def test_a_diff_of_several_projects_is_one_patch_from_here(workspace: Path) -> None:
    run_kdrvgen(cwd=workspace)
    for name in ("alpha", "beta"):
        config = workspace / "drivers" / name / "config.toml"
        config.write_text(f'{config.read_text("utf-8")}entry-point = "start"\n', "utf-8")
    done = run_kdrvgen("--diff", cwd=workspace)
    assert "+++ b/drivers/alpha/build.rs\n" in done.stdout
    assert "+++ b/drivers/beta/build.rs\n" in done.stdout


def test_one_output_folder_cannot_hold_several_projects(workspace: Path) -> None:
    done = run_kdrvgen("-o", "there", cwd=workspace)
    assert done.returncode == 2
    assert not (workspace / "there").exists()


def test_a_folder_without_a_configuration_is_an_error_with_a_way_out(workspace: Path) -> None:
    done = run_kdrvgen("library", cwd=workspace)
    assert done.returncode == 2
    assert "`kdrvgen adopt library`" in done.stderr
