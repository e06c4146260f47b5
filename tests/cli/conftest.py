"""The program as a user starts it, in a folder with a configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import kdrvgen

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
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
    """Start the program in the project's folder; no outcome of it is ever a traceback."""

    def start(
        *words: str | Path, cwd: Path = project, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "kdrvgen", *words],
            capture_output=True,
            check=False,
            cwd=cwd,
            env=os.environ | environment,
            text=True,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return start
