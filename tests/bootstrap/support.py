"""`kdrvgen new` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import kdrvgen

__all__ = ["bootstrap", "kdrvgen_process", "tree"]

_CHECKOUT = Path(kdrvgen.__file__).parent.parent


def kdrvgen_process(
    *words: str | Path, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program with no terminal; whatever comes of it, it is no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "kdrvgen", *words],
        capture_output=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(_CHECKOUT)} | environment,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


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
