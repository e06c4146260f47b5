"""Folders so deep that `shutil.rmtree`, which is recursive, cannot remove them."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["remove_chain"]


def remove_chain(top: Path) -> None:
    """Remove a folder in which another one of its name is, and so on, and what the last one has."""
    innermost = top
    while (innermost / top.name).is_dir():
        innermost /= top.name
    shutil.rmtree(innermost, ignore_errors=True)
    while innermost != top:
        innermost = innermost.parent
        innermost.rmdir()
