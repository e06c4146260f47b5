"""The files of a project, as they were read from disk at one time."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Snapshot"]


@dataclass(frozen=True)
class Snapshot:
    """The files of a project.

    Attributes:
        files: Texts by path relative to the project's folder, divided by `/`. Line ends are LF.
            Paths of folders above begin with `..`, up to the root of the workspace.
        unreadable: Files without text, each with the reason.
        shown: The project's folder as the user named it, for messages.
        place: Names of the folders above the project's folder and its own, the outermost first, as
            far as they are known.
        infs: Names of the INF and INX files in the project's folder, which are not read.
        callers: README, CI files and scripts of the repository, which may call the project, in the
            form of `files`. Some are in both.
        has_schema: Whether the folder contains the schema of config.toml, for editors.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    shown: str = "."
    place: tuple[str, ...] = ()
    infs: frozenset[str] = frozenset()
    has_schema: bool = False
    callers: Mapping[str, str] = field(default_factory=dict)
    documents: dict[str, object] = field(default_factory=dict, compare=False, repr=False)
    """The files that are parsed already, by path."""

    def name(self, path: str) -> str:
        """Return the path of a file relative to the user's working folder."""
        return posixpath.normpath(posixpath.join(self.shown, path))

    def shortest(self, path: str) -> str:
        """Return a path without `../NAME` where NAME is the folder that `..` leaves."""
        path = posixpath.normpath(path)
        climbed = path.count("../")
        down = "/".join((*self.place[len(self.place) - climbed :], ""))
        is_back = climbed <= len(self.place) and path[3 * climbed :].startswith(down)
        return path[3 * climbed + len(down) :] if climbed and is_back else path

    def find(self, *paths: str) -> str | None:
        """Return the first of the paths at which there is a text file."""
        return next((path for path in paths if path in self.files), None)

    def above(self) -> list[str]:
        """Return the prefixes `""`, `"../"`, … of the project's folder and those above it."""
        highest = max((path.count("../") for path in (*self.files, *self.unreadable)), default=0)
        return ["../" * level for level in range(highest + 1)]
