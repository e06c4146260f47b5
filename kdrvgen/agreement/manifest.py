"""Cargo.toml of the driver's package, with the values that it inherits from its workspace."""

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
        workspace: The file of the package's workspace; the same file if the package is the root of
            the workspace. None if it is unknown.
    """

    own: Document
    workspace: Document | None

    def package(self, key: str) -> str | None:
        """Return a string of `[package]`, which can be inherited with `KEY.workspace = true`.

        Source: https://doc.rust-lang.org/cargo/reference/workspaces.html#the-package-table
        """
        found = self.own.get("package", key)
        if self.own.get("package", key, "workspace") is True and self.workspace:
            found = self.workspace.get("workspace", "package", key)
        return found if isinstance(found, str) else None


def read_manifest(folder: Path, workspace_root: str | None) -> Manifest | None:
    """Return Cargo.toml in a project's folder; None if it does not exist.

    Args:
        folder: The project's folder.
        workspace_root: `driver.workspace-root`: the only folder above that is searched.

    Raises:
        ConfigError: A file cannot be read, or is not TOML.
    """
    own = read_document(folder, _NAME)
    if own is None:
        return None
    if workspace_root is None:
        return Manifest(own, own)
    return Manifest(own, read_document(folder / workspace_root, _NAME))
