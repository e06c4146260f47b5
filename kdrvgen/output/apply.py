"""Carrying out a plan so that whatever happens, each file is either old or new."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Sequence

from kdrvgen.errors import FileAccessError
from kdrvgen.output.access import explain
from kdrvgen.output.paths import temporary
from kdrvgen.output.plan import Plan, Step
from kdrvgen.output.report import Status

__all__ = ["apply"]

_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)  # Windows would write CRLF without it
)
_UNTOUCHED = "Nothing was changed."


def apply(plan: Plan) -> None:
    """Write, replace and remove the files as `plan` says; the plan must refuse none.

    All new contents are on disk under temporary names before the first file is replaced, so that
    a full disk changes nothing. Existing files keep their permissions.

    Raises:
        FileAccessError: Something cannot be written; says whether anything was changed.
    """
    for left in plan.leftovers:
        _discard(left)
    writes = [s for s in plan.steps if s.entry.status in {Status.CREATED, Status.UPDATED}]
    removals = [s for s in plan.steps if s.entry.status is Status.REMOVED]
    for step in (*writes, *removals):
        _check_permission(step)
    with contextlib.ExitStack() as undo:
        for step in writes:
            _make_folder(os.path.dirname(step.real), undo)  # noqa: PTH120 - paths here are str
        for step in writes:
            undo.callback(_discard, temporary(step.real))
            _stage(step)
        _commit(writes, removals)
        undo.pop_all()  # every temporary file has become its file


def _check_permission(step: Step) -> None:
    """Refuse a read-only file: replacing it needs no leave, but whoever set the bit meant it."""
    if step.found is None:
        return
    writable = os.stat(step.real).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)  # noqa: PTH116 - likewise
    if not writable or not os.access(step.real, os.W_OK):
        raise FileAccessError(
            f"cannot write {step.real}: the file is read-only. {_UNTOUCHED} "
            "Make it writable, then run kdrvgen again."
        )


def _make_folder(path: str, undo: contextlib.ExitStack) -> None:
    if os.path.isdir(path):  # noqa: PTH112 - likewise
        return
    _make_folder(os.path.dirname(path), undo)  # noqa: PTH120 - likewise
    try:
        os.mkdir(path)  # noqa: PTH102 - likewise
    except OSError as error:
        raise explain("make the folder", path, error, _UNTOUCHED) from error
    undo.callback(_discard_folder, path)


def _stage(step: Step) -> None:
    """Put the step's text on disk beside its file, under the temporary name."""
    try:
        descriptor = os.open(temporary(step.real), _FLAGS, 0o666)
        try:
            _like(step, descriptor)
            waiting = memoryview((step.entry.after or "").encode())
            while waiting:
                waiting = waiting[os.write(descriptor, waiting) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise explain("write", step.real, error, _UNTOUCHED) from error


def _like(step: Step, descriptor: int) -> None:
    """Give the new file the old one's permissions, and its owner where that is allowed."""
    if step.found is None or sys.platform == "win32":
        return
    old = os.stat(step.real)  # noqa: PTH116 - likewise
    with contextlib.suppress(PermissionError):  # only root may give files away
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o777)


def _commit(writes: Sequence[Step], removals: Sequence[Step]) -> None:
    steps = (*writes, *removals)
    for done, step in enumerate(steps):
        try:
            if step.entry.status is Status.REMOVED:
                os.unlink(step.real)  # noqa: PTH108 - likewise
                _discard_folder(os.path.dirname(step.real))  # noqa: PTH120 - likewise
            else:
                os.replace(temporary(step.real), step.real)  # noqa: PTH105 - likewise
        except OSError as error:
            aftermath = f"{done} of {len(steps)} files are done." if done else ""
            raise explain("replace", step.real, error, aftermath or _UNTOUCHED) from error


def _discard(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - likewise


def _discard_folder(path: str) -> None:
    with contextlib.suppress(OSError):  # not empty: something else is in it
        os.rmdir(path)  # noqa: PTH106 - likewise
