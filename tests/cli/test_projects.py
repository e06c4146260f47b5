"""Which projects a command line means: none named, folders, several, and whole workspaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.program import run_kdrvgen

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
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


@pytest.mark.one_in(8)
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


# Many projects


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A folder of thirty drivers that is no workspace."""
    for number in range(30):
        driver(tmp_path / "drivers" / f"d{number:02}")
    return tmp_path


def edit(fleet: Path, numbers: Sequence[int], line: str) -> None:
    for number in numbers:
        with (fleet / f"drivers/d{number:02}/config.toml").open("a", encoding="utf-8") as file:
            file.write(line)


@pytest.mark.slow
def test_a_folder_of_projects_means_all_of_them(fleet: Path) -> None:
    for place, text in {
        "target/package": "[driver]",  # cargo's, by its mark
        ".hidden": "[driver]",
        "site": "[params]",  # another program's
        "d00/examples": "[driver]",  # a part of another project
        "group/deeper/inner": '[driver]\nname = "inner"\n',
        "damaged": "[drivr]",
    }.items():
        (fleet / "drivers" / place).mkdir(parents=True)
        (fleet / "drivers" / place / "config.toml").write_text(text, "utf-8")
    (fleet / "drivers/target/CACHEDIR.TAG").touch()
    (fleet / "drivers/damaged/Cargo.toml").touch()
    (fleet / "drivers/link").symlink_to("d01")
    done = run_kdrvgen("drivers/", cwd=fleet)
    assert done.returncode == 3
    names = [f"drivers/d{number:02}" for number in range(30)]
    expected = sorted([*names, "drivers/group/deeper/inner"])
    assert makefiles(fleet) == [f"{name}/Makefile.toml" for name in expected]
    assert done.stdout.endswith("32 projects: 1 failed, 31 written\n")
    assert done.stderr.endswith("1 of 32 projects failed: drivers/damaged/config.toml\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern", ["drivers/d0*/config.toml", "drivers/d0?", "**/drivers/d0[0-9]/config.toml"]
)
def test_a_pattern_that_no_shell_expanded_means_what_it_matches(fleet: Path, pattern: str) -> None:
    assert run_kdrvgen(pattern, cwd=fleet).returncode == 0
    assert makefiles(fleet) == [f"drivers/d{number:02}/Makefile.toml" for number in range(10)]


def test_a_pattern_without_a_match_is_an_error_and_an_existing_name_is_no_pattern(
    tmp_path: Path,
) -> None:
    driver(tmp_path / "[ab]", "hello")
    done = run_kdrvgen("[ab]", cwd=tmp_path)
    assert (done.returncode, makefiles(tmp_path)) == (0, ["[ab]/Makefile.toml"])
    done = run_kdrvgen("[xy]/config.toml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: no file or folder matches [xy]/config.toml.\n",
    )


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("separator", "encoding"),
    [
        ("\n", "utf-8"),
        ("\r\n", "utf-8-sig"),
        ("\r\n", "utf-16"),
        ("\0", "utf-8"),
        ("\n\n", "utf-8"),
    ],
)
def test_a_list_names_projects_line_by_line(fleet: Path, separator: str, encoding: str) -> None:
    driver(fleet / "with blank ü", "hello")
    words = ["drivers/d00", "with blank ü/config.toml", "drivers/d29/config.toml", ""]
    (fleet / "list.txt").write_bytes(separator.join(words).encode(encoding))
    done = run_kdrvgen("@list.txt", "drivers/d01", cwd=fleet)
    assert done.returncode == 0, done.stderr
    named = ["drivers/d00", "drivers/d01", "drivers/d29", "with blank ü"]
    assert makefiles(fleet) == [f"{name}/Makefile.toml" for name in named]


@pytest.mark.slow
def test_a_list_on_standard_input_can_be_longer_than_a_command_line(fleet: Path) -> None:
    lines = "drivers/d07/config.toml\n" * 10_000
    command = [sys.executable, "-m", "kdrvgen", "@-"]
    done = subprocess.run(command, cwd=fleet, input=lines.encode(), env=ENVIRONMENT, check=False)
    assert (done.returncode, makefiles(fleet)) == (0, ["drivers/d07/Makefile.toml"])


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 8, "error: @list: the list cannot be read: No such file or directory\n"),
        ("\n \n", 2, "error: @list has no line with a configuration.\n"),
        ("drivers/d00\nd1\nd2\n", 2, "error: d1 does not exist.\nd2 does not exist.\n"),
    ],
)
def test_a_wrong_list_writes_nothing(
    fleet: Path, content: str | None, code: int, message: str
) -> None:
    if content is not None:
        (fleet / "list").write_text(content, "utf-8")
    done = run_kdrvgen("@list", cwd=fleet)
    assert (done.returncode, done.stderr) == (code, message)
    assert makefiles(fleet) == []


@pytest.mark.slow
def test_the_same_error_in_many_projects_is_one_group(fleet: Path) -> None:
    edit(fleet, range(10, 30), 'nmae = "x"\n')
    done = run_kdrvgen("drivers", cwd=fleet)
    assert done.returncode == 3
    assert done.stderr == (
        "drivers/d10/config.toml:3:1: error: unknown key `nmae` in `[driver]`\n"
        '  3 | nmae = "x"\n'
        "    | ^^^^\n"
        "    = help: the similar key `name` is already set in this table\n"
        "    = note: the same in drivers/d11/config.toml:3:1, drivers/d12/config.toml:3:1, "
        "drivers/d13/config.toml:3:1 and 16 more\n"
        "\n"
        "20 errors\n"
        "20 of 30 projects failed: drivers/d10/config.toml, drivers/d11/config.toml, "
        "drivers/d12/config.toml and 17 more\n"
    )
    assert done.stdout.endswith("30 projects: 20 failed, 10 written\n")
    assert len(makefiles(fleet)) == 10


@pytest.mark.slow
def test_errors_that_differ_only_in_names_are_counted_after_three(fleet: Path) -> None:
    run_kdrvgen("drivers", cwd=fleet)
    for number in range(30):
        manifest = f'[package]\nname = "o{number}"\n[lib]\ncrate-type = ["cdylib"]\n'
        (fleet / f"drivers/d{number:02}/Cargo.toml").write_text(manifest, "utf-8")
    done = run_kdrvgen("--check", "drivers", cwd=fleet)
    assert done.stderr.count(": error: ") == 3
    assert "note: 27 more errors of the rule cargo-name, like those above" in done.stderr
    assert "\n30 errors\n" in done.stderr
    complete = run_kdrvgen("--check", "-v", "drivers", cwd=fleet)
    assert complete.stderr.count(": error: ") == 30


def test_a_message_that_names_a_file_of_the_project_is_the_same_in_all(fleet: Path) -> None:
    for number in range(30):
        (fleet / f"drivers/d{number:02}/build.rs").mkdir()
    done = run_kdrvgen("drivers", cwd=fleet)
    assert done.returncode == 8
    assert done.stderr.count(": error: ") == 1
    assert "config.toml: error: build.rs is a folder, but kdrvgen writes a file" in done.stderr


def test_json_has_each_finding_and_the_exit_code_of_each_project(fleet: Path) -> None:
    edit(fleet, range(10, 30), 'nmae = "x"\n')
    document = json.loads(run_kdrvgen("--format", "json", "drivers", cwd=fleet).stdout)
    assert len(document["findings"]) == 20
    assert all("note" not in each for each in document["findings"])
    codes = [each["exit-code"] for each in document["projects"]]
    assert codes == [0] * 10 + [3] * 20
    assert document["projects"][29]["config"] == "drivers/d29/config.toml"


@pytest.mark.slow
def test_github_gets_one_annotation_for_each_group(fleet: Path) -> None:
    edit(fleet, range(10, 30), 'nmae = "x"\n')
    done = run_kdrvgen("--format", "github", "drivers", cwd=fleet)
    (command,) = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert command.startswith("::error file=drivers/d10/config.toml,line=3,")
    assert command.endswith("and 16 more")


@pytest.mark.slow
def test_check_of_many_lists_what_differs_and_shows_the_first_differences(fleet: Path) -> None:
    run_kdrvgen("drivers", cwd=fleet)
    done = run_kdrvgen("--check", "drivers", cwd=fleet)
    assert (done.stdout, done.stderr) == ("30 projects: 30 up to date\n", "")
    edit(fleet, range(10, 30), 'entry-point = "start"\n')
    done = run_kdrvgen("--check", "drivers", cwd=fleet)
    assert done.returncode == 4
    assert done.stdout.count("\n+++ b/") == 9
    assert done.stdout.count("update ") == 60
    assert "the files do not match the configuration" in done.stderr
    assert done.stderr.count("error:") == 1
    assert "the differences in 17 more projects are not shown" in done.stderr
    assert makefiles(fleet)[0] not in done.stdout
    everything = run_kdrvgen("--diff", "drivers", cwd=fleet)
    assert everything.stdout.count("\n+++ b/") == 60
    assert everything.stdout.endswith("30 projects: 20 would change, 10 up to date\n")


@pytest.mark.slow
def test_projects_that_match_a_pattern_are_in_the_order_of_their_paths(fleet: Path) -> None:
    done = run_kdrvgen("--format", "json", "drivers/*", cwd=fleet)
    configs = [each["config"] for each in json.loads(done.stdout)["projects"]]
    assert configs == [f"drivers/d{number:02}/config.toml" for number in range(30)]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--dry-run", "--diff"])
def test_a_summary_of_a_run_that_writes_nothing_says_so(fleet: Path, mode: str) -> None:
    done = run_kdrvgen(mode, "drivers", cwd=fleet)
    assert done.stdout.endswith("30 projects: 30 would change\n")
    assert makefiles(fleet) == []


@pytest.mark.slow
def test_three_projects_that_failed_are_all_named(fleet: Path) -> None:
    edit(fleet, [3, 5, 7], 'nmae = "x"\n')
    done = run_kdrvgen("drivers", cwd=fleet)
    names = ", ".join(f"drivers/d0{number}/config.toml" for number in (3, 5, 7))
    assert done.stderr.endswith(f"3 of 30 projects failed: {names}\n")


@pytest.mark.slow
def test_errors_that_a_project_leaves_out_are_counted(fleet: Path) -> None:
    edit(fleet, [3], "".join(f"key-{number} = 1\n" for number in range(200)))
    assert "\n200 errors\n" in run_kdrvgen("drivers", cwd=fleet).stderr
    done = run_kdrvgen("--format", "json", "drivers", cwd=fleet)
    document = json.loads(done.stdout)
    assert len(document["findings"]) + document["omitted"] == 200
    assert document["omitted"] > 0


@pytest.mark.slow
def test_the_same_error_that_refers_to_each_projects_own_file_is_one_group(fleet: Path) -> None:
    for number in range(30):
        folder = driver(fleet / f"drivers/d{number:02}", "hello")
        manifest = '[package]\nname = "other"\n[lib]\ncrate-type = ["cdylib"]\n'
        (folder / "Cargo.toml").write_text(manifest, "utf-8")
    run_kdrvgen("drivers", cwd=fleet)
    done = run_kdrvgen("--check", "drivers", cwd=fleet)
    assert "`driver.name` is set here" in done.stderr
    assert "the same in drivers/d01/Cargo.toml:2:8, " in done.stderr
    assert "\n30 errors\n" in done.stderr


def test_a_word_that_ends_like_the_folder_of_a_project_is_no_path(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = driver(tmp_path / name, "hello")
        (folder / "config.toml").write_text('[driver]\nname = "hello"\n"data/x" = 1\n', "utf-8")
    done = run_kdrvgen("a", "b", cwd=tmp_path)
    assert done.stderr.count('error: unknown key `"data/x"`') == 1
    assert "the same in b/config.toml:3:1" in done.stderr


@pytest.mark.slow
def test_verbose_check_of_many_shows_all_differences(fleet: Path) -> None:
    run_kdrvgen("drivers", cwd=fleet)
    edit(fleet, range(10, 30), 'entry-point = "start"\n')
    assert "differences in 17 more projects" in run_kdrvgen("--check", "drivers", cwd=fleet).stderr
    done = run_kdrvgen("--check", "-v", "drivers", cwd=fleet)
    assert done.stdout.count("\n+++ b/") == 60
    assert "more projects" not in done.stderr


def test_of_many_wrong_words_the_first_ten_are_named(tmp_path: Path) -> None:
    done = run_kdrvgen(*(f"d{number}" for number in range(15)), cwd=tmp_path)
    lines = [f"d{number} does not exist." for number in range(10)]
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [f"error: {lines[0]}", *lines[1:], "and 5 more errors"],
    )


@pytest.mark.slow
def test_what_goes_to_both_streams_is_in_order_in_one_file(fleet: Path) -> None:
    edit(fleet, [29], 'nmae = "x"\n')
    with (fleet / "log").open("wb") as log:
        words = [sys.executable, "-m", "kdrvgen", "drivers"]
        subprocess.run(
            words, cwd=fleet, env=ENVIRONMENT, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    parts = ["created    ", "error: unknown key", "30 projects: ", "1 of 30 projects failed"]
    text = (fleet / "log").read_text("utf-8")
    assert sorted(parts, key=text.index) == parts


@pytest.mark.one_in(8)
@pytest.mark.parametrize("verb", [[], ["verify"], ["doctor"], ["--check"]])
@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Cargo.toml", "cargo"),
        ("Makefile.toml", "cargo-make"),
        ("rust-toolchain.toml", "rustup"),
        (".cargo/config.toml", "cargo"),
    ],
)
def test_a_file_of_another_program_is_not_a_configuration(
    tmp_path: Path, verb: list[str], name: str, owner: str
) -> None:
    (tmp_path / ".cargo").mkdir()
    (tmp_path / name).write_text("[package]\nname = 'x'\n", "utf-8")
    (tmp_path / "config.toml").write_text('[driver]\nname = "hello"\n', "utf-8")

    done = run_kdrvgen(*verb, name, cwd=tmp_path)

    assert done.returncode == 2
    assert f"{name} is a file of {owner}, not a configuration of kdrvgen." in done.stderr
    if "/" not in name:
        assert "Did you mean config.toml?" in done.stderr
