"""The texts of a project before and after a change of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

import kdrvgen
from kdrvgen.rendering.header import seal

Texts = Mapping[PurePosixPath, str]


def _texts(body: str, cargo_config: str = ".cargo/config.toml") -> Texts:
    return {
        PurePosixPath("Makefile.toml"): seal(f"# tasks\nname = {body!r}\n", "#"),
        PurePosixPath(cargo_config): seal(f"[build]\ntarget = {body!r}\n", "#"),
        PurePosixPath("build.rs"): seal(f"fn main() {{}} // {body}\n", "//"),
    }


@pytest.fixture
def texts() -> Texts:
    return _texts("new")


@pytest.fixture
def old_texts() -> Texts:
    return _texts("old")


@pytest.fixture
def texts_for_old_cargo() -> Texts:
    return _texts("new", ".cargo/config")


@pytest.fixture(autouse=True)
def _surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    # Processes that tests start import the same package as the tests.
    monkeypatch.setenv("PYTHONPATH", str(Path(kdrvgen.__file__).parent.parent))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root
