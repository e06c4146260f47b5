"""Suggest a configuration when the command line names none, or one that does not exist."""

from __future__ import annotations

import os
from pathlib import Path

from kdrvgen.commands import VERBS
from kdrvgen.config.reader import CONFIG_NAMES
from kdrvgen.errors import UsageError
from kdrvgen.output.paths import is_system_folder
from kdrvgen.spelling import nearest

__all__ = ["demand"]

_FOREIGN = {
    "Cargo.toml": "cargo",
    "Makefile.toml": "cargo-make",
    "clippy.toml": "clippy",
    "rust-toolchain.toml": "rustup",
    "rustfmt.toml": "rustfmt",
    "pyproject.toml": "Python",
}


def demand(config: str) -> None:
    """Check that the command line names a configuration that exists.

    Raises:
        UsageError: It names none, or the file does not exist, belongs to another program, or is a
            device such as /dev/stdin. The message suggests what to run instead.
    """
    if config and os.path.lexists(config):
        if owner := _owner(Path(config)):
            near = next(filter(os.path.lexists, map(Path(config).with_name, CONFIG_NAMES)), None)
            hint = f" Did you mean {near}?" if near else ""
            raise UsageError(
                f"{config} is a file of {owner}, not a configuration of kdrvgen.{hint}"
            )
        if is_system_folder(Path(config).parent):
            raise UsageError(
                f"{config} is not a file in a project folder. kdrvgen writes the files beside the "
                "configuration: save it as config.toml in the project folder, and pass that file."
            )
        return
    if not config:
        name = next(filter(os.path.lexists, CONFIG_NAMES), "")
        hint = f" This folder has a {name}: run `kdrvgen {name}`." if name else ""
        raise UsageError(f"no configuration was given.{hint} See `kdrvgen --help`.")

    file = Path(config)
    found = nearest(file.name, _neighbours(file.parent))
    if found:
        raise UsageError(f"{config} does not exist. Did you mean {file.with_name(found)}?")
    verb = nearest(config, VERBS) if config == file.name else ""
    if verb == config:
        raise UsageError(f"{config} does not exist. A command must come first: `kdrvgen {verb} …`.")
    if verb:
        raise UsageError(
            f"`{config}` is neither a command nor a file. Did you mean `kdrvgen {verb}`?"
        )
    hint = " `kdrvgen --help` lists the commands." if config.isalpha() else ""
    raise UsageError(f"{config} does not exist.{hint}")


def _owner(file: Path) -> str:
    """Return the program whose file this is by its name; "" if it can be a configuration."""
    return "cargo" if file.absolute().parent.name == ".cargo" else _FOREIGN.get(file.name, "")


def _neighbours(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if path.suffix == ".toml"]
    except OSError:
        return []
