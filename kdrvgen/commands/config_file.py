"""Find the configuration of a project's file."""

from __future__ import annotations

import os
from pathlib import Path

from kdrvgen.config.reader import CONFIG_NAMES
from kdrvgen.output.paths import path_from

__all__ = ["config_in", "config_of"]


def config_of(file: Path) -> Path | None:
    """Return the configuration beside a file or in a folder above it, or None."""
    for folder in file.absolute().parents:
        # Cargo's own configuration has the same name.
        if folder.name != ".cargo" and (name := config_in(folder)):
            return path_from(Path(), folder / name)
    return None


def config_in(folder: Path) -> str:
    """Return the name of the configuration in a folder, or "".

    One that cannot be read, such as a pipe or a link that leads nowhere, is an error of the reader.
    """
    return next((name for name in CONFIG_NAMES if _is_there(folder / name)), "")


def _is_there(path: Path) -> bool:
    return os.path.lexists(path) and not path.is_dir()
