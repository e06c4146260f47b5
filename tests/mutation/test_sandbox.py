"""Where a mutant can write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import need

if sys.platform != "linux":
    pytest.skip("bubblewrap needs Linux", allow_module_level=True)

from tests.mutation.sandbox import SandboxError, run_in_sandbox

CHECKOUT = Path(__file__).parents[2]
SCRIPT = """
import os, pathlib, sys, tempfile
for folder in map(pathlib.Path, sys.argv[1:]):
    try:
        (folder / "written-by-a-mutant").touch()
    except OSError:
        pass
assert tempfile.mkdtemp()
assert list(pathlib.Path.home().iterdir()) == []
assert not [name for name in os.listdir("/dev") if name.startswith(("loop", "nvme", "sd", "vd"))]
assert not os.path.exists(f"/proc/{os.environ['OUTSIDE']}/cwd")
"""


@pytest.mark.slow
def test_a_mutant_can_write_to_no_folder_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("bwrap")
    monkeypatch.setenv("OUTSIDE", str(os.getpid()))
    places = [CHECKOUT, tmp_path, Path.home(), Path("/dev"), Path("/dev", "shm"), Path("/etc")]
    try:
        code = run_in_sandbox([sys.executable, "-c", SCRIPT, *map(str, places)])
    except SandboxError as error:
        pytest.skip(str(error))
    assert code == 0
    assert [place for place in places if (place / "written-by-a-mutant").exists()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_cannot_do_without_the_sandbox() -> None:
    words = [sys.executable, "-m", "tests.mutation", "--unguarded"]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert "as root a mutant can damage the machine" in done.stderr
