"""The support files: the Rust sources that every project receives below `.kdrvgen/`.

They are the folder `tree`, file by file. Nothing here knows a project, a header or a template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType

__all__ = ["FOLDER", "support_files"]

FOLDER = ".kdrvgen"
"""What the folder is called in a project, or in the root of a workspace."""

_TREE = Path(__file__).parent / "tree"
_SINGLE = (
    *("build_script.rs", "kit.rs", "link_kit.rs", "rustfmt.toml", "version_info.rs"),
    *("pipeline/Cargo.lock", "pipeline/Cargo.toml"),
)


@cache
def support_files() -> Mapping[PurePosixPath, str]:
    """Return the text of each support file, by its path below `FOLDER`, in the paths' order."""
    return MappingProxyType(
        {path: (_TREE / path).read_text(encoding="utf-8") for path in sorted(_paths())}
    )


def _paths() -> Iterator[PurePosixPath]:
    yield from map(PurePosixPath, _SINGLE)
    for source in (_TREE / "pipeline" / "src").rglob("*.rs"):
        yield PurePosixPath(source.relative_to(_TREE).as_posix())
