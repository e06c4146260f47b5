"""One project on both hosts: kdrvgen and the pipeline, now on Linux, now on Windows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.support import CONFIG, Project, State, environment, run
from tests.windows.bed import Done, Windows
from tests.windows.support import Desk, Python

pytestmark = [pytest.mark.slow, pytest.mark.wine]

GOLDEN = Path(__file__).parents[1] / "rendering/golden"
Kdrvgen = Callable[..., Done]


# --- kdrvgen by a Python of Windows -----------------------------------------------------------


@pytest.fixture
def kdrvgen(python: Python) -> Kdrvgen:
    """Run kdrvgen as a program of Windows."""

    def start(folder: Path, *arguments: str, **more: str) -> Done:
        return python(folder, "-m", "kdrvgen", *arguments, **more)

    return start


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / "config.toml"
    }


def _pair(home: Path, config: bytes) -> tuple[Project, Path]:
    linux, windows = home / "linux", home / "windows"
    for folder in (linux, windows):
        folder.mkdir()
        (folder / "config.toml").write_bytes(config)
    return Project(linux, home, environment(home)), windows


@pytest.mark.parametrize("name", ["minimal", "umdf", "old-cargo"])
def test_the_tree_made_on_windows_is_that_of_linux_byte_for_byte(
    windows: Windows, kdrvgen: Kdrvgen, name: str
) -> None:
    linux, folder = _pair(windows.home, (GOLDEN / name / "config.toml").read_bytes())
    linux.generate()

    done = kdrvgen(folder, "config.toml")

    assert done.code == 0, done.output
    assert len(_files(folder)) >= 3
    assert _files(folder) == _files(linux.folder)
    # What the one made, the other has nothing to do about.
    assert all(line.startswith("unchanged") for line in linux.generate().splitlines())
    assert kdrvgen(linux.folder, "config.toml", "--check").code == 0


def test_a_project_may_be_on_another_drive(windows: Windows, kdrvgen: Kdrvgen) -> None:
    _, folder = _pair(windows.home, CONFIG.encode())
    assert kdrvgen(folder, "config.toml").code == 0
    there, here = windows.path(folder), windows.prefix / "drive_c"
    lines = (folder / "Makefile.toml").read_text("utf-8").splitlines()
    (number,) = [at for at, line in enumerate(lines, 1) if line.startswith("DRIVER_IMAGE ")]

    done = kdrvgen(here, "why", rf"{there}\Makefile.toml:{number}")
    assert (done.code, done.stderr) == (0, "")
    done = kdrvgen(here, "eject", rf"{there}\config.toml", r"C:\windows\win.ini")
    assert done.code == 2, done.output


def test_files_are_updated_removed_and_kept_on_windows_as_on_linux(
    windows: Windows, kdrvgen: Kdrvgen
) -> None:
    old_cargo = b'\n[toolchain]\ncargo-config = ".cargo/config"\n'
    linux, folder = _pair(windows.home, CONFIG.encode() + old_cargo)
    assert kdrvgen(folder, "config.toml").code == 0
    for project in (folder, linux.folder):
        (project / "config.toml").write_bytes(CONFIG.encode())
    (folder / ".build.rs.kdrvgen-new").write_bytes(b"half of")
    linux.generate()

    done = kdrvgen(folder, "config.toml")
    assert done.code == 0, done.output
    assert [line.split()[0] for line in done.output.splitlines()] == [
        "removed",
        "created",
        "unchanged",  # .kdrvgen
        "updated",
        "unchanged",
    ]
    assert _files(folder) == _files(linux.folder)
    assert "nothing has changed" in kdrvgen(folder, "config.toml", "-v").output

    edited = (folder / "build.rs").read_bytes() + b"// mine\n"
    (folder / "build.rs").write_bytes(edited)
    assert kdrvgen(folder, "config.toml").code == 5
    assert (folder / "build.rs").read_bytes() == edited
    assert kdrvgen(folder, "config.toml", "--force").code == 0
    assert _files(folder) == _files(linux.folder)


def test_a_new_project_is_made_on_windows_in_one_piece(windows: Windows, kdrvgen: Kdrvgen) -> None:
    (windows.home / "here").mkdir()
    assert kdrvgen(windows.home / "here", "new", "hello", "-o", "a").code == 0
    assert (windows.home / "here/a/hello/Makefile.toml").is_file()
    assert [path.name for path in (windows.home / "here/a").iterdir()] == ["hello"]
    assert kdrvgen(windows.home / "here", "new", "hello", "-o", "a").code == 5

    done = kdrvgen(windows.home / "here", "new", "hello", "-o", r"C:\elsewhere")
    assert done.code == 0
    assert "\n  pushd C:\\elsewhere\\hello\n" in done.output


def test_text_of_every_script_and_lines_that_end_as_on_windows_make_the_same_tree(
    windows: Windows, kdrvgen: Kdrvgen
) -> None:
    config = (
        CONFIG + 'subject = "Zoë 名前 \\"x\\" \\\\ 50% $HOME"\ncertificate-file = "a/é 日.cer"\n'
    )
    linux, folder = _pair(windows.home, config.encode())
    (folder / "config.toml").write_bytes(config.replace("\n", "\r\n").encode())
    linux.generate()

    assert kdrvgen(folder, "config.toml").code == 0

    assert _files(folder) == _files(linux.folder)


def test_windows_prints_a_config_error_whatever_the_console_can_show(
    windows: Windows, kdrvgen: Kdrvgen
) -> None:
    linux, folder = _pair(windows.home, 'name = "名前"\n[driver]\nname = "hello"\n'.encode())
    here = run([sys.executable, "-m", "kdrvgen", "config.toml"], linux.folder, linux.env)

    done = kdrvgen(folder, "config.toml")
    assert done.code == here.returncode == 3
    assert done.output == here.stdout

    done = kdrvgen(folder, "config.toml", PYTHONIOENCODING="cp1252")
    assert done.code == 3
    assert "Traceback" not in done.output
    assert "1 error in config.toml" in done.output


# --- the pipeline, by turns -------------------------------------------------------------------


@pytest.fixture
def desk(windows: Windows) -> Desk:
    """A project that both hosts can build and sign."""
    windows.install_kits()
    return Desk.start(windows)


def _sign(desk: Desk, host: str, word: str) -> None:
    (desk.make if host == "windows" else desk.project.make)("sign")
    assert desk.verifies(), host
    assert f"loaded{word}".encode() in desk.sys.read_bytes(), host


def _check_out_with_crlf(project: Project) -> None:
    names = ["Makefile.toml", "build.rs", ".cargo/config.toml", "Cargo.toml", "src/lib.rs"]
    support = [path for path in (project.folder / ".kdrvgen").rglob("*") if path.is_file()]
    for path in [*(project.folder / name for name in names), *support]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("checkout", [lambda _: None, _check_out_with_crlf], ids=["lf", "crlf"])
def test_a_project_built_on_one_host_and_then_the_other_generates_nothing_anew(
    desk: Desk, checkout: Callable[[Project], None]
) -> None:
    checkout(desk.project)
    owned = [
        State.of(desk.project.folder / name)
        for name in ("Makefile.toml", "build.rs", ".cargo/config.toml")
    ]
    for host, word in [
        ("linux", " one"),
        ("windows", " one"),
        ("linux", " one"),
        ("windows", " two"),
        ("linux", " two"),
        ("windows", " two"),
    ]:
        if f"loaded{word}".encode() not in (desk.project.folder / "src/lib.rs").read_bytes():
            desk.project.say(word.strip())
        _sign(desk, host, word)
    assert owned == [
        State.of(desk.project.folder / name)
        for name in ("Makefile.toml", "build.rs", ".cargo/config.toml")
    ]

    before = State.of(desk.sys)
    desk.make("sign")
    assert State.of(desk.sys) == before


def test_what_one_host_made_the_other_cleans(desk: Desk) -> None:
    desk.project.make("sign")
    desk.make("clean-driver")
    assert not desk.sys.exists()
    desk.make("sign")
    desk.project.make("clean-driver")
    assert not desk.sys.exists()

    _sign(desk, "windows", "")


def test_neither_half_takes_the_others_record_for_its_own(desk: Desk) -> None:
    _sign(desk, "linux", "")
    _sign(desk, "windows", "")
    by_windows = desk.sys.read_bytes()
    _sign(desk, "linux", "")
    by_linux = desk.sys.read_bytes()
    assert by_linux != by_windows

    # An image that the other half made last is brought in from outside: each makes its own.
    desk.sys.write_bytes(by_windows)
    desk.project.make("sign")
    assert desk.verifies()
    desk.sys.write_bytes(by_linux)
    desk.make("sign")
    assert desk.verifies()
