"""Cargo.toml of the driver's package, with what it inherits from its workspace."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kdrvgen.agreement.document import Document, read_document

__all__ = ["Manifest", "read_manifest"]

_NAME = "Cargo.toml"


class Manifest(NamedTuple):
    """Cargo.toml.

    Attributes:
        own: The package's own file.
        workspace: The file of the workspace that the package belongs to; the same one for a package
            that is a workspace's root. None if that file is not known.
    """

    own: Document
    workspace: Document | None

    def package(self, key: str) -> str | None:
        """Return a text of `[package]`, inherited with `KEY.workspace = true`.

        Source: https://doc.rust-lang.org/cargo/reference/workspaces.html#the-package-table
        """
        found = self.own.get("package", key)
        if self.own.get("package", key, "workspace") is True and self.workspace:
            found = self.workspace.get("workspace", "package", key)
        return found if isinstance(found, str) else None


def read_manifest(folder: Path, workspace_root: str | None) -> Manifest | None:
    """Read Cargo.toml in a project's folder; None if there is none.

    Args:
        folder: The project's folder.
        workspace_root: `driver.workspace-root`: the only folder above that is looked at.

    Raises:
        ConfigError: A file cannot be read, or is not TOML.
    """
    own = read_document(folder, _NAME)
    if own is None:
        return None
    if workspace_root is None:
        return Manifest(own, own)
    return Manifest(own, read_document(folder / workspace_root, _NAME))
