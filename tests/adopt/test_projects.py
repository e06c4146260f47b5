"""Projects modelled on the features of those in the field, each with all that is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

import kdrvgen
from kdrvgen.adopt import adopt as propose
from kdrvgen.adopt import read_project
from kdrvgen.cli import main
from tests.adopt.conftest import PROJECTS, Adopt

NAMES = ["blog", "helper-crate", "member/driver", "profiles", "scripts", "strange", "wdk-build"]
TRIPLE = "x86_64-pc-windows-msvc"


def before_and_after(flags: list[str]) -> tuple[list[str], list[str]]:
    """Part the linker's arguments of a rendered cargo configuration."""
    pre = [flag.partition("=")[2] for flag in flags if flag.startswith("-Zpre-link-arg=")]
    return pre, [flag.partition("=")[2] for flag in flags if flag.startswith("-Clink-arg=")]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_a_project_is_what_was_reviewed(
    name: str, adopt: Adopt, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = PROJECTS / f"{name.replace('/', '-')}.txt"
    monkeypatch.chdir(PROJECTS)

    answer = adopt(name, "--dry-run")

    assert answer.code == 0
    assert answer.err == ""
    if os.environ.get("KDRVGEN_UPDATE_GOLDEN"):
        golden.write_text(answer.out, "utf-8")
    assert answer.out == golden.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_project_is_taken_over_and_is_up_to_date_then(
    name: str, copy: Callable[[str], Path], adopt: Adopt, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy(name)
    assert adopt(folder).code == 0
    config = str(folder / "config.toml")

    assert main([config]) == 5, "the project's own files are not written over unasked"
    assert main([config, "--force"]) == 0
    for stale in [folder / ".cargo" / "config"]:
        if kdrvgen.load(config).toolchain.cargo_config != ".cargo/config":
            stale.unlink(missing_ok=True)
    assert main([config, "--check"]) == 0
    capsys.readouterr()


def test_the_blogs_arguments_are_rendered_in_their_order(copy: Callable[[str], Path]) -> None:
    folder = copy("blog")
    had = tomli.loads((folder / ".cargo/config").read_text("utf-8"))["build"]["rustflags"]
    joined = [f"{one}{two}" for one, two in zip(had[::2], had[1::2], strict=True)]

    project = propose(read_project(str(folder))).project

    rendered = {str(path): text for path, text in kdrvgen.render(project).items()}
    now = tomli.loads(rendered[".cargo/config"])
    assert before_and_after(now["target"][TRIPLE]["rustflags"]) == before_and_after(joined)
    assert now["profile"] == {"dev": {"panic": "abort"}, "release": {"panic": "abort"}}
    assert project.linker.preset == "blog-2020"


def test_a_build_scripts_arguments_stay_in_a_build_script(copy: Callable[[str], Path]) -> None:
    project = propose(read_project(str(copy("helper-crate")))).project

    texts = {str(path): text for path, text in kdrvgen.render(project).items()}
    config = tomli.loads(texts[".cargo/config.toml"])
    assert "target" not in config
    places = [
        texts["build.rs"].index(f'"{argument}"')
        for argument in (
            "/NODEFAULTLIB",
            "/SUBSYSTEM:NATIVE",
            "/DRIVER",
            "/ENTRY:driver_entry",
            "/INTEGRITYCHECK",
        )
    ]
    assert places == sorted(places)
    assert "/FORCE" not in texts["build.rs"]


def test_own_tasks_and_variables_are_those_of_the_generated_makefile(
    copy: Callable[[str], Path],
) -> None:
    project = propose(read_project(str(copy("member/driver")))).project

    texts = {str(path): text for path, text in kdrvgen.render(project).items()}
    makefile = tomli.loads(texts["Makefile.toml"])
    assert makefile["tasks"]["catalog"] == {
        "dependencies": ["sign"],
        "script": ["inf2cat /driver:%OUTPUT_PATH% /os:10_x64"],
    }
    assert makefile["env"]["OUTPUT_PATH"] == "..\\output"
    assert makefile["env"]["production"]["TARGET_PATH"].endswith("release")
    assert makefile["tasks"]["sign-after"]["dependencies"] == ["sign"]


@pytest.mark.parametrize("name", NAMES)
def test_no_password_is_in_anything_that_is_printed_or_written(
    name: str, copy: Callable[[str], Path], adopt: Adopt
) -> None:
    folder = copy(name)
    for words in (["--dry-run"], ["--dry-run", "--format", "json"], ["--format", "github"]):
        answer = adopt(folder, *words)
        assert "correct-horse" not in answer.out + answer.err
    assert "correct-horse" not in (folder / "config.toml").read_text("utf-8")
