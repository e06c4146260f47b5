"""The site of the documentation, built once."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.pipeline.support import REPOSITORY, once
from tests.tools import without


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the HTML pages."""
    return once(tmp_path_factory, "site", _build) / "html"


def _build(folder: Path) -> None:
    if not find_spec("furo"):
        without("furo is not installed; `python -m pip install --group docs` installs it")
    strict = ["--fail-on-warning", "--keep-going", "--quiet"]
    folders = [f"--doctree-dir={folder / 'trees'}", str(REPOSITORY / "docs"), str(folder / "html")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
