"""Lists of files for people: a line about each change, or the tree of a new project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kdrvgen.characters import visible
from kdrvgen.report.files import summed_folder

__all__ = ["file_lines", "tree_lines"]

_PLANNED = {"created": "create", "updated": "update", "removed": "remove", "refused": "refuse"}
_COLORS = {"created": "32", "updated": "33", "removed": "31", "refused": "31;1"}
_WIDTH = len("unchanged")


def file_lines(
    rows: Iterable[tuple[str, str, str]],
    *,
    whole: bool = False,
    planned: bool = False,
    paint: Callable[[str, str], str] = lambda text, _: text,
) -> Iterator[str]:
    """Yield a line about each file for the human format.

    Args:
        rows: Status, path and reason (or "") of each.
        whole: Whether each file of a shared folder has its own line.
        planned: Whether the changes are only planned.
        paint: Returns a text in an ANSI style.
    """
    for status, path, reason in rows if whole else _summed(rows):
        word = f"{_PLANNED.get(status, status) if planned else status:{_WIDTH}}"
        shown = visible(f"{path} ({reason})" if reason else path)
        yield f"{paint(word, _COLORS.get(status, '2'))}  {shown}"


def _summed(rows: Iterable[tuple[str, str, str]]) -> Iterable[tuple[str, str, str]]:
    """Yield the rows, with one row for all files of a shared folder with the same status."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for status, path, reason in rows:
        folder = summed_folder(path)
        place = folder if folder and status != "refused" else path
        groups.setdefault((status, place, reason), []).append(path)
    for (status, place, reason), paths in groups.items():
        yield status, place if len(paths) > 1 else paths[0], reason


def tree_lines(paths: Iterable[str]) -> Iterable[str]:
    """Yield the lines of a tree of files, each folder above its content."""
    above: list[str] = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        *folders, name = path.split("/")
        for depth, folder in enumerate(folders):
            if above[: depth + 1] != folders[: depth + 1]:
                yield f"{'  ' * depth}{folder}/"
        above = folders
        yield f"{'  ' * len(folders)}{name}"
