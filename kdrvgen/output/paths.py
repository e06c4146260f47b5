"""Where an output really lies once symbolic links are followed, and which names belong to it.

Part of a run with nothing to change, so it imports only what Python has loaded anyway.
"""

from __future__ import annotations

import errno
import os

__all__ = [
    "boundary",
    "is_system_folder",
    "is_within",
    "link_target",
    "make_folders",
    "path_from",
    "real_path",
    "remove_if_empty",
    "resolve",
    "sibling_of",
    "temporary",
]

# Cargo reads both names, and the one without extension wins: doc.rust-lang.org/cargo/reference/
# config.html, "Hierarchical structure".
_SIBLINGS = {
    ".cargo/config": ".cargo/config.toml",
    ".cargo/config.toml": ".cargo/config",
}
_SYSTEM = ("/dev/", "/proc/", "/sys/")
_RAM_DISK = "/dev/shm/"  # noqa: S108 - no temporary file: Linux keeps ordinary files there


def real_path(path: str) -> str:
    """Return `path` with all links followed.

    Raises:
        OSError: There are more links in a row than Python can follow.
    """
    try:
        return os.path.realpath(path)
    except RecursionError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None


def resolve(root: str, relative: str) -> str:
    """Return where `relative` (with slashes) below `root` lies when all links are followed."""
    return real_path(os.path.join(root, *relative.split("/")))  # noqa: PTH118 - see above


def boundary(root: str, relative: str) -> str:
    """Return the folder that an output may not lead out of, with all links followed.

    That is the project's folder `root`, and for a support file of a workspace, whose path begins
    with `..`, the folder that those lead to.
    """
    above = [part for part in relative.split("/") if part == ".."]
    return real_path(os.path.join(root, *above))  # noqa: PTH118 - see above


def is_within(real_root: str, real: str) -> bool:
    """Return whether `real` lies below `real_root`; both are resolved paths."""
    return real.startswith(real_root.rstrip(os.sep) + os.sep)


def path_from(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> str:
    """Return the path that leads from a folder to `path`; on another drive, the absolute one."""
    there = os.path.abspath(path)  # noqa: PTH100 - see above
    try:
        return os.path.relpath(there, os.path.abspath(folder))  # noqa: PTH100 - see above
    except ValueError:  # Windows has no relative path from one drive to another
        return there


def link_target(real_root: str, relative: str, real: str) -> str:
    """Return the path from the project to `real` if a link leads there, else "".

    Args:
        real_root: The project's folder, resolved.
        relative: The output's path, with slashes.
        real: Where `resolve` found that output; within the project.
    """
    named = os.path.join(real_root, *relative.split("/"))  # noqa: PTH118 - see above
    # On Windows a resolved path has the case of the names on disk.
    if os.path.normcase(named) == os.path.normcase(real):
        return ""
    return os.path.relpath(real, real_root).replace(os.sep, "/")


def is_system_folder(path: str) -> bool:
    """Return whether `path` lies where the system shows devices and processes as files."""
    real = real_path(path).rstrip("/") + "/"
    return real.startswith(_SYSTEM) and not real.startswith(_RAM_DISK)


def make_folders(path: str) -> list[str]:
    """Make the folder `path` and those above it that are missing.

    `os.makedirs` calls itself for each folder, and so fails some 1,000 levels down.

    Returns:
        The folders that were made, the outermost first.

    Raises:
        OSError: A folder cannot be made; those above it may have been.
    """
    missing = []
    while path and not os.path.isdir(path):  # noqa: PTH112 - see above
        missing.append(path)
        above = os.path.dirname(path)  # noqa: PTH120 - see above
        path = above if above != path else ""
    made = []
    for each in reversed(missing):
        try:
            os.mkdir(each)  # noqa: PTH102 - see above
        except FileExistsError:
            if not os.path.isdir(each):  # noqa: PTH112 - see above
                raise
        else:  # otherwise another program made it just now
            made.append(each)
    return made


def remove_if_empty(folder: str) -> None:
    """Remove a folder that `make_folders` made, unless something is in it by now."""
    try:
        os.rmdir(folder)  # noqa: PTH106 - see above
    except OSError:
        return


def sibling_of(relative: str) -> str | None:
    """Return the output that a tool would read instead of `relative` or ignore because of it."""
    return _SIBLINGS.get(relative)


def temporary(real: str) -> str:
    """Return the name under which the next content of `real` waits to take its place.

    One fixed name for each file: the next run finds what a killed run left without guessing, and
    removes nothing but a regular file of that name.
    """
    folder, name = os.path.split(real)
    return os.path.join(folder, f".{name}.kdrvgen-new")  # noqa: PTH118 - see above
