"""Check that `driver.workspace-root` is the root of a Cargo workspace."""

from __future__ import annotations

from pathlib import Path

import tomli

from kdrvgen.config.locator import locate
from kdrvgen.config.source import Source
from kdrvgen.errors import ConfigError
from kdrvgen.model import Project
from kdrvgen.output.paths import shown
from kdrvgen.report.finding import Finding, Place

__all__ = ["check_workspace"]

_KEY = ("driver", "workspace-root")


def check_workspace(project: Project, root: Path, config: Path) -> None:
    """Check that the folder outside of the project is a Cargo workspace.

    Args:
        project: The project.
        root: Its folder.
        config: The file that it was read from; errors point to it if it exists.

    Raises:
        ConfigError: The folder has no Cargo.toml with a `[workspace]` table.
    """
    if not project.driver.workspace_root:
        return
    manifest = shown(root / project.driver.workspace_root, "Cargo.toml")
    try:
        content = tomli.loads(Path(manifest).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        problem = f"{manifest} does not exist"
    except (OSError, ValueError) as error:
        problem = f"{manifest} cannot be read: {error}"
    else:
        if isinstance(content.get("workspace"), dict):
            return
        problem = f"{manifest} has no [workspace] table"
    raise ConfigError([_finding(config, problem)])


def _finding(config: Path, problem: str) -> Finding:
    message = f"`workspace-root` is not the root of a Cargo workspace: {problem}"
    hint = "set it to the folder of the workspace's Cargo.toml, or remove the key"
    try:
        source = Source.of(config.read_text(encoding="utf-8-sig"), str(config))
        node = locate(source.text).find(_KEY)
    except (OSError, ValueError):
        node = None
    place = source.place(node.value) if node and node.value else Place(str(config))
    return Finding("cargo-workspace", message, place, help=hint, key=_KEY)
