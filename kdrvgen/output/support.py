"""Find unknown files in the folder of the support files, where only kdrvgen writes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from kdrvgen.errors import FileAccessError
from kdrvgen.output.paths import real_path
from kdrvgen.output.plan import Plan, Step, read, written_by_newer
from kdrvgen.pipeline import FOLDER
from kdrvgen.rendering.header import Ownership, examine, normalise
from kdrvgen.report.files import UNKNOWN_FILE, Entry, Status
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["with_strangers"]

_OWN_SUFFIXES = (".lock", ".rs", ".toml")
_TEMPORARY = ".kdrvgen-new"
_ADVICE = f"move it away, because kdrvgen owns everything in {FOLDER}"


def with_strangers(
    plan: Plan, paths: Collection[PurePosixPath], root: Path, *, force: bool = False
) -> Plan:
    """Return the plan with steps and warnings for other files in the support folder.

    An unedited file of an older kdrvgen is removed. Anything else is reported. The folder of a
    newer kdrvgen is not changed.

    Args:
        plan: The plan for `paths`.
        paths: The known files, relative to `root`.
        root: The folder that contains `FOLDER`.
        force: Whether a newer kdrvgen's folder is overwritten.
    """
    if not any(path.parts[0] == FOLDER for path in paths):
        return plan
    steps, warnings = list(plan.steps), list(plan.warnings)
    for path in _others(root / FOLDER, PurePosixPath(FOLDER), paths):
        named = root / path
        text = _text(named) if path.suffix in _OWN_SUFFIXES else None
        owner = Ownership.FOREIGN if text is None else examine(text)
        if text is not None and owner is Ownership.INTACT:
            reason = "not part of this version of kdrvgen"
            entry = Entry(path, Status.REMOVED, reason, normalise(text))
            steps.append(Step(entry, real_path(named), text.encode()))
        elif owner is not Ownership.EJECTED:
            edited = " and was edited by hand" if owner is Ownership.EDITED else ""
            message = f"does not belong to this version of kdrvgen{edited}"
            place = Place(str(path))
            warnings.append(Finding(UNKNOWN_FILE, message, place, Severity.WARNING, _ADVICE))
    steps.sort(key=lambda step: step.entry.path)
    newer = "" if force else _newer(steps)
    if newer:
        steps = [_refused(step, newer) for step in steps]
    return Plan(tuple(steps), tuple(warnings), plan.leftovers)


def _newer(steps: Sequence[Step]) -> str:
    """Return the reason not to change the folder of a newer kdrvgen; one file has its version."""
    reasons = (
        written_by_newer(step.entry.before or "")
        for step in steps
        if step.entry.path.parts[0] == FOLDER
    )
    return next(filter(None, reasons), "")


def _refused(step: Step, reason: str) -> Step:
    changes = step.entry.status in {Status.CREATED, Status.UPDATED, Status.REMOVED}
    if step.entry.path.parts[0] != FOLDER or not changes:
        return step
    return step._replace(entry=step.entry._replace(status=Status.REFUSED, reason=reason))


def _others(
    folder: Path, path: PurePosixPath, known: Collection[PurePosixPath]
) -> Iterator[PurePosixPath]:
    """Yield unknown files in a folder, and folders in which no file is kdrvgen's."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # it does not exist, or writing there reports the error
        return
    for entry in entries:
        inner = path / entry.name
        if not entry.is_dir(follow_symlinks=False):
            if inner not in known and not entry.name.endswith(_TEMPORARY):
                yield inner
        elif any(inner in each.parents for each in known):
            yield from _others(folder / entry.name, inner, known)
        else:
            files = _files(folder / entry.name)
            if any(_is_own(file) for file in files):
                yield from _others(folder / entry.name, inner, known)
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
