"""A hand-written project's files → the config.toml that reproduces it, and what it changes."""

from __future__ import annotations

from kdrvgen.adopt.adoption import Adoption, adopt
from kdrvgen.adopt.read.folder import read_project
from kdrvgen.adopt.read.snapshot import Snapshot

__all__ = ["Adoption", "Snapshot", "adopt", "read_project"]
