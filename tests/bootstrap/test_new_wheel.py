"""What is installed from a wheel has the templates, those with a dot in front too."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.bootstrap.support import bootstrap, surroundings, tree
from tests.tools import need

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]


def test_a_wheel_creates_the_same_project_as_the_checkout(tmp_path: Path) -> None:
    need("git")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "wheel"],
        capture_output=True,
        check=True,
        cwd=CHECKOUT,
    )
    (wheel,) = (tmp_path / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-m", "kdrvgen", "new", "hello", "-q", "vscode=yes", "-o", "made"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=surroundings(PYTHONPATH=str(tmp_path / "site"), PYTHONSAFEPATH="1"),
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "made" / "hello") == tree(bootstrap(tmp_path, "minimal", "vscode=yes"))
    packed = {str(path.relative_to(tmp_path / "site")) for path in _files(tmp_path / "site")}
    listed = subprocess.run(
        ["git", "ls-files", "kdrvgen"], capture_output=True, check=True, cwd=CHECKOUT, text=True
    )
    assert set(listed.stdout.split("\n")) - {""} <= packed


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
