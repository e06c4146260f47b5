"""Make a new project a member of the Cargo workspace that lists its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kdrvgen.commands.generate import generate
from kdrvgen.commands.members import workspace_of
from kdrvgen.config import load
from kdrvgen.config.reader import CONFIG_NAMES
from kdrvgen.errors import RefusedError, UsageError
from kdrvgen.model import Project
from kdrvgen.model.schema import FILE_NAME
from kdrvgen.output.paths import real_path
from kdrvgen.scaffold.merge import merged
from kdrvgen.scaffold.template import Template

__all__ = ["check_shared_files", "has_schema_above", "joined", "to_add", "write_shared_files"]

_MAKEFILE = "Makefile.toml"


def joined(template: Template, document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a new project's config.toml, with `driver.workspace-root` if a workspace lists it.

    Args:
        template: The template of the project.
        document: The TOML tables of its config.toml.
        folder: Its folder, which does not need to exist.

    Raises:
        UsageError: A workspace lists the folder, and the template is a workspace itself. Cargo
            would build neither.
    """
    root = workspace_of(folder)
    if root is None or document.get("driver", {}).get("workspace-root"):
        return document
    if template.joins_workspace:
        up = Path(os.path.relpath(root, real_path(folder))).as_posix()
        return merged(document, {"driver": {"workspace-root": up}})
    if template.own:  # its Cargo.toml can be one of a member
        return document
    raise UsageError(
        f"the workspace {root / 'Cargo.toml'} lists {folder} as a member, but a project of the "
        f"template `{template.name}` is a workspace itself. Choose a folder that `members` does "
        "not list, or add this one to `exclude`."
    )


def has_schema_above(project: Project, folder: Path) -> bool:
    """Return whether the root of a new member's workspace has the schema of config.toml."""
    root = _root(project, folder)
    return root is not None and (root / FILE_NAME).is_file()


def check_shared_files(project: Project, folder: Path) -> None:
    """Check that the files that a new member shares with other drivers can be written.

    Raises:
        ConfigError: `driver.workspace-root` is not a workspace.
        RefusedError: Somebody edited one of the files, or kdrvgen did not write it.
        FileAccessError: A file cannot be read.
    """
    if project.driver.workspace_root:
        report = generate(project, folder, dry_run=True)
        if report.refused:
            raise RefusedError(report)


def write_shared_files(project: Project, folder: Path) -> None:
    """Write what a new member shares with other drivers, below the root of the workspace.

    Args:
        project: The project.
        folder: Its folder, with all of its files.

    Raises:
        KdrvgenError: As for `generate`.
    """
    if project.driver.workspace_root:
        generate(load(folder / CONFIG_NAMES[-1]), folder)


def to_add(project: Project, folder: Path) -> str:
    """Return what the user has to do so that the workspace's tasks run for a new member.

    Returns:
        A line for the list of next steps; empty if the root of the workspace has no Makefile.toml.
    """
    root = _root(project, folder)
    if root is None or not (root / _MAKEFILE).is_file():
        return ""
    member = Path(os.path.relpath(real_path(folder), root)).as_posix()
    return f"add a task for {member} to {_MAKEFILE} of the workspace, as the other drivers have"


def _root(project: Project, folder: Path) -> Path | None:
    """Return the root of the workspace; None if the project is not a member of one."""
    up = project.driver.workspace_root
    return Path(os.path.normpath(real_path(folder) / up)) if up else None
