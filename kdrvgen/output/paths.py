"""The real path of an output behind symbolic links, and the file names that belong to it."""

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

# Cargo reads both names, and prefers the one without extension: doc.rust-lang.org/cargo/reference/
# config.html, "Hierarchical structure".
_SIBLINGS = {
    PurePosixPath(".cargo/config"): PurePosixPath(".cargo/config.toml"),
    PurePosixPath(".cargo/config.toml"): PurePosixPath(".cargo/config"),
}
_SYSTEM = ("/dev/", "/proc/", "/sys/")
_RAM_DISK = "/dev/shm/"  # noqa: S108 - Linux keeps regular files there


def real_path(path: Path) -> Path:
    """Return `path` with all symbolic links resolved.

    Raises:
        OSError: The chain of links is longer than Python can follow.
    """
    try:
        return Path(os.path.realpath(path))
    except RecursionError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def resolve(root: Path, relative: PurePosixPath) -> Path:
    """Return the path of the file at `relative` below `root` with all links resolved."""
    return real_path(root / relative)


def is_within(real_root: Path, real: Path) -> bool:
    """Return whether `real` is below `real_root`; both are resolved paths."""
    return real != real_root and real.is_relative_to(real_root)


def path_from(folder: Path, path: Path) -> Path:
    """Return the relative path from a folder to `path`; the absolute path on another drive."""
    there = os.path.normpath(path.absolute())
    try:
        return Path(os.path.relpath(there, os.path.normpath(folder.absolute())))
    except ValueError:  # Windows has no relative path from one drive to another
        return Path(there)


def shown(root: Path, relative: PurePosixPath | str) -> str:
    """Return the path of a project's file from the current folder, also to open the file.

    It is without `..` where possible: `link/..` is not the folder that contains the link.
    """
    path = root / relative
    short = Path(os.path.normpath(path))
    try:
        # Without `..`, pathlib's paths are normal already.
        is_same = ".." not in path.parts or real_path(short) == real_path(path)
    except OSError:
        is_same = False
    return str(short if is_same else path)


def link_target(real_root: Path, relative: PurePosixPath, real: Path) -> str:
    """Return the path from the project to `real` if a link leads to it, else "".

    Args:
        real_root: The project's folder, resolved.
        relative: The output's path.
        real: The path that `resolve` returned for the output; within the project.
    """
    # On Windows a resolved path has the case of the names on disk, which the comparison ignores.
    return "" if real_root / relative == real else real.relative_to(real_root).as_posix()


def is_system_folder(path: Path) -> bool:
    """Return whether a folder has devices or processes of the system as files."""
    real = f"{real_path(path).as_posix().rstrip('/')}/"
    return real.startswith(_SYSTEM) and not real.startswith(_RAM_DISK)


def make_folders(path: Path) -> list[Path]:
    """Create the folder `path` and the missing folders above it.

    `Path.mkdir(parents=True)` is recursive, and so fails about 1,000 levels deep.

    Returns:
        The folders that were created, the outermost first.

    Raises:
        OSError: A folder cannot be created; folders above it may have been created.
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
        else:  # otherwise another program has just created it
            made.append(folder)
    return made


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that `make_folders` created, unless it is not empty."""
    try:
        folder.rmdir()
    except OSError:
        return


def sibling_of(relative: PurePosixPath) -> PurePosixPath | None:
    """Return the file that a tool would read instead of `relative`, or ignore because of it."""
    return _SIBLINGS.get(relative)


def temporary(real: Path) -> Path:
    """Return the temporary path for the new content of `real`.

    The name is fixed for each file, so that the next run finds the files of a killed run. It
    removes only regular files with that name.
    """
    return real.with_name(f".{real.name}.kdrvgen-new")
