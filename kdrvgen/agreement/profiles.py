"""The profiles of cargo, in Cargo.toml and in the cargo configuration, which has priority."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kdrvgen.agreement.document import Document, read_document
from kdrvgen.model import Project
from kdrvgen.rendering.header import Ownership, examine
from kdrvgen.rendering.plan import aborting_profiles

__all__ = ["Profiles", "configurations_above"]

# The built-in profiles of cargo, from which others inherit.
_STANDARD = ("dev", "release")
_LONGEST_CHAIN = 16
_NAMES = (".cargo/config", ".cargo/config.toml")


class Profiles(NamedTuple):
    """The profiles of the cargo configuration. Their keys have priority over those of Cargo.toml.

    Source: https://doc.rust-lang.org/cargo/reference/config.html#profile

    Attributes:
        tables: The profiles by their names.
        ejected: Their file, if it is ejected: then kdrvgen does not set anything in it.
        above: The configurations in the folders up to the root of the workspace, the nearest first.
    """

    tables: Mapping[str, Any]
    ejected: Document | None = None
    above: tuple[Document, ...] = ()

    @classmethod
    def of(cls, project: Project, root: Path) -> Profiles:
        """Return the profiles of a project after its files are generated.

        Raises:
            ConfigError: A cargo configuration that is ejected, or above the project, cannot be
                read, or is not TOML.
        """
        file = read_document(root, project.toolchain.cargo_config, is_wanted=_is_ejected)
        above = tuple(_above(project, root))
        if file:
            return cls(_table(file.get("profile")), file, above)
        own = _table(project.cargo_config.get("profile"))
        generated = {
            name: {**_table(own.get(name)), "panic": "abort"} for name in aborting_profiles(project)
        }
        return cls({**own, **generated}, above=above)

    def has(self, profile: str, manifest: Document) -> bool:
        """Return whether cargo knows a profile."""
        files = (*self.above, manifest)
        is_in_file = any(file.get("profile", profile) is not None for file in files)
        return profile in _STANDARD or profile in self.tables or is_in_file

    def aborts(self, profile: str, manifest: Document) -> bool:
        """Return whether a profile has `panic = "abort"`, itself or by inheritance."""
        for name in self._chain(profile, manifest):
            if (panic := self._value(name, "panic", manifest)) is not None:
                return bool(panic == "abort")
        return False

    def file_with_panic(self, profile: str) -> Document | None:
        """Return the cargo configuration that sets `panic` in a profile, if one does."""
        if "panic" in _table(self.tables.get(profile)):
            return self.ejected
        is_set = (file for file in self.above if file.get("profile", profile, "panic") is not None)
        return next(is_set, None)

    def _chain(self, profile: str, manifest: Document) -> Iterator[str]:
        """Yield a profile and those that it inherits from, up to a built-in one."""
        name: object = profile
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(name, str):
                return
            yield name
            if name in _STANDARD:
                return
            name = self._value(name, "inherits", manifest)

    def _value(self, profile: str, key: str, manifest: Document) -> object:
        values = (
            _table(self.tables.get(profile)).get(key),
            *(file.get("profile", profile, key) for file in (*self.above, manifest)),
        )
        return next((value for value in values if value is not None), None)


def configurations_above(project: Project) -> Iterator[tuple[str, str]]:
    """Yield the configurations of cargo above the project, up to the root of its workspace.

    Each is a folder, relative to the project's, and a file in it. cargo prefers the first of two.
    """
    root = PurePosixPath(project.driver.workspace_root or "")
    for depth in range(1, len(root.parts) + 1):
        for name in _NAMES:
            yield "/".join(root.parts[:depth]), name


def _above(project: Project, root: Path) -> Iterator[Document]:
    done = set()
    for folder, name in configurations_above(project):
        if folder not in done and (file := read_document(root / folder, name)):
            done.add(folder)
            yield file


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_ejected(text: str) -> bool:
    return examine(text) is Ownership.EJECTED
