r"""Paths in a project's files, in which `\` divides as `/` does."""

from __future__ import annotations

import posixpath

__all__ = ["beside", "joined", "slashes"]


def slashes(path: str) -> str:
    r"""Return a path with `/` in place of `\`."""
    return path.replace("\\", "/")


def beside(path: str, other: str) -> str:
    """Return the path of `other`, which the file at `path` names relative to itself."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), slashes(other)))


def joined(folder: str | None, path: str) -> str:
    """Return a path relative to the project's folder, of a command that runs in `folder`."""
    return posixpath.normpath(posixpath.join(folder or "", slashes(path)))
