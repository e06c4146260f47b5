"""The site of the documentation, built once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.support import REPOSITORY, once
from tests.tools import without


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the HTML pages."""
    return once(tmp_path_factory, "site", _build) / "html"


def _build(folder: Path) -> None:
    try:
        import furo  # noqa: F401, PLC0415 - whether the group `docs` is installed
    except ImportError:
        without("furo is not installed; `pip install --group docs` installs it")
    strict = ["--fail-on-warning", "--keep-going", "--quiet"]
    argv = [sys.executable, "-m", "sphinx", *strict, "-d", folder / "trees"]
    done = subprocess.run(
        [*argv, REPOSITORY / "docs", folder / "html"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
