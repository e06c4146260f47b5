"""Which configuration a file of a project belongs to."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["config_of"]


def config_of(file: Path) -> Path | None:
    """Return the config.toml beside a file or in a folder above it; None when there is none."""
    for folder in file.absolute().parents:
        candidate = folder / "config.toml"
        # Cargo's own configuration has the same name.
        if folder.name != ".cargo" and candidate.is_file():
            return Path(os.path.relpath(candidate))
    return None
