"""The commands on the pages: those of a session run and print what the page shows.

A block with the language `console` is a session: after `$ ` a command, below it the output, in
which `…` stands for any text. The blocks of a page are one session in one folder.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import tomli

from kdrvgen.commands import DEFAULT, VERBS
from kdrvgen.commands.parser import populate_parser
from kdrvgen.completion.words import actions
from kdrvgen.model.tasks import ALL_TASKS
from tests.pipeline.support import REPOSITORY, environment, need

DOCS = REPOSITORY / "docs"
PAGES = sorted(
    [
        REPOSITORY / "README.md",
        *(page for page in DOCS.rglob("*.md") if "cookiecutter" not in page.parts),
    ]
)
SESSIONS = [
    "README.md",
    "docs/index.md",
    "docs/getting-started.md",
    "docs/howto/adopt-two-projects.md",
    "docs/howto/blog-2020.md",
    "docs/howto/workspace.md",
]
WITHOUT_TOOLS = {
    "docs/index.md",
    "docs/howto/adopt-two-projects.md",
    "docs/howto/blog-2020.md",
}
# The projects of tests/adopt that are in the folder of a session.
PROJECTS = {
    "docs/howto/adopt-two-projects.md": ["blog", "wdk-build"],
    "docs/howto/blog-2020.md": ["blog"],
}

_ON_WINDOWS = Path(__file__).with_name("windows-commands.toml")


def _blocks(page: Path, *languages: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for language, block in fenced if language in languages]


def _commands(page: Path) -> list[str]:
    """Return the commands in the blocks for shells, and those in sentences that begin as one."""
    text = page.read_text(encoding="utf-8")
    found = [line for block in _blocks(page, "sh", "bat") for line in block.splitlines()]
    found += re.findall(r"^\$ (.*)$", "".join(_blocks(page, "console")), re.MULTILINE)
    workflows = "".join(_blocks(page, "yaml"))
    found += re.findall(r"^ +(?:run: )?((?:kdrvgen|cargo make) .*)$", workflows, re.MULTILINE)
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found += [word for word in re.findall(r"`([^`\n]+)`", outside) if word.startswith("kdrvgen ")]
    return [re.sub(r"\s+# .*", "", command) for command in found]


def _own_commands() -> list[tuple[str, str]]:
    return [
        (page.relative_to(REPOSITORY).as_posix(), command)
        for page in PAGES
        for command in dict.fromkeys(_commands(page))
        if re.match(r"kdrvgen( |$)", command)
    ]


@pytest.mark.parametrize(("page", "command"), _own_commands())
def test_a_command_of_kdrvgen_on_a_page_has_options_that_exist(page: str, command: str) -> None:
    del page
    words = shlex.split(command, comments=True)[1:]
    if not words or words == ["--version"]:
        return
    words = [word for word in words if word != "…"]
    verb = words[0] if words and words[0] in VERBS else None
    module = import_module(f"kdrvgen.commands.{verb or DEFAULT}")
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    module.populate_parser(parser)
    populate_parser(parser, getattr(module, "FORMATS", ("human", "json", "github")))
    known = {name for action in actions(parser) for name in action.option_strings}
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    assert [option for option in options if option not in known] == []


def _tasks_of(page: Path) -> set[str]:
    """Return the tasks that a page defines itself."""
    return set(re.findall(r"^\[makefile\.tasks\.([\w-]+)\]", page.read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_task_of_cargo_make_on_a_page_exists(page: Path) -> None:
    own = _tasks_of(page)
    for command in _commands(page):
        if not command.startswith("cargo make "):
            continue
        words = shlex.split(command)[2:]
        plain = [
            word
            for before, word in zip([None, *words], words, strict=False)
            if not word.startswith("-") and before not in {"-e", "--profile", "--loglevel"}
        ]
        assert [word for word in plain if word not in ALL_TASKS | own] == [], command


def _windows_commands() -> list[tuple[str, str]]:
    return [
        (page.relative_to(REPOSITORY).as_posix(), line)
        for page in PAGES
        for block in _blocks(page, "bat")
        for line in block.splitlines()
        if line and not line.startswith(("kdrvgen", "cargo make"))
    ]


@pytest.mark.parametrize(("page", "line"), _windows_commands())
def test_a_command_of_windows_is_one_that_its_documentation_has(page: str, line: str) -> None:
    del page
    known = tomli.loads(_ON_WINDOWS.read_text(encoding="utf-8"))["command"]
    assert any(re.fullmatch(command["pattern"], line) for command in known)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_shellcheck_reports_nothing_about_the_commands_of_a_page(page: Path) -> None:
    need("shellcheck")
    # The variables are those of the reader, as the files are.
    options = ["--shell=bash", "--exclude=SC1091,SC2154,SC2034", "-"]
    script = "\n".join(_blocks(page, "sh")) + "\n"
    done = subprocess.run(
        ["shellcheck", *options], input=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def _steps(page: Path) -> list[tuple[str, str]]:
    """Return the commands of a session and the output of each."""
    text = "\n".join(block.rstrip("\n") for block in _blocks(page, "console"))
    parts = re.split(r"^\$ (.*)$", text, flags=re.MULTILINE)
    return [
        (command, output.strip("\n"))
        for command, output in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _fits(shown: str, printed: str) -> bool:
    lines = ["(?:.*\n)*?" if line == "…" else f"{_pattern(line)}\n" for line in shown.splitlines()]
    return (
        re.fullmatch(
            "".join(lines), printed if printed.endswith("\n") or not printed else f"{printed}\n"
        )
        is not None
    )


def _pattern(line: str) -> str:
    """Return the pattern of a line, in which `…` is any text; the number of spaces is not fixed."""
    texts = (r" +".join(map(re.escape, text.split(" "))) for text in line.rstrip().split("…"))
    return ".*".join(texts) + " *"


@pytest.fixture
def user(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user who has kdrvgen on the PATH."""
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    env = environment(tmp_path / "home")
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    _program(tmp_path / "bin/kdrvgen", f'exec {shlex.quote(sys.executable)} -m kdrvgen "$@"')
    return env


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_on_a_page_prints_what_the_page_shows(
    name: str, tmp_path: Path, user: dict[str, str]
) -> None:
    if name not in WITHOUT_TOOLS:
        need("cargo", "cargo-make", "openssl", "osslsigncode", "wine")
    folder = tmp_path / "session"
    folder.mkdir()
    if name == "docs/index.md":
        (config,) = _blocks(REPOSITORY / name, "toml")[:1]
        (folder / "config.toml").write_text(config, encoding="utf-8")
    for project in PROJECTS.get(name, ()):
        shutil.copytree(REPOSITORY / "tests/adopt/projects" / project, folder / project)
    place = tmp_path / "pwd"
    steps = _steps(REPOSITORY / name)
    assert steps
    for command, shown in steps:
        done = subprocess.run(
            ["bash", "-c", f"{command}\ncode=$?; pwd >{shlex.quote(str(place))}; exit $code"],
            cwd=folder,
            env=user | {"PWD": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        folder = Path(place.read_text(encoding="utf-8").strip())
        assert _fits(shown, done.stdout), f"$ {command}\n{done.stdout}"


@pytest.mark.slow
def test_the_guide_to_deploying_copies_the_driver_while_it_does_not_run(
    tmp_path: Path, user: dict[str, str]
) -> None:
    need("cargo", "cargo-make", "openssl", "osslsigncode")
    log = tmp_path / "log"
    for name in ("ssh", "scp"):
        _program(tmp_path / "bin" / name, f'echo {name} "$@" >>{shlex.quote(str(log))}')
    config, _ = _blocks(DOCS / "howto/deploy.md", "toml")
    project = tmp_path / "hello"
    for command in (
        "kdrvgen new hello --no-input",
        f"cat >>hello/config.toml <<'END'\n{config}END",
        "kdrvgen hello",
        "cd hello && cargo make deploy",
    ):
        argv = ["bash", "-c", command]
        done = subprocess.run(
            argv, cwd=tmp_path, env=user, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    image = project / "target/driver/hello/x86_64-pc-windows-msvc/development/hello.sys"
    assert image.is_file()
    assert log.read_text(encoding="utf-8").splitlines() == [
        "ssh me@testbox sc.exe stop hello",
        f"scp {image} me@testbox:C:/drivers/hello.sys",
        "ssh me@testbox sc.exe start hello",
    ]
