"""The support files of a project: the same texts in every project, in a folder that it sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType

from kdrvgen.model import Project
from kdrvgen.pipeline import FOLDER, support_files
from kdrvgen.rendering.header import seal_support

__all__ = ["VERSION_FILE", "render_support", "support_folder"]

VERSION_FILE = "rustfmt.toml"
"""The support file with kdrvgen's version in its header, for which nothing is recompiled."""


def support_folder(project: Project) -> PurePosixPath:
    """Return the folder of the support files, from the project's folder."""
    return PurePosixPath(project.driver.workspace_root or "", FOLDER)


def render_support(project: Project) -> Mapping[PurePosixPath, str]:
    """Return the text of each support file, with its header, by its path from the project."""
    folder = support_folder(project)
    return {folder / path: text for path, text in _sealed().items()}


@cache
def _sealed() -> Mapping[PurePosixPath, str]:
    return MappingProxyType(
        {
            path: seal_support(
                text,
                "//" if path.suffix == ".rs" else "#",
                names_version=str(path) == VERSION_FILE,
            )
            for path, text in support_files().items()
        }
    )
