"""The support files: the same in every project, and what cargo makes of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from kdrvgen import Driver, Linker, Project, __version__, render
from kdrvgen.pipeline import FOLDER, support_files
from kdrvgen.rendering.header import Ownership, examine, normalise, seal_support, unseal
from kdrvgen.rendering.support import VERSION_FILE, render_support

from .conftest import FindTool

PROJECT = Project(driver=Driver(name="a"))
LOCK = PurePosixPath("pipeline/Cargo.lock")


def test_support_files_are_the_same_in_every_project() -> None:
    other = Project(driver=Driver(name="b", model="umdf"), linker=Linker(preset="blog-2020"))
    assert render_support(PROJECT) == render_support(other)


def test_a_workspace_has_the_support_files_in_its_root() -> None:
    member = Project(driver=Driver(name="a", workspace_root="../.."))
    paths = [path for path in render(member) if FOLDER in path.parts]
    assert paths
    assert all(path.parts[:3] == ("..", "..", FOLDER) for path in paths)


@pytest.mark.parametrize("path", support_files(), ids=str)
def test_each_support_file_is_intact_and_unseals_to_its_source(path: PurePosixPath) -> None:
    text = render_support(PROJECT)[FOLDER / path]
    assert examine(text) is Ownership.INTACT
    assert unseal(text) == support_files()[path]
    windows = text.replace("\n", "\r\n")
    assert examine("\ufeff" + windows) is Ownership.INTACT
    assert normalise(unseal(windows)) == support_files()[path]
    assert examine(text + "\n") is Ownership.EDITED
    assert examine(text.replace("e", "E", 1)) is not Ownership.INTACT


def test_headers_of_support_files_name_no_configuration_and_one_the_version() -> None:
    naming = []
    for path, text in render_support(PROJECT).items():
        header = text[: text.index("kdrvgen-digest")]
        assert "config" not in header
        assert "`" not in header
        if __version__ in header:
            naming.append(path)
    assert naming == [PurePosixPath(FOLDER, VERSION_FILE)]


@pytest.mark.parametrize("path", [path for path in support_files() if path.suffix == ".rs"])
def test_messages_of_support_files_do_not_assume_the_name_config_toml(path: PurePosixPath) -> None:
    lines = support_files()[path].replace(".cargo/config.toml", "").splitlines()
    fixed = [line for line in lines if re.match(r"(?!\s*//).*config\.toml", line)]
    default = ['        .unwrap_or_else(|| "config.toml".to_owned())']
    assert fixed == (default if path.name == "settings.rs" else [])


def test_a_lock_file_without_the_lines_of_cargo_is_foreign() -> None:
    text = seal_support(support_files()[LOCK], "#")
    assert examine(text) is Ownership.INTACT
    assert examine(text.replace("# It is not intended for manual editing.\n", "")) is not (
        Ownership.INTACT
    )
    assert examine(text.replace("version = 3", "version = 4")) is Ownership.EDITED


def test_the_text_is_tidy() -> None:
    for path, text in support_files().items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "\r" not in text, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path


def test_cargo_does_not_change_the_lock_file(tool: FindTool, tmp_path: Path) -> None:
    for path, text in render_support(PROJECT).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8", newline="\n")
    folder = tmp_path / FOLDER / "pipeline"
    command = [tool("cargo"), "metadata", "--offline", "--format-version=1"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    wanted = render_support(PROJECT)[FOLDER / LOCK].encode()
    assert (folder / "Cargo.lock").read_bytes() == wanted
