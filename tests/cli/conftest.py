"""The program as a user starts it, in a folder with a configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen
from tests.program import run_kdrvgen

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = str(tmp_path_factory.mktemp("cache"))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):  # of Linux and of Windows
        monkeypatch.setenv(name, cache)
    monkeypatch.setenv("PYTHONPATH", str(Path(kdrvgen.__file__).parent.parent))
    for name in ("KDRVGEN_NO_CACHE", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "config.toml").write_text('[driver]\nname = "hello"\n', "utf-8")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run(project: Path) -> Run:
    """Run the program in the project's folder."""

    def start(
        *words: str | Path, cwd: Path = project, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return run_kdrvgen(*words, cwd=cwd, env=os.environ | environment)

    return start
