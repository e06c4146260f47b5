"""The shell scripts that set a machine up."""

import subprocess
from pathlib import Path

import pytest

from tests.pipeline.support import need

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = sorted([*REPOSITORY.glob("docs/*.sh"), *REPOSITORY.glob("tests/**/*.sh")])


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_reports_nothing(script: Path) -> None:
    need("shellcheck")

    done = subprocess.run(
        ["shellcheck", "-x", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
