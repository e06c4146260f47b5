"""adopt opens no file outside the project, its workspace and what cargo reads itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import kdrvgen
from kdrvgen.adopt import Snapshot, adopt, read_project
from tests.adopt.conftest import Adopt
from tests.adopt.support import LINKED, MANIFEST

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="symbolic links need a privilege there"
)

_opened: list[str] | None = None


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None and isinstance(arguments[0], str | bytes):
        _opened.append(os.path.realpath(os.fsdecode(arguments[0])))


@pytest.fixture(scope="module", autouse=True)
def _hook() -> None:
    sys.addaudithook(_note)  # Python cannot remove a hook, so it only notes during `opened`


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Return the files that are opened from now on, without links."""
    global _opened  # noqa: PLW0603 - the hook has no other way to the list
    _opened = []
    yield _opened
    _opened = None


def write(folder: Path, **files: str) -> Path:
    """Write a driver's package with more files, and return its folder."""
    for name, text in ({"Cargo.toml": MANIFEST, ".cargo/config.toml": LINKED} | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


OUTSIDE = "signtool sign /n Outside hello.sys\n"
NAMES = {
    "call": "[tasks.a]\nscript = ['call ../outside/x.cmd']\n",
    "call with backslashes": "[tasks.a]\nscript = ['call ..\\outside\\x.cmd']\n",
    "call through a folder": "[tasks.a]\nscript = ['call tools/../../outside/x.cmd']\n",
    "extend": "extend = '../outside/x.toml'\n",
    "extend several": "extend = [{ path = '../outside/x.toml' }]\n",
    "env file": "env_files = ['../outside/x.env']\n",
    "script file": "[tasks.a]\nscript = { file = '../outside/x.cmd' }\n",
    "absolute": "extend = 'ROOT/outside/x.toml'\n[tasks.a]\nscript = ['call ROOT/outside/x.cmd']\n",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_that_a_makefile_names_outside_the_project_is_not_opened(
    tmp_path: Path, opened: list[str], kind: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("x.cmd", "x.toml", "x.env"):
        (outside / name).write_text(OUTSIDE if name == "x.cmd" else "[tasks.outside]\n")
    root = tmp_path.as_posix()
    project = write(tmp_path / "p", **{"Makefile.toml": NAMES[kind].replace("ROOT", root)})
    (project / "tools").mkdir()

    opened.clear()
    adoption = adopt(read_project(str(project)))

    assert not [path for path in opened if path.startswith(str(outside))]
    assert "outside" not in adoption.project.makefile.tasks
    assert adoption.project.signing.subject != "Outside"


@pytest.mark.parametrize("name", ["path", "build"])
def test_a_rust_file_outside_the_workspace_is_not_opened(
    tmp_path: Path, opened: list[str], name: str
) -> None:
    outside = tmp_path / "outside"
    (outside / "src").mkdir(parents=True)
    (outside / "src/lib.rs").write_text("pub fn go() {}")
    manifests = {
        "path": MANIFEST + "[build-dependencies]\nkit = { path = '../../outside' }\n",
        "build": MANIFEST.replace("edition", "build = '../../outside/src/lib.rs'\nedition"),
    }
    write(tmp_path / "w", **{"Cargo.toml": "[workspace]\nmembers = ['p']\n"})
    project = write(tmp_path / "w/p", **{"Cargo.toml": manifests[name]})

    opened.clear()
    read_project(str(project))

    assert str(tmp_path / "w/Cargo.toml") in opened
    assert not [path for path in opened if path.startswith(str(outside))]


def test_a_file_of_the_workspace_is_read(tmp_path: Path) -> None:
    write(
        tmp_path / "w",
        **{
            "Cargo.toml": "[workspace]\nmembers = ['p']\n",
            "shared/x.toml": "[tasks.shared]\ncommand = 'x'\n",
            "kit/src/lib.rs": "pub fn go() {}",
        },
    )
    manifest = MANIFEST + "[build-dependencies]\nkit = { path = '../kit' }\n"
    files = {"Cargo.toml": manifest, "Makefile.toml": "extend = '../shared/x.toml'\n"}

    snapshot = read_project(str(write(tmp_path / "w/p", **files)))

    assert {"../shared/x.toml", "../kit/src/lib.rs"} <= snapshot.files.keys()
    assert "shared" in adopt(snapshot).project.makefile.tasks


LINKS = ["Makefile.toml", "build.rs", "rust-toolchain", "tools.cmd", "justfile", "config.toml"]


@pytest.mark.parametrize("name", [*LINKS, "Cargo.toml", ".cargo/config.toml"])
@pytest.mark.parametrize("target", ["../outside", "/proc/self/environ", "chain"])
def test_a_link_out_of_the_project_is_not_followed(
    tmp_path: Path, opened: list[str], name: str, target: str
) -> None:
    (tmp_path / "outside").write_text(OUTSIDE)
    project = write(tmp_path / "p")
    (project / name).unlink(missing_ok=True)
    (project / "chain").symlink_to("../outside")
    (project / name).symlink_to(
        Path(target if target != "../outside" else tmp_path / "outside")
        if target != "chain"
        else project / "chain"
    )

    opened.clear()
    snapshot = read_project(str(project))

    assert "link that leads out of the project" in snapshot.unreadable[name]
    assert name not in snapshot.files
    assert not {str(tmp_path / "outside"), "/proc/self/environ"} & {*opened}
    if name in {"Cargo.toml", ".cargo/config.toml"}:
        with pytest.raises(kdrvgen.ConfigError, match="leads out of the project"):
            adopt(snapshot)


def test_a_linked_folder_is_not_followed_out_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x.cmd").write_text(OUTSIDE)
    project = write(
        tmp_path / "p", **{"Makefile.toml": "[tasks.a]\nscript = ['call tools/x.cmd']\n"}
    )
    (project / "tools").symlink_to(tmp_path / "outside")

    snapshot = read_project(str(project))

    assert "leads out of the project" in snapshot.unreadable["tools/x.cmd"]
    assert "Outside" not in adopt(snapshot).text


def test_a_link_in_the_project_is_read(tmp_path: Path) -> None:
    project = write(tmp_path / "p", **{"real.cmd": OUTSIDE})
    (project / "sign.cmd").symlink_to("real.cmd")

    assert read_project(str(project)).files["sign.cmd"] == OUTSIDE


@pytest.mark.parametrize("name", LINKS)
def test_a_pipe_is_not_opened(tmp_path: Path, name: str) -> None:
    project = write(tmp_path / "p")
    os.mkfifo(project / name)

    snapshot = read_project(str(project))

    assert name not in snapshot.files


def test_the_command_does_not_follow_config_toml_out_of_the_project(
    tmp_path: Path, opened: list[str], adopt: Adopt
) -> None:
    (tmp_path / "outside").write_text("[other]\n")
    project = write(tmp_path / "p")
    (project / "config.toml").symlink_to(tmp_path / "outside")

    opened.clear()
    assert adopt(project).code == 5
    assert str(tmp_path / "outside") not in opened


def test_the_snapshot_says_which_files_it_could_not_read() -> None:
    files = {"Cargo.toml": MANIFEST, ".cargo/config.toml": LINKED}

    with pytest.raises(kdrvgen.ConfigError, match="no reason"):
        adopt(Snapshot(files, unreadable={"Makefile.toml": "no reason"}))
    assert adopt(Snapshot(files, unreadable={"tools/x.cmd": "no reason"})).text


def test_a_user_without_a_name_and_without_a_home_can_adopt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_user(number: int) -> NoReturn:
        raise KeyError(number)

    folder = write(tmp_path / "driver")
    monkeypatch.setattr("pwd.getpwuid", no_user)
    monkeypatch.delenv("HOME")

    assert adopt(read_project(str(folder))).project.driver.name == "hello"
