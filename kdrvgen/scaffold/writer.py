"""Write a new project to the disk: all of it or nothing, without overwriting anything."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from kdrvgen.errors import FileAccessError, OccupiedError, ToolError
from kdrvgen.output.os_errors import explain
from kdrvgen.output.paths import is_system_folder, make_folders, remove_if_empty
from kdrvgen.output.renaming import patiently
from kdrvgen.report.files import Entry, Report, Status

__all__ = ["check", "write"]

_UNTOUCHED = "Nothing was written."
_REPOSITORY = ".git"
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
# Git sets these for hooks and subcommands, and `git init` would then create another repository.
_ELSEWHERE = {
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
}


def check(folder: Path, *, git: bool = False) -> None:
    """Check that a project can be created in `folder`, without writing.

    Raises:
        OccupiedError: The folder is not free.
        FileAccessError: The folder cannot be created.
        ToolError: Git is requested and not installed.
    """
    _check_free(folder)
    above = folder.absolute() if _is_kept(folder) else folder.absolute().parent
    while not os.path.lexists(above) and above.parent != above:
        above = above.parent
    if not above.is_dir():
        raise FileAccessError(
            f"cannot create {folder}: {above} is not a folder. {_UNTOUCHED} Choose another with -o."
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise FileAccessError(
            f"cannot create {folder}: {above} is not writable. {_UNTOUCHED} "
            "Change its permissions, or choose another folder with -o."
        )
    if is_system_folder(above):
        raise FileAccessError(
            f"cannot create {folder}: {above} is a folder of the system's devices or processes. "
            f"{_UNTOUCHED} Choose another with -o."
        )
    if git and _git() is None:
        raise ToolError(
            f"git=true requires Git, but `git` is not on the PATH. {_UNTOUCHED} "
            "Install it, or remove git=true."
        )


def write(files: Mapping[PurePosixPath, bytes], folder: Path, *, git: bool = False) -> Report:
    """Create `folder` with `files` in it.

    Everything is created in a folder with a random name beside it, which is then renamed in one
    step: a run that is killed does not leave a folder that looks like a project. The user must
    remove the folder with the random name, because no later run can know what is in it. The current
    folder, and a folder that contains only a Git repository, are not replaced: the random folder is
    created in them, and its files are moved up one after the other.

    Args:
        files: The contents, by their paths from the folder.
        folder: The folder of the project; can exist if it is empty.
        git: Whether to make it a Git repository.

    Raises:
        OccupiedError: The folder is not free.
        FileAccessError: Something cannot be written; nothing is left behind.
        ToolError: Git failed.
    """
    check(folder, git=git)
    target = folder.absolute()
    is_kept = _is_kept(folder)
    beside = target if is_kept else target.parent
    part = beside / f".{target.name}.{secrets.token_hex(4)}.kdrvgen-new"
    with contextlib.ExitStack() as undo:
        try:
            for made in make_folders(target.parent):
                undo.callback(remove_if_empty, made)
        except OSError as error:
            raise explain("create the folder", str(target.parent), error, _UNTOUCHED) from error
        try:
            part.mkdir()
            undo.callback(shutil.rmtree, part, ignore_errors=True)
            for path, content in files.items():
                _put(part / path, content)
        except OSError as error:
            raise explain("write", error.filename or str(folder), error, _UNTOUCHED) from error
        if git and not os.path.lexists(target / _REPOSITORY):
            _begin_repository(part)
        _check_free(folder, part)
        if is_kept:
            _fill(part, target, folder)
        else:
            _place(part, target, folder)
        undo.pop_all()
    return Report(
        tuple(Entry(path, Status.CREATED, after=_text(files[path])) for path in sorted(files))
    )


def _is_kept(folder: Path) -> bool:
    """Return whether a folder cannot be replaced: the current one, or one with a repository."""
    try:
        return folder.samefile(Path()) or os.path.lexists(folder / _REPOSITORY)
    except OSError:
        return False


def _check_free(folder: Path, own: Path | None = None) -> None:
    """Check that a folder contains only a Git repository and the folder `own`, if anything."""
    if not os.path.lexists(folder):
        return
    if folder.is_symlink():
        raise _occupied(folder, "is a link")
    if not folder.is_dir():
        raise _occupied(folder, "exists and is not a folder")
    try:
        others = [path for path in folder.iterdir() if path.name != _REPOSITORY]
    except OSError as error:
        raise explain("list", str(folder), error, _UNTOUCHED) from error
    if any(own is None or path.name != own.name for path in others):
        raise _occupied(folder, "exists and is not empty")


def _occupied(folder: Path, reason: str) -> OccupiedError:
    report = Report((Entry(PurePosixPath("."), Status.REFUSED, reason),))
    return OccupiedError(str(folder), reason, report)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _place(part: Path, target: Path, folder: Path) -> None:
    try:
        if sys.platform == "win32" and target.is_dir():
            target.rmdir()  # other systems replace an empty folder
        patiently(lambda: part.rename(target))
    except OSError as error:
        if error.errno in _TAKEN:
            raise _occupied(folder, "was filled by another program during the run") from error
        raise explain("create the folder", str(folder), error, _UNTOUCHED) from error


def _fill(part: Path, target: Path, folder: Path) -> None:
    """Move the content of `part` up into `target`, all of it or nothing."""
    moved: list[Path] = []
    try:
        for path in sorted(part.iterdir()):
            _move_up(path, target, folder)
            moved.append(path)
        part.rmdir()
    except BaseException as error:
        for path in reversed(moved):
            (target / path.name).rename(path)
        if isinstance(error, OSError):
            raise explain("write", str(folder), error, _UNTOUCHED) from error
        raise


def _move_up(path: Path, target: Path, folder: Path) -> None:
    if os.path.lexists(target / path.name):
        raise _occupied(folder, "was filled by another program during the run")
    patiently(lambda: path.rename(target / path.name))


def _begin_repository(folder: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    done = subprocess.run(  # noqa: S603 - no argument is from the user
        [_git() or "git", "init", "--quiet"],
        cwd=folder,
        env=env,
        capture_output=True,
        check=False,
        errors="replace",  # a file name may not be valid text
        stdin=subprocess.DEVNULL,
        text=True,
    )
    if done.returncode:
        message = (done.stderr or done.stdout).strip()
        raise ToolError(f"`git init` failed: {message}. {_UNTOUCHED} Use git=false to skip it.")


def _git() -> str | None:
    """Return the path of Git; None without it.

    `shutil.which` would also find a program in the current folder, as Windows does.
    """
    name = "git.exe" if sys.platform == "win32" else "git"
    folders = map(Path, os.environ.get("PATH", "").split(os.pathsep))
    programs = (str(folder / name) for folder in folders if folder.is_absolute())
    return next(filter(shutil.which, programs), None)


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
