"""Whole projects with features of public ones: proposals, findings and generated files."""

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
from tests.adopt.support import adopted

NAMES = [
    *("blog", "helper-crate", "member/driver", "packaged", "profiles", "scripts", "strange"),
    *("wdk-build", "wdk-package"),
]
TRIPLE = "x86_64-pc-windows-msvc"


def before_and_after(flags: list[str]) -> tuple[list[str], list[str]]:
    """Return the linker arguments of flags, before and after the objects."""
    pre = [flag.partition("=")[2] for flag in flags if flag.startswith("-Zpre-link-arg=")]
    return pre, [flag.partition("=")[2] for flag in flags if flag.startswith("-Clink-arg=")]


@pytest.mark.parametrize("name", NAMES)
def test_proposal_and_findings_are_the_reviewed_ones(
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


@pytest.mark.one_in(8)
@pytest.mark.parametrize("name", NAMES)
def test_an_adopted_project_is_up_to_date_after_generating(
    name: str, copy: Callable[[str], Path], adopt: Adopt, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy(name)
    assert adopt(folder).code == 0
    config = str(folder / "config.toml")

    assert main([config]) == 5, "the project's own files are kept without --force"
    assert main([config, "--force"]) == 0
    if kdrvgen.load(config).toolchain.cargo_config != ".cargo/config":
        (folder / ".cargo" / "config").unlink(missing_ok=True)
    assert main([config, "--check"]) == 0
    capsys.readouterr()


def test_linker_arguments_of_the_blog_are_generated_in_their_order(
    copy: Callable[[str], Path],
) -> None:
    folder = copy("blog")
    old_flags = tomli.loads((folder / ".cargo/config").read_text("utf-8"))["build"]["rustflags"]
    joined = [f"{one}{two}" for one, two in zip(old_flags[::2], old_flags[1::2], strict=True)]

    project = propose(read_project(str(folder))).project

    rendered = {str(path): text for path, text in kdrvgen.render(project).items()}
    new = tomli.loads(rendered[".cargo/config"])
    assert before_and_after(new["target"][TRIPLE]["rustflags"]) == before_and_after(joined)
    assert new["profile"] == {"dev": {"panic": "abort"}, "release": {"panic": "abort"}}
    assert project.linker.preset == "blog-2020"


def test_linker_arguments_of_a_build_script_stay_in_a_build_script(
    copy: Callable[[str], Path],
) -> None:
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


def test_the_generated_makefile_contains_the_copied_tasks_and_variables(
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
    assert 'copy "%DRIVER_PATH:/=\\%" %OUTPUT_PATH%' in makefile["tasks"]["sign-after"]["script"]
    assert makefile["tasks"]["sign"]["dependencies"] == ["sign-image", "sign-after"]


@pytest.mark.parametrize("name", NAMES)
def test_no_password_is_printed_or_written(
    name: str, copy: Callable[[str], Path], adopt: Adopt
) -> None:
    folder = copy(name)
    for words in (["--dry-run"], ["--dry-run", "--format", "json"], ["--format", "github"]):
        answer = adopt(folder, *words)
        assert "correct-horse" not in answer.out + answer.err
    assert "correct-horse" not in (folder / "config.toml").read_text("utf-8")


def test_adopting_reads_only_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the disk was read")

    adopted()  # templates are read once
    monkeypatch.setattr("os.stat", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert isinstance(adopted().project, kdrvgen.Project)
