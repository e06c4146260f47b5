"""The profiles of cargo, in Cargo.toml and in the cargo configuration, which has priority."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kdrvgen.agreement.document import Document, read_document
from kdrvgen.model import Project
from kdrvgen.rendering.header import Ownership, examine
from kdrvgen.rendering.plan import aborting_profiles

__all__ = ["Profiles"]

# The built-in profiles of cargo, from which others inherit.
_STANDARD = ("dev", "release")
_LONGEST_CHAIN = 16


class Profiles(NamedTuple):
    """The profiles of the cargo configuration. Their keys have priority over those of Cargo.toml.

    Source: https://doc.rust-lang.org/cargo/reference/config.html#profile

    Attributes:
        tables: The profiles by their names.
        ejected: Their file, if it is ejected: then kdrvgen does not set anything in it.
    """

    tables: Mapping[str, Any]
    ejected: Document | None = None

    @classmethod
    def of(cls, project: Project, root: Path) -> Profiles:
        """Return the profiles of a project after its files are generated.

        Raises:
            ConfigError: An ejected cargo configuration cannot be read, or is not TOML.
        """
        file = read_document(root, project.toolchain.cargo_config, is_wanted=_is_ejected)
        if file:
            return cls(_table(file.get("profile")), file)
        own = _table(project.cargo_config.get("profile"))
        generated = {
            name: {**_table(own.get(name)), "panic": "abort"} for name in aborting_profiles(project)
        }
        return cls({**own, **generated})

    def has(self, profile: str, manifest: Document) -> bool:
        """Return whether cargo knows a profile."""
        in_manifest = manifest.get("profile", profile) is not None
        return profile in _STANDARD or profile in self.tables or in_manifest

    def aborts(self, profile: str, manifest: Document) -> bool:
        """Return whether a profile has `panic = "abort"`, itself or by inheritance."""
        for name in self._chain(profile, manifest):
            if (panic := self._value(name, "panic", manifest)) is not None:
                return bool(panic == "abort")
        return False

    def file_with_panic(self, profile: str) -> Document | None:
        """Return the ejected file if it sets `panic` in a profile."""
        return self.ejected if "panic" in _table(self.tables.get(profile)) else None

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
        found: object = _table(self.tables.get(profile)).get(key)
        return manifest.get("profile", profile, key) if found is None else found


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_ejected(text: str) -> bool:
    return examine(text) is Ownership.EJECTED
