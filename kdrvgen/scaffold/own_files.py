"""Read the files below a folder that nobody trusts: no links, no devices, bounded sizes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kdrvgen.errors import ConfigError
from kdrvgen.model.names import RelativePath
from kdrvgen.report.finding import Finding, Place

__all__ = [
    "SUFFIX",
    "OwnFile",
    "checked",
    "demand_no_link",
    "path_problem",
    "read_files",
    "text_of",
]

SUFFIX = ".j2"
"""The suffix of a file that is a Jinja2 template; the project's file is without it."""

_MOST_FILES = 1000
_DEEPEST = 16
_LARGEST_FILE = 1024 * 1024
_LARGEST = 16 * 1024 * 1024
# Git and kdrvgen run or trust what is in these folders; `git~1` is the short name in Windows.
_RESERVED = frozenset({".git", "git~1", ".kdrvgen"})
_LINKS = ("IO_REPARSE_TAG_SYMLINK", "IO_REPARSE_TAG_MOUNT_POINT")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of a user's template.

    Attributes:
        path: Its path in the project, which may contain `{{ … }}`.
        name: Its path on the disk, for errors.
        content: Its bytes.
    """

    path: str
    name: str
    content: bytes

    @property
    def is_rendered(self) -> bool:
        """Whether the content is a Jinja2 template."""
        return self.name.endswith(SUFFIX)


def checked(file: OwnFile) -> OwnFile:
    """Return a file of the tree with its path in the project.

    Raises:
        ConfigError: The path is not valid, or a Jinja2 template is not UTF-8 text.
    """
    path = file.path.removesuffix(SUFFIX)
    if problem := path_problem(path):
        raise _refused(file.name, problem)
    if file.is_rendered:
        text_of(file)
    return OwnFile(path, file.name, file.content)


def path_problem(path: str) -> str:
    """Return why a project cannot have a file at a path; empty if it can."""
    try:
        TypeAdapter(RelativePath).validate_python(path)
    except ValidationError as error:
        return error.errors(include_url=False)[0]["msg"]
    reserved = [part for part in path.split("/") if part.lower() in _RESERVED]
    return f"a template cannot write into `{reserved[0]}`" if reserved else ""


def text_of(file: OwnFile) -> str:
    """Return a file's text. Raises ConfigError if it is not UTF-8."""
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        raise _refused(file.name, "the file is not UTF-8 text") from None


def read_files(root: Path) -> Iterator[OwnFile]:
    """Yield the files below a folder, in the order of their paths; none if it does not exist.

    Raises:
        ConfigError: A file is a link or a device, cannot be read, or there is too much.
    """
    if not os.path.lexists(root):
        return
    _check_folder(root)
    size = 0
    for count, path in enumerate(_walk(root, 0), 1):
        content = _content(path)
        size += len(content)
        if count > _MOST_FILES:
            raise _refused(root, f"the folder has more than {_MOST_FILES} files, the limit")
        if size > _LARGEST:
            raise _refused(root, f"the files have more than {_LARGEST >> 20} MiB, the limit")
        yield OwnFile(path.relative_to(root).as_posix(), str(path), content)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    if depth > _DEEPEST:
        raise _refused(folder, f"the folder is more than {_DEEPEST} folders deep, the limit")
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error
    if len(paths) > _MOST_FILES:
        raise _refused(folder, f"the folder has more than {_MOST_FILES} files, the limit")
    for path in paths:
        try:
            status = path.lstat()
        except OSError as error:
            raise _unreadable(path, error) from error
        if stat.S_ISDIR(status.st_mode) and not _is_link(status):
            yield from _walk(path, depth + 1)
        else:
            yield path


def _check_folder(folder: Path) -> None:
    demand_no_link(folder)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise _refused(folder, "this is not a folder")


def demand_no_link(path: Path) -> None:
    """Raise ConfigError if a path is a link."""
    if _is_link(path.lstat()):
        raise _refused(path, "this is a link, and a template cannot have links")


def _is_link(status: os.stat_result) -> bool:
    tags = {getattr(stat, name, None) for name in _LINKS}
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", -1) in tags


def _content(path: Path) -> bytes:
    """Return a regular file's bytes. Never follows a link, and never waits for a pipe."""
    demand_no_link(path)
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(_LARGEST_FILE + 1) if is_regular else b""
    except OSError as error:
        raise _unreadable(path, error) from error
    if not is_regular:
        raise _refused(path, "this is a device or a pipe, not a file")
    if len(content) > _LARGEST_FILE:
        raise _refused(path, f"the file is larger than {_LARGEST_FILE >> 20} MiB, the limit")
    return content


def _refused(path: Path | str, message: str) -> ConfigError:
    return ConfigError([Finding("template-file", message, Place(os.fsdecode(path)))])


def _unreadable(path: Path, error: OSError) -> ConfigError:
    why = error.strerror or "the system gives no reason"
    return _refused(path, f"this cannot be read: {why}")
