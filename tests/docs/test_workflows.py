"""The files of .github and for pre-commit: valid, safe, and with the documentation's commands."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
_SCRIPTS = Path(sysconfig.get_path("scripts"))


def test_the_documentation_names_every_workflow() -> None:
    contributing = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
    assert [path.name for path in WORKFLOWS] == ["tests.yml", "windows.yml"]
    assert [path for path in WORKFLOWS if path.name not in contributing] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_matches_the_schema_of_github(path: Path) -> None:
    module = ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    _succeeds(sys.executable, *module, path)


@pytest.mark.one_in(8)
@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_template_matches_the_schema_of_github(path: Path) -> None:
    kind = "config" if path.name == "config.yml" else "forms"
    module = ["-m", "check_jsonschema", "--builtin-schema", f"vendor.github-issue-{kind}"]
    _succeeds(sys.executable, *module, path)


def test_pre_commit_accepts_its_configuration() -> None:
    config = ROOT / ".pre-commit-config.yaml"
    _succeeds(sys.executable, "-m", "pre_commit", "validate-config", config)


def test_zizmor_reports_nothing() -> None:
    options = ["--offline", "--no-progress", "--persona", "pedantic"]
    _succeeds(_SCRIPTS / "zizmor", *options, *WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_the_commands_of_the_documentation(path: Path) -> None:
    commands = re.findall(r"^ *run: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert not [command for command in commands if command.startswith(("|", ">"))]
    pages = (ROOT / "README.md", ROOT / "docs/contributing.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    documented = {line.partition(" # ")[0].strip() for line in blocks.splitlines()}

    tests = [each for each in commands if each.startswith("bash ") or "pytest" in each]
    assert tests
    assert [command for command in commands if command not in documented] == []


def _succeeds(program: str | Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
