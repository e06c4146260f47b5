"""The support files of a project: the same texts in every project, in folders that it sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType

from kdrvgen.kernel import KERNEL_FOLDER, SHARED_KERNEL_FOLDER, kernel_files
from kdrvgen.model import Project
from kdrvgen.pipeline import FOLDER, support_files
from kdrvgen.rendering.header import seal_support

__all__ = ["VERSION_FILE", "kernel_folder", "render_kernel", "render_support", "support_folder"]

VERSION_FILE = "rustfmt.toml"
"""The file with kdrvgen's version in its header, for which nothing is recompiled."""


def support_folder(project: Project) -> PurePosixPath:
    """Return the folder of the support files, from the project's folder."""
    return PurePosixPath(project.driver.workspace_root or "", FOLDER)


def kernel_folder(project: Project) -> PurePosixPath | None:
    """Return the folder of the crate `kernel`, from the project's folder; None without one."""
    if not project.driver.kernel_crate:
        return None
    root = project.driver.workspace_root
    return PurePosixPath(root, SHARED_KERNEL_FOLDER) if root else PurePosixPath(KERNEL_FOLDER)


def render_support(project: Project) -> Mapping[PurePosixPath, str]:
    """Return the text of each support file, with its header, by its path from the project."""
    folder = support_folder(project)
    return {folder / path: text for path, text in _sealed_support().items()}


def render_kernel(project: Project) -> Mapping[PurePosixPath, str]:
    """Return the same of the crate `kernel`, if the project has it."""
    folder = kernel_folder(project)
    if folder is None:
        return {}
    return {folder / path: text for path, text in _sealed_kernel().items()}


@cache
def _sealed_support() -> Mapping[PurePosixPath, str]:
    return _sealed(support_files(), is_ejectable=False)


@cache
def _sealed_kernel() -> Mapping[PurePosixPath, str]:
    return _sealed(kernel_files(), is_ejectable=True)


def _sealed(
    texts: Mapping[PurePosixPath, str], *, is_ejectable: bool
) -> Mapping[PurePosixPath, str]:
    return MappingProxyType(
        {
            path: seal_support(
                text,
                "//" if path.suffix == ".rs" else "#",
                names_version=str(path) == VERSION_FILE,
                is_ejectable=is_ejectable,
            )
            for path, text in texts.items()
        }
    )
