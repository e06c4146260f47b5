"""How the generated files differ from those on disk: a line for a whole file, or its diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from kdrvgen.config.secrets import mask_file
from kdrvgen.output.paths import shown
from kdrvgen.report.diff import changed_lines, unified
from kdrvgen.report.files import Entry, summed_folder
from kdrvgen.spelling import quantity

__all__ = ["diffs", "is_new", "is_whole", "listed", "whole_files"]

_ROW = tuple[str, str, str]


def listed(prefix: Path, path: PurePosixPath) -> str:
    """Return the path of a file in lists and diffs: with slashes on every host."""
    return Path(shown(prefix, path)).as_posix()


def is_new(entry: Entry) -> bool:
    """Return whether a file does not exist yet."""
    return entry.before is None


def is_whole(entry: Entry) -> bool:
    """Return whether a run would create or remove a file, or replace most of its lines."""
    if entry.before == entry.after:
        return False
    if entry.before is None or entry.after is None:
        return True
    _, removed = changed_lines(entry.before, entry.after)
    return removed * 2 > entry.before.count("\n")


def whole_files(
    entries: Iterable[Entry], prefix: Path, *, only_support: bool = False
) -> Iterator[_ROW]:
    """Yield status, path and a summary for each file with `is_whole`.

    Args:
        entries: The files.
        prefix: A folder to write before each path.
        only_support: Whether to leave out all but the files of shared folders, such as `.kdrvgen`.
            Those of one folder are one row.
    """
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        path = listed(prefix, entry.path)
        if is_whole(entry) and (summed_folder(path) or not only_support):
            groups.setdefault((entry.status.value, summed_folder(path) or path), []).append(entry)
    for (status, path), group in groups.items():
        one = group[0] if len(group) == 1 else None
        yield status, listed(prefix, one.path) if one else path, _summary(group)


def _summary(group: list[Entry]) -> str:
    counts = [changed_lines(entry.before, entry.after) for entry in group]
    added, removed = (sum(column) for column in zip(*counts, strict=True))
    if len(group) > 1:
        return f"{len(group)} files, {quantity(added + removed, 'line')}"
    (entry,) = group
    if entry.before is None or entry.after is None:
        return quantity(added + removed, "line")
    reason = f"{entry.reason}: " if entry.reason else ""
    return f"{reason}{quantity(added, 'line')} replace {removed}"


def diffs(entries: Iterable[Entry], prefix: Path) -> Iterator[tuple[str, str]]:
    """Yield the path of each file, and its diff without the values of credentials.

    The diff of a whole file with hundreds of lines, such as a support file, is left out.
    """
    for entry in entries:
        path = listed(prefix, entry.path)
        is_all = entry.before is None or entry.after is None
        if entry.before == entry.after or (is_all and summed_folder(str(entry.path))):
            yield path, ""
            continue
        before, after = (
            text if text is None else mask_file(path, text) for text in (entry.before, entry.after)
        )
        yield path, unified(path, before, after)
