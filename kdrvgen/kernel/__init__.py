"""The building blocks: the Rust crate `kernel` that projects receive with `driver.kernel-crate`.

It is the folder `tree`, file by file. Nothing here knows a project, a header or a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType

__all__ = ["KERNEL_FOLDER", "SHARED_KERNEL_FOLDER", "kernel_files"]

KERNEL_FOLDER = "kernel"
"""The folder of the crate in a project."""

SHARED_KERNEL_FOLDER = "crates/kernel"
"""The folder of the crate in the root of a workspace, for all its drivers."""

_TREE = Path(__file__).parent / "tree"


@cache
def kernel_files() -> Mapping[PurePosixPath, str]:
    """Return the text of each file of the crate, by its path in the crate, in the paths' order."""
    paths = [PurePosixPath("Cargo.toml"), PurePosixPath("rustfmt.toml")]
    paths += [
        PurePosixPath(source.relative_to(_TREE).as_posix())
        for source in (_TREE / "src").rglob("*.rs")
    ]
    return MappingProxyType(
        {path: (_TREE / path).read_text(encoding="utf-8") for path in sorted(paths)}
    )
