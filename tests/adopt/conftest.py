"""Hand-written projects, and the command that adopts them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kdrvgen.cli import main

PROJECTS = Path(__file__).parent / "projects"


@dataclass(frozen=True)
class Answer:
    """The result of a run of kdrvgen."""

    code: int
    out: str
    err: str


Adopt = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """Copy one of the projects with the folders above it, and return its folder."""

    def make(name: str) -> Path:
        top = name.partition("/")[0]
        shutil.copytree(PROJECTS / top, tmp_path / top)
        return tmp_path / name

    return make


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write a driver project with the given files."""

    def make(**files: str) -> Path:
        folder = tmp_path / "project"
        manifest = '[package]\nname = "hello"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n'
        known = {"cargo": ".cargo/config.toml", "makefile": "Makefile.toml", "build": "build.rs"}
        linked = '[build]\nrustflags = ["-Clink-arg=/DRIVER"]\n'
        for name, text in ({"Cargo.toml": manifest, "cargo": linked} | files).items():
            path = folder / known.get(name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder

    return make


@pytest.fixture
def adopt(capsys: pytest.CaptureFixture[str]) -> Adopt:
    """Run `kdrvgen adopt`."""

    def run(*words: str | Path) -> Answer:
        code = main(["adopt", *map(str, words)])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return run
