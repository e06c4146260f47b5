"""Apply plans so that, whatever happens, each file is either old or new."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.folder import Folder
from kdrvgen.output.os_errors import explain
from kdrvgen.output.paths import remove_if_empty, temporary
from kdrvgen.output.plan import Plan, Step
from kdrvgen.report.files import Report, Status

__all__ = ["apply"]

_UNTOUCHED = "Nothing was changed."
_CHANGED = "was changed while kdrvgen was running"


class _Target(NamedTuple):
    """A step, with the open folder and the name of its file."""

    step: Step
    folder: Folder
    name: str

    @property
    def new(self) -> str:
        """The temporary name of the new content."""
        return temporary(self.step.real).name


def apply(places: Sequence[tuple[Plan, Path]], report: Report) -> None:
    """Write, replace and remove the files of all plans, which must not refuse any file.

    All new contents are written under temporary names before the first file is replaced, so that a
    full disk changes nothing. Existing files keep their permissions.

    A file is replaced only after its new content is on disk: a power failure leaves the old one or
    the new one. A new file replaces nothing, so the system can write it later.

    Args:
        places: Each plan with the folder that it is for, resolved. The files of a plan are replaced
            before those of the next one.
        report: The report about all plans, for a refusal.

    Raises:
        RefusedError: A file changed after the plan was made; nothing was written.
        FileAccessError: Something cannot be written, or a file was edited after the first one was
            replaced. The message reports what was changed.
    """
    with contextlib.ExitStack() as opened, contextlib.ExitStack() as undo:
        writes, removals = [], []
        for plan, real_root in places:
            _remove_leftovers(plan, real_root)
            for step in plan.steps:
                if step.entry.status in {Status.CREATED, Status.UPDATED}:
                    writes.append(_open(step, real_root, opened, undo))
                elif step.entry.status is Status.REMOVED:
                    removals.append(_open(step, real_root, opened, undo))
        for target in (*writes, *removals):
            _check_permission(target)
        for target in writes:
            _stage(target, undo)
        _commit(report, (*writes, *removals))
        undo.pop_all()  # every temporary file is in its place


def _remove_leftovers(plan: Plan, real_root: Path) -> None:
    """Remove the temporary files of a killed run; only regular files can be kdrvgen's."""
    for path in plan.leftovers:
        *above, name = path.relative_to(real_root).parts
        with contextlib.suppress(OSError):
            folder = Folder.open(real_root)
            for each in above:
                with contextlib.closing(folder):
                    folder = folder.below(each)
            with contextlib.closing(folder):
                found = folder.status(name)
                if found and stat.S_ISREG(found.st_mode):
                    folder.remove(name)


def _open(
    step: Step, real_root: Path, opened: contextlib.ExitStack, undo: contextlib.ExitStack
) -> _Target:
    """Open the folder of a step's file, and create missing folders."""
    *above, name = step.real.relative_to(real_root).parts
    place = real_root
    try:
        folder = Folder.open(place)
        for each in above:
            place = folder.path / each
            with contextlib.ExitStack() as passed:
                passed.callback(folder.close)
                if folder.status(each) is None:
                    folder.make_folder(each)
                    opened.push(passed.pop_all())  # `undo` needs it open
                    undo.callback(folder.discard_folder, each)
                folder = folder.below(each)
    except OSError as error:
        raise explain("use the folder", str(place), error, _UNTOUCHED) from error
    opened.callback(folder.close)
    return _Target(step, folder, name)


def _check_permission(target: _Target) -> None:
    """Refuse a read-only file: it could be replaced, but the user protected it on purpose."""
    if target.step.found is not None and not target.folder.is_writable(target.name):
        raise FileAccessError(
            f"cannot write {target.step.real}: the file is read-only. {_UNTOUCHED} "
            "Make it writable, then run kdrvgen again."
        )


def _stage(target: _Target, undo: contextlib.ExitStack) -> None:
    """Write the step's text beside its file, under the temporary name."""
    try:
        descriptor = target.folder.create(target.new)
    except FileExistsError as error:
        raise explain("make", str(temporary(target.step.real)), error, _UNTOUCHED) from error
    except OSError as error:
        raise explain("write", str(target.step.real), error, _UNTOUCHED) from error
    undo.callback(target.folder.discard, target.new)
    try:
        try:
            _like(target, descriptor)
            waiting = memoryview((target.step.entry.after or "").encode())
            while waiting:
                waiting = waiting[os.write(descriptor, waiting) :]
            if target.step.found is not None:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise explain("write", str(target.step.real), error, _UNTOUCHED) from error


def _like(target: _Target, descriptor: int) -> None:
    """Set the permissions of the old file on the new one, and its owner if that is allowed."""
    old = target.folder.status(target.name)
    if old is None or sys.platform == "win32":
        return
    with contextlib.suppress(PermissionError):  # only root can change the owner
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o777)


def _commit(report: Report, targets: Sequence[_Target]) -> None:
    """Move the new files into place, one after the other.

    Each file is compared again with the content that the plan was made from: first all of them, so
    that an edit stops the run before anything is changed, then each one directly before it is
    replaced. A new file cannot replace anything. For the others, a few microseconds remain between
    the comparison and the system call after it: no system can replace a file on condition that it
    has a certain content. A program that opened the file before and writes to it afterwards writes
    to the old file, which has lost its name.
    """
    for target in targets:
        if not _is_as_planned(target):
            raise _refusal(report, target)
    for done, target in enumerate(targets):
        try:
            was_as_planned = _is_as_planned(target) and _put_in_place(target)
        except OSError as error:
            aftermath = f"{_progress(done, targets)}." if done else _UNTOUCHED
            raise explain("replace", str(target.step.real), error, aftermath) from error
        if not was_as_planned and done:
            raise FileAccessError(
                f"{target.step.real} {_CHANGED}, so it was not overwritten. "
                f"{_progress(done, targets)}. Run kdrvgen again."
            )
        if not was_as_planned:
            raise _refusal(report, target)


def _progress(done: int, targets: Sequence[_Target]) -> str:
    return f"{done} of {len(targets)} files {'was' if done == 1 else 'were'} written"


def _put_in_place(target: _Target) -> bool:
    """Apply one step; return False if another program has just created the file."""
    try:
        if target.step.entry.status is Status.REMOVED:
            target.folder.remove(target.name)
            remove_if_empty(target.folder.path)
        elif target.step.found is None:
            target.folder.add(target.new, target.name)
        else:
            target.folder.replace(target.new, target.name)
    except FileExistsError:
        return False
    return True


def _is_as_planned(target: _Target) -> bool:
    try:
        return target.folder.read(target.name) == target.step.found
    except OSError:  # now a link, a folder, a device or unreadable
        return False


def _refusal(report: Report, changed: _Target) -> RefusedError:
    """Return the error for a file that was changed during the run."""
    entries = [
        entry._replace(status=Status.REFUSED, reason=_CHANGED)
        if entry.path == changed.step.entry.path
        else entry
        for entry in report.entries
    ]
    return RefusedError(report._replace(entries=tuple(entries)))
