"""Whether `driver.workspace-root` leads to the root of a Cargo workspace."""

from __future__ import annotations

import os
from pathlib import Path

import tomli

from kdrvgen.config.locator import locate
from kdrvgen.config.source import Source
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding, Place

__all__ = ["check_workspace"]

_KEY = ("driver", "workspace-root")


def check_workspace(project: Project, root: str, config: str = "config.toml") -> None:
    """Make sure that the folder outside of the project is the one that it is meant to be.

    Args:
        project: The project.
        root: Its folder.
        config: The file that it was read from, if any; errors point into it.

    Raises:
        ConfigError: The folder has no Cargo.toml with a table `[workspace]`.
    """
    if not project.driver.workspace_root:
        return
    folder = Path(root, project.driver.workspace_root)
    manifest = os.path.normpath(folder / "Cargo.toml")
    try:
        content = tomli.loads(Path(manifest).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        problem = f"there is no {manifest}"
    except (OSError, ValueError) as error:
        problem = f"{manifest} cannot be read: {error}"
    else:
        if isinstance(content.get("workspace"), dict):
            return
        problem = f"{manifest} has no table [workspace]"
    raise ConfigError([_finding(config, problem)])


def _finding(config: str, problem: str) -> Finding:
    message = f"`workspace-root` leads to no Cargo workspace: {problem}"
    hint = "name the folder of the workspace's Cargo.toml, or remove the key for a single project"
    try:
        source = Source.of(Path(config).read_text(encoding="utf-8-sig"), config)
        node = locate(source.text).find(_KEY)
    except (OSError, ValueError):
        node = None
    place = source.place(node.value) if node and node.value else Place(config)
    return Finding("cargo-workspace", message, place, help=hint, key=_KEY)
