"""Find the projects of a command line: files, folders, or the current folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from kdrvgen.commands.arguments import expanded, several
from kdrvgen.commands.config_file import config_in
from kdrvgen.commands.members import members_of
from kdrvgen.commands.missing_config import demand
from kdrvgen.config.reader import CONFIG_NAMES, read
from kdrvgen.errors import ConfigError, UsageError
from kdrvgen.output.paths import path_from

__all__ = ["find_configs"]

_MOST_ERRORS = 10


def find_configs(words: Iterable[str | os.PathLike[str]], *, must_exist: bool = True) -> list[str]:
    """Return the paths of the configurations for the arguments of a command line.

    Args:
        words: Configurations, folders of projects, roots of Cargo workspaces, which stand for all
            drivers of the workspace, and folders with projects below them. `*`, `?` and `[…]` are
            expanded, because Windows has no shell that does. `@FILE` is a file with one of these in
            each line, and `@-` is standard input. Without arguments, the search goes from the
            current folder upward to the first folder that is a project or workspace.
        must_exist: Whether a search that finds nothing is an error.

    Raises:
        UsageError: Arguments are not configurations. The message has all of them, and suggests what
            to do.
    """
    words = several("words", words)
    if not words:
        found = _found_from_here()
        if must_exist and not found:
            raise UsageError(
                "no kdrvgen.toml or config.toml was found in this folder or above it. Run "
                "`kdrvgen new NAME` to create a project, or `kdrvgen adopt` to write a config.toml "
                "for the driver in this folder."
            )
        return found
    configs: dict[str, None] = {}
    errors: list[str] = []
    for word in expanded(words):
        try:
            configs.update(dict.fromkeys(_named(word)))
        except UsageError as error:
            errors.append(str(error))
    if errors:
        more = len(errors) - _MOST_ERRORS
        raise UsageError(
            "\n".join([*errors[:_MOST_ERRORS], *([f"and {more} more errors"] if more > 0 else [])])
        )
    return list(configs)


def _named(word: str) -> list[str]:
    """Return the configurations for one argument."""
    if not word or not Path(word).is_dir():
        demand(word)
        return [word]
    found = list(_in_folder(Path(word))) or list(_below(Path(word)))
    if not found:
        raise UsageError(
            f"the folder {word} has no kdrvgen.toml or config.toml, neither in it nor below, and "
            "is not the root of a workspace with drivers that have one. Run "
            f"`kdrvgen adopt {word}` to write a config.toml for a driver in it."
        )
    return found


def _found_from_here() -> list[str]:
    here = Path.cwd()
    for folder in (here, *here.parents):
        # Cargo's own configuration has the same name.
        if folder.name == ".cargo":
            continue
        found = list(_in_folder(path_from(here, folder)))
        if found and (folder == here or _is_ours(found[0])):
            return found
    return []


def _is_ours(config: str) -> bool:
    """Return whether a file above the current folder looks like a configuration of kdrvgen.

    Other programs have a config.toml too, for example in the home folder.
    """
    try:
        return Path(config).name != CONFIG_NAMES[-1] or "driver" in read(config)
    except ConfigError:
        return False


def _in_folder(folder: Path) -> Iterator[str]:
    """Yield the configuration in a folder, and if it is a workspace, those of its members."""
    if name := config_in(folder):
        yield str(folder / name)
    for member in members_of(folder):
        if name := config_in(member):
            yield str(member / name)


def _below(folder: Path) -> Iterator[str]:
    """Yield the configurations in the folders below a folder, in the order of their paths.

    Skips hidden folders, links, cargo's target directories, and what is below a project.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )
    except OSError:  # such as a folder of another user
        return
    for inner in (folder / name for name in names):
        # https://bford.info/cachedir: cargo marks its target directories with this file.
        if (inner / "CACHEDIR.TAG").exists():
            continue
        # Beside a Cargo.toml, a damaged file counts too, so that its error is reported.
        is_package = (inner / "Cargo.toml").exists()
        found = [name for name in _in_folder(inner) if is_package or _is_ours(name)]
        yield from found or _below(inner)
