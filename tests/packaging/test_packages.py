"""The wheel and the sdist: what is in them, and that they run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from kdrvgen import __version__
from tests.tools import need, without

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
_UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|No matching distribution|error sending request"
    r"|Network is unreachable|dns error|Connection refused|Read timed out|because .* was not found"
)


def build(kind: str, source: Path, to: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(to)]
    subprocess.run(command, capture_output=True, check=True, cwd=source)
    (package,) = to.iterdir()
    return package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", CHECKOUT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", CHECKOUT, tmp_path_factory.mktemp("sdist"))


def versioned(*paths: str) -> set[str]:
    """Return the files of the checkout that are, or could be, in its Git repository."""
    need("git")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    done = subprocess.run(command, capture_output=True, check=True, cwd=CHECKOUT, text=True)
    return {path for path in done.stdout.splitlines() if (CHECKOUT / path).is_file()}


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def test_the_wheel_has_the_package_the_manual_page_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"kdrvgen-{__version__}-py3-none-any.whl"
    stem = f"kdrvgen-{__version__}"
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/docs/LICENSE"}
    assert set(content(wheel)) == (
        versioned("kdrvgen")
        | {f"{stem}.data/data/share/man/man1/kdrvgen.1"}
        | {f"{stem}.dist-info/{name}" for name in about}
    )


def test_the_wheel_requires_only_the_four_packages_that_run_it(wheel: Path) -> None:
    text = content(wheel)[f"kdrvgen-{__version__}.dist-info/METADATA"].decode()
    head = text.partition("\n\n")[0].splitlines()
    required = [line.removeprefix("Requires-Dist: ") for line in head if "Requires-Dist" in line]
    always = {re.split(r"[<>= ]", each)[0] for each in required if "extra ==" not in each}
    assert always == {"jinja2", "pydantic", "tomli", "tomli-w"}
    assert f"Version: {__version__}" in head
    assert "Requires-Python: >=3.11" in head


def test_the_sdist_has_what_the_tests_and_the_documentation_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        assert all(each.isfile() for each in archive.getmembers())
        names = {each.name.partition("/")[2] for each in archive.getmembers()}
    assert sdist.name == f"kdrvgen-{__version__}.tar.gz"
    own = versioned("kdrvgen", "tests", "docs", "README.md", "pyproject.toml", ".gitignore")
    assert names == own | {"PKG-INFO"}


def test_the_sdist_makes_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert content(build("wheel", source, tmp_path / "wheel")) == content(wheel)


def runs(command: list[str], where: Path, **environment: str) -> None:
    """Check that a command, which may download packages, makes a project."""
    where.mkdir()
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for words in (["--version"], ["new", "hello", "--no-input", "-q"]):
        done = subprocess.run(
            [*command, *words],
            capture_output=True,
            check=False,
            cwd=where,
            env=own | environment,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        if done.returncode and _UNREACHABLE.search(done.stderr):
            without(f"the package index is not reachable:\n{done.stderr}")
        assert done.returncode == 0, done.stderr
        if words == ["--version"]:
            assert done.stdout == f"kdrvgen {__version__}\n"
    assert (where / "hello" / "Makefile.toml").is_file()


def test_pipx_runs_the_wheel(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipx", "run", "--spec", str(wheel), "kdrvgen"]
    runs(command, tmp_path / "work", PIPX_HOME=str(tmp_path / "pipx"))


def test_uvx_runs_the_wheel(wheel: Path, tmp_path: Path) -> None:
    tool = [sys.executable, "-m", "uv", "tool", "run", "--python", sys.executable]
    runs(
        [*tool, "--from", str(wheel), "kdrvgen"],
        tmp_path / "work",
        UV_TOOL_DIR=str(tmp_path / "tools"),
        UV_PYTHON_DOWNLOADS="never",
    )


def test_pipx_installs_the_program_and_the_manual_page(wheel: Path, tmp_path: Path) -> None:
    folders = {
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pipx", "install", wheel],
        capture_output=True,
        check=False,
        env=os.environ | folders,
        text=True,
    )
    if done.returncode and _UNREACHABLE.search(done.stderr):
        without(f"the package index is not reachable:\n{done.stderr}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bin" / "kdrvgen").exists() or (tmp_path / "bin" / "kdrvgen.exe").exists()
    if sys.platform != "win32":
        assert (tmp_path / "man" / "man1" / "kdrvgen.1").is_file()
