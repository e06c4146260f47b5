"""Turns a hand-written project into the config.toml that reproduces it.

`parse/` parses texts, `read/` reads the files of a project, and `propose/` writes config.toml. Each
imports only from those before it.
"""

from __future__ import annotations

from kdrvgen.adopt.adoption import Adoption, adopt
from kdrvgen.adopt.read.folder import read_project
from kdrvgen.adopt.read.snapshot import Snapshot

__all__ = ["Adoption", "Snapshot", "adopt", "read_project"]
