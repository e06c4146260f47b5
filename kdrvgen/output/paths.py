"""Where an output really is once symbolic links are followed, and which names belong to it."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePosixPath

__all__ = [
    "is_system_folder",
    "is_within",
    "link_target",
    "make_folders",
    "path_from",
    "real_path",
    "remove_if_empty",
    "resolve",
    "shown",
    "sibling_of",
    "temporary",
]

# Cargo reads both names, and the one without extension wins: doc.rust-lang.org/cargo/reference/
# config.html, "Hierarchical structure".
_SIBLINGS = {
    PurePosixPath(".cargo/config"): PurePosixPath(".cargo/config.toml"),
    PurePosixPath(".cargo/config.toml"): PurePosixPath(".cargo/config"),
}
_SYSTEM = ("/dev/", "/proc/", "/sys/")
_RAM_DISK = "/dev/shm/"  # noqa: S108 - no temporary file: Linux keeps ordinary files there


def real_path(path: Path) -> Path:
    """Return `path` with all links followed.

    Raises:
        OSError: There are more links in a row than Python can follow.
    """
    try:
        return Path(os.path.realpath(path))
    except RecursionError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def resolve(root: Path, relative: PurePosixPath) -> Path:
    """Return where the file at `relative` below `root` is when all links are followed."""
    return real_path(root / relative)


def is_within(real_root: Path, real: Path) -> bool:
    """Return whether `real` is below `real_root`; both are resolved paths."""
    return real != real_root and real.is_relative_to(real_root)


def path_from(folder: Path, path: Path) -> Path:
    """Return the path that leads from a folder to `path`; on another drive, the absolute one."""
    there = os.path.normpath(path.absolute())
    try:
        return Path(os.path.relpath(there, os.path.normpath(folder.absolute())))
    except ValueError:  # Windows has no relative path from one drive to another
        return Path(there)


def shown(root: Path, relative: PurePosixPath | str) -> str:
    """Return the path of a project's file as seen from where the user is."""
    return os.path.normpath(root / relative)


def link_target(real_root: Path, relative: PurePosixPath, real: Path) -> str:
    """Return the path from the project to `real` if a link leads there, else "".

    Args:
        real_root: The project's folder, resolved.
        relative: The output's path.
        real: Where `resolve` found that output; within the project.
    """
    # On Windows a resolved path has the case of the names on disk, which the comparison ignores.
    return "" if real_root / relative == real else real.relative_to(real_root).as_posix()


def is_system_folder(path: Path) -> bool:
    """Return whether the system shows devices and processes as files in this folder."""
    real = f"{real_path(path).as_posix().rstrip('/')}/"
    return real.startswith(_SYSTEM) and not real.startswith(_RAM_DISK)


def make_folders(path: Path) -> list[Path]:
    """Make the folder `path` and those above it that are missing.

    `Path.mkdir(parents=True)` calls itself for each folder, and so fails some 1,000 levels down.

    Returns:
        The folders that were made, the outermost first.

    Raises:
        OSError: A folder cannot be made; those above it may have been.
    """
    missing = []
    while not path.is_dir():
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    made = []
    for folder in reversed(missing):
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir():
                raise
        else:  # otherwise another program made it just now
            made.append(folder)
    return made


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that `make_folders` made, unless something is in it by now."""
    try:
        folder.rmdir()
    except OSError:
        return


def sibling_of(relative: PurePosixPath) -> PurePosixPath | None:
    """Return the output that a tool would read instead of `relative` or ignore because of it."""
    return _SIBLINGS.get(relative)


def temporary(real: Path) -> Path:
    """Return the name under which the next content of `real` waits to take its place.

    One fixed name for each file: the next run finds what a killed run left without guessing, and
    removes nothing but a regular file of that name.
    """
    return real.with_name(f".{real.name}.kdrvgen-new")
