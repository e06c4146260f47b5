"""What a user who named no file, or one that is not there, probably meant."""

from __future__ import annotations

import os
from pathlib import Path

from kdrvgen.commands import VERBS
from kdrvgen.config.reader import CONFIG_NAMES
from kdrvgen.errors import UsageError
from kdrvgen.output.paths import is_system_folder
from kdrvgen.spelling import nearest

__all__ = ["demand"]


def demand(config: str) -> None:
    """Make sure that a configuration was given, and that there is a file to be one.

    Raises:
        UsageError: It was not given, does not exist, or is a device such as /dev/stdin; the text
            says what may have been meant.
    """
    if config and os.path.lexists(config):
        if is_system_folder(Path(config).parent):
            raise UsageError(
                f"{config} is no file of a project, whose folder the files would go to. Save the "
                "configuration as config.toml in the project's folder, and name that file."
            )
        return
    if not config:
        name = next(filter(os.path.lexists, CONFIG_NAMES), "")
        there = f" There is a {name} here: run `kdrvgen {name}`." if name else ""
        raise UsageError(f"no configuration was given.{there} `kdrvgen --help` tells more.")

    file = Path(config)
    found = nearest(file.name, _neighbours(file.parent))
    if found:
        raise UsageError(f"there is no file {config}. Did you mean {file.with_name(found)}?")
    verb = nearest(config, VERBS) if config == file.name else ""
    if verb == config:
        raise UsageError(f"there is no file {config}. A command comes first: `kdrvgen {verb} …`.")
    if verb:
        raise UsageError(f"there is no command or file {config}. Did you mean `kdrvgen {verb}`?")
    raise UsageError(f"there is no file {config}.")


def _neighbours(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if path.suffix == ".toml"]
    except OSError:
        return []
