"""Profilers, tracers and debuggers see the whole of a run, up to its end."""

from __future__ import annotations

import os
import pstats
import subprocess
import sys
from pathlib import Path

import pytest

import kdrvgen

ROOT = str(Path(kdrvgen.__file__).parent.parent)


def start(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ROOT},
        input=stdin,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("config", ["config.toml", "nothing.toml"])
@pytest.mark.parametrize("repeated", [False, True])
def test_a_profiler_writes_its_file(project: Path, config: str, *, repeated: bool) -> None:
    if repeated:
        start("-m", "kdrvgen", config)
    done = start("-m", "cProfile", "-o", "profile", "-m", "kdrvgen", config)
    assert ("error: " in done.stderr) is (config == "nothing.toml")
    files = {Path(file).name for file, _, _ in pstats.Stats(str(project / "profile")).stats}  # type: ignore[attr-defined] # typeshed leaves it out
    assert "_fastpath.py" in files
    assert ("cli.py" in files) is not (repeated and config == "config.toml")


@pytest.mark.slow
def test_a_tracer_counts_the_lines(project: Path) -> None:
    done = start("-m", "trace", "--count", "-C", "counts", "--module", "kdrvgen", "config.toml")
    assert done.returncode == 0, done.stderr
    assert (project / "counts" / "kdrvgen.output.apply.cover").is_file()


@pytest.mark.slow
def test_an_interactive_interpreter_stays_open(project: Path) -> None:
    del project
    done = start("-i", "-m", "kdrvgen", "config.toml", stdin="print('still here')\n")
    assert "still here" in done.stdout
