"""`kdrvgen new` as a process."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import kdrvgen
from tests.program import run_kdrvgen

__all__ = ["bootstrap", "kdrvgen_process", "surroundings", "tree"]

_CHECKOUT = Path(kdrvgen.__file__).parent.parent
_CACHE = tempfile.TemporaryDirectory(prefix="kdrvgen-cache-")  # removed when the tests end


def surroundings(**environment: str) -> dict[str, str]:
    """Return the environment in which this checkout runs, with a cache of its own."""
    own = {"PYTHONPATH": str(_CHECKOUT), "XDG_CACHE_HOME": _CACHE.name}
    return os.environ | own | environment


def kdrvgen_process(
    *words: str | Path, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program with no terminal."""
    return run_kdrvgen(*words, cwd=cwd, env=surroundings(**environment))


def bootstrap(where: Path, template: str, *words: str, name: str = "hello") -> Path:
    """Begin a project in `where` and return its folder."""
    done = kdrvgen_process(
        "new", name, "--no-input", "--template", template, "-o", where, *words, cwd=where
    )
    assert done.returncode == 0, done.stderr
    return where / name


def tree(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below `folder`, by its path; Git's own left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
