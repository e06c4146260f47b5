"""Find unknown files in the folders of the support files and of the crate `kernel`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from kdrvgen.errors import FileAccessError
from kdrvgen.kernel import KERNEL_FOLDER, SHARED_KERNEL_FOLDER
from kdrvgen.output.paths import real_path
from kdrvgen.output.plan import Plan, Step, read, written_by_newer
from kdrvgen.pipeline import FOLDER
from kdrvgen.rendering.header import Ownership, examine, normalise
from kdrvgen.report.files import UNKNOWN_FILE, Entry, Status
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["with_strangers"]

_SUPPORT = PurePosixPath(FOLDER)
_FOLDERS = (_SUPPORT, PurePosixPath(KERNEL_FOLDER), PurePosixPath(SHARED_KERNEL_FOLDER))
_OWN_SUFFIXES = (".lock", ".rs", ".toml")
_TEMPORARY = ".kdrvgen-new"
_ADVICE = {
    _SUPPORT: f"move it away, because kdrvgen owns everything in {_SUPPORT}",
    **dict.fromkeys(_FOLDERS[1:], "move it away; or run `kdrvgen eject` to keep it as your own"),
}


def with_strangers(
    plan: Plan, paths: Collection[PurePosixPath], root: Path, *, force: bool = False
) -> Plan:
    """Return the plan with steps and warnings for other files in kdrvgen's folders.

    An unedited file of an older kdrvgen is removed. Anything else in the support folder is
    reported. In the crate `kernel`, which has room for the user's own modules, only an edited file
    of an older kdrvgen is. The folder of a newer kdrvgen is not changed.

    Args:
        plan: The plan for `paths`.
        paths: The known files, relative to `root`.
        root: The folder that contains the folders.
        force: Whether a newer kdrvgen's folder is overwritten.
    """
    folders = {parent for path in paths for parent in path.parents}
    for folder in _FOLDERS:
        if folder in folders:
            others = _others(root / folder, folder, paths, folders)
            plan = _with_strangers(plan, others, root, folder, force=force)
    return plan


def _with_strangers(
    plan: Plan,
    others: Iterable[PurePosixPath],
    root: Path,
    folder: PurePosixPath,
    *,
    force: bool,
) -> Plan:
    steps, warnings = list(plan.steps), list(plan.warnings)
    for path in others:
        named = root / path
        text = _text(named) if path.suffix in _OWN_SUFFIXES else None
        owner = Ownership.FOREIGN if text is None else examine(text)
        if text is not None and owner is Ownership.INTACT:
            reason = "not part of this version of kdrvgen"
            entry = Entry(path, Status.REMOVED, reason, normalise(text))
            steps.append(Step(entry, real_path(named), text.encode()))
        elif owner is Ownership.EDITED or (owner is Ownership.FOREIGN and folder == _SUPPORT):
            edited = " and was edited by hand" if owner is Ownership.EDITED else ""
            message = f"does not belong to this version of kdrvgen{edited}"
            place = Place(str(path))
            warnings.append(
                Finding(UNKNOWN_FILE, message, place, Severity.WARNING, _ADVICE[folder])
            )
    steps.sort(key=lambda step: step.entry.path)
    newer = "" if force else _newer(steps, folder)
    if newer:
        steps = [_refused(step, newer, folder) for step in steps]
    return Plan(tuple(steps), tuple(warnings), plan.leftovers)


def _newer(steps: Sequence[Step], folder: PurePosixPath) -> str:
    """Return the reason not to change the folder of a newer kdrvgen; one file has its version."""
    reasons = (
        written_by_newer(step.entry.before or "")
        for step in steps
        if folder in step.entry.path.parents
    )
    return next(filter(None, reasons), "")


def _refused(step: Step, reason: str, folder: PurePosixPath) -> Step:
    changes = step.entry.status in {Status.CREATED, Status.UPDATED, Status.REMOVED}
    if folder not in step.entry.path.parents or not changes:
        return step
    return step._replace(entry=step.entry._replace(status=Status.REFUSED, reason=reason))


def _others(
    folder: Path,
    path: PurePosixPath,
    known: Collection[PurePosixPath],
    folders: Collection[PurePosixPath],
) -> Iterator[PurePosixPath]:
    """Yield unknown files in a folder, and folders in which no file is kdrvgen's.

    Args:
        folder: The folder on disk.
        path: The same folder, relative to the project's.
        known: All files of kdrvgen.
        folders: All folders with a file of kdrvgen.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # it does not exist, or writing there reports the error
        return
    for entry in entries:
        inner = path / entry.name
        if not entry.is_dir(follow_symlinks=False):
            if inner not in known and not entry.name.endswith(_TEMPORARY):
                yield inner
        elif inner in folders:
            yield from _others(folder / entry.name, inner, known, folders)
        else:
            files = _files(folder / entry.name)
            if any(_is_own(file) for file in files):
                yield from _others(folder / entry.name, inner, known, folders)
            elif files:
                yield inner


def _files(folder: Path) -> list[Path]:
    """Return every file below a folder, without following links."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


def _is_own(file: Path) -> bool:
    text = _text(file) if file.suffix in _OWN_SUFFIXES else None
    return text is not None and examine(text) is not Ownership.FOREIGN


def _text(file: Path) -> str | None:
    """Return the text of a regular file; None for anything else."""
    try:
        content = None if file.is_symlink() else read(file, str(file))
        return None if content is None else content.decode()
    except (FileAccessError, UnicodeDecodeError):
        return None
