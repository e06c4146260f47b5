"""The examples of the documentation work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

import kdrvgen
from kdrvgen.model.tasks import ALL_TASKS

ROOT = Path(__file__).parents[2]
_WRONG = "`cargo make sign --profile production`"  # shown as what the tasks refuse
PAGES = sorted(
    [
        ROOT / "README.md",
        *(page for page in (ROOT / "docs").rglob("*.md") if "cookiecutter" not in page.parts),
    ]
)


def _blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        found += [(f"{page.name}-{index}", block) for index, block in enumerate(blocks)]
    assert found, f"no {language} in the documentation: the pattern is wrong"
    return found


_CONFIGURATIONS = [each for each in _blocks("toml") if not each[1].startswith("# template.toml")]


@pytest.mark.parametrize(("name", "block"), _CONFIGURATIONS)
def test_a_configuration_in_the_documentation_is_valid(name: str, block: str) -> None:
    del name
    if "driver" not in tomli.loads(block):  # a part of a file
        block += '\n[driver]\nname = "hello"\n'
    assert kdrvgen.render(kdrvgen.loads(block))


def test_the_template_in_the_documentation_makes_a_project(tmp_path: Path) -> None:
    ((_, block),) = [each for each in _blocks("toml") if each not in _CONFIGURATIONS]
    tree = tmp_path / "mine" / "tree"
    (tree / "src").mkdir(parents=True)
    (tree.parent / "template.toml").write_text(block, "utf-8")
    (tree / "src" / "irp.rs").write_text("// requests\n", "utf-8")
    (tree / "src" / "lib.rs.j2").write_text("// {{ answers.company }}\n", "utf-8")
    kdrvgen.bootstrap(tmp_path, "hello", str(tree.parent))
    folder = tmp_path / "hello"
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert {"src/lib.rs", "kernel/src/lib.rs", ".gitignore", "config.toml"} <= made
    assert not {"src/irp.rs", "README.md"} & made


@pytest.mark.slow
@pytest.mark.parametrize(("name", "block"), _blocks("python"))
def test_a_script_in_the_documentation_runs(name: str, block: str, tmp_path: Path) -> None:
    del name
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Makefile.toml" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_has_a_target(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_of_cargo_make_are_before_the_task(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace(_WRONG, "")
    for command in re.findall(r"cargo make[^`#\n|]*", text):
        words = command.split()[2:]
        tasks = [index for index, word in enumerate(words) if word in ALL_TASKS]
        assert not any(word.startswith("-") for word in words[min(tasks, default=len(words)) :]), (
            command
        )
