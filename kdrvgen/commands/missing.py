"""What a user who named no file, or one that is not there, probably meant."""

from __future__ import annotations

import os

from kdrvgen.commands import VERBS
from kdrvgen.errors import UsageError
from kdrvgen.output.paths import is_system_folder

__all__ = ["demand"]


def demand(config: str) -> None:
    """Make sure that a configuration was given, and that there is a file to be one.

    Raises:
        UsageError: It was not given, does not exist, or is a device such as /dev/stdin; the text
            says what may have been meant.
    """
    if config and os.path.lexists(config):
        if is_system_folder(os.path.dirname(config) or "."):  # noqa: PTH120 - as the user wrote it
            raise UsageError(
                f"{config} is no file of a project, whose folder the files would go to. Save the "
                "configuration as config.toml in the project's folder, and name that file."
            )
        return
    if not config:
        from kdrvgen.config.reading import CONFIG_NAMES  # noqa: PLC0415 - for errors only

        name = next(filter(os.path.lexists, CONFIG_NAMES), "")
        there = f" There is a {name} here: run `kdrvgen {name}`." if name else ""
        raise UsageError(f"no configuration was given.{there} `kdrvgen --help` tells more.")
    from kdrvgen.config.suggest import nearest  # noqa: PLC0415 - for errors only

    folder, name = os.path.split(config)
    found = nearest(name, _neighbours(folder))
    if found:
        raise UsageError(
            f"there is no file {config}. Did you mean {os.path.join(folder, found)}?"  # noqa: PTH118 - as the user wrote it
        )
    verb = "" if folder else nearest(name, VERBS)
    if verb:
        raise UsageError(f"there is no command or file {config}. Did you mean `kdrvgen {verb}`?")
    raise UsageError(f"there is no file {config}.")


def _neighbours(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder or ".") if name.endswith(".toml")]  # noqa: PTH208 - as above
    except OSError:
        return []
