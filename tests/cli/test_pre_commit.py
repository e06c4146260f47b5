"""The hook for pre-commit: runs when a file that can make the others stale is committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.tools import need

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


@pytest.fixture
def repository(project: Path, run: Run) -> Path:
    """A project that uses the hook as published, but from this checkout."""
    need("git")
    (hook,) = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert hook.pop("language") == "python"
    program, *rest = hook["entry"].split()
    assert program == "kdrvgen"
    hook |= {"language": "system", "entry": " ".join([sys.executable, "-m", "kdrvgen", *rest])}
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert run("config.toml").returncode == 0
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    return project


def _pre_commit(repository: Path) -> tuple[int, str]:
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--color=never"],
        cwd=repository,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_pre_commit_accepts_the_manifest() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("file", ["config.toml", "Makefile.toml", ".cargo/config.toml", "build.rs"])
def test_a_stale_or_edited_file_is_not_committed(repository: Path, file: str) -> None:
    path = repository / file
    text = path.read_text(encoding="utf-8")
    edited = {"config.toml": text.replace("hello", "other")}.get(file, text.replace("\n\n", "\n"))
    path.write_text(edited, encoding="utf-8")

    code, output = _pre_commit(repository)
    assert code != 0
    assert "the files do not match config.toml" in output


@pytest.mark.slow
def test_other_files_do_not_start_it(repository: Path) -> None:
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all"],
        cwd=repository,
        check=True,
    )
    (repository / "README.md").touch()

    assert "Skipped" in _pre_commit(repository)[1]
