"""Write texts to the disk: one run at a time, all files or none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.apply import apply
from kdrvgen.output.lock import held
from kdrvgen.output.os_errors import explain
from kdrvgen.output.paths import is_system_folder, make_folders, real_path, remove_if_empty
from kdrvgen.output.plan import Plan, make
from kdrvgen.output.support import with_strangers

__all__ = ["carry_out", "write"]


def write(
    texts: Mapping[PurePosixPath, str],
    root: Path,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Plan:
    """Write `texts` to the files below `root`.

    Args:
        texts: The complete text of each file, by its path relative to `root`. Paths that begin with
            `..` are those of the support files, in the root of the workspace.
        root: The project's folder; created if missing.
        force: Whether to overwrite files that were edited by hand or that are not kdrvgen's.
        dry_run: Whether to write nothing, and to refuse nothing.

    Returns:
        The plan that was applied, or with `dry_run` would be applied.

    Raises:
        RefusedError: Writing would overwrite something of the user's; `report` has each file.
        FileAccessError: A file cannot be read or written, or another kdrvgen is running there.
    """
    places = _places(texts, root)
    if dry_run:
        return _joined([_planned(place, force=force) for place in places])
    return _carry_out(places, lambda place: _planned(place, force=force))


def carry_out(root: Path, planned: Callable[[], Plan]) -> Plan:
    """Apply the plan that `planned` returns, which is called when no other run is active.

    Raises:
        RefusedError: The plan refuses a file; `report` has each file.
        FileAccessError: A file cannot be read or written, or another kdrvgen is running there.
    """
    return _carry_out([_Place(root, "", {})], lambda _: planned())


class _Place(NamedTuple):
    """A folder for files, and the path to it from the project: "" or `../..`."""

    root: Path
    prefix: str
    texts: Mapping[PurePosixPath, str]


def _places(texts: Mapping[PurePosixPath, str], root: Path) -> list[_Place]:
    """Return the root of the workspace, if it gets a file, and then the project."""
    found: dict[str, dict[PurePosixPath, str]] = {"": {}}
    for path, text in texts.items():
        above = [part for part in path.parts if part == ".."]
        found.setdefault("/".join(above), {})[PurePosixPath(*path.parts[len(above) :])] = text
    return [_Place(root / prefix, prefix, found[prefix]) for prefix in sorted(found, reverse=True)]


def _planned(place: _Place, *, force: bool) -> Plan:
    plan = make(place.texts, place.root, force=force)
    plan = with_strangers(plan, place.texts, place.root, force=force)
    return _seen_from_project(plan, place.prefix)


def _carry_out(places: Sequence[_Place], planned: Callable[[_Place], Plan]) -> Plan:
    with contextlib.ExitStack() as locks, contextlib.ExitStack() as undo:
        real_roots = []
        for place in places:
            real_roots.append(_prepare(place.root, undo))
            locks.enter_context(held(place.root))
        plans = [planned(place) for place in places]
        whole = _joined(plans)
        if whole.report.refused:
            raise RefusedError(whole.report)
        apply([*zip(plans, real_roots, strict=True)], whole.report)
        undo.pop_all()
    return whole


def _prepare(root: Path, undo: contextlib.ExitStack) -> Path:
    """Create a missing folder, and return its real path; `undo` removes it again."""
    try:
        if is_system_folder(root):
            raise FileAccessError(
                f"{root} is a folder of the system's devices or processes: a project cannot be "
                "there. Nothing was changed. Use -o to write to another folder."
            )
        for folder in make_folders(root):
            undo.callback(remove_if_empty, folder)
        return real_path(root)
    except OSError as error:
        raise explain("use the folder", str(root), error, "Nothing was changed.") from error


def _seen_from_project(plan: Plan, prefix: str) -> Plan:
    """Return the plan with paths relative to the project."""
    if not prefix:
        return plan
    return Plan(
        tuple(
            step._replace(entry=step.entry._replace(path=prefix / step.entry.path))
            for step in plan.steps
        ),
        tuple(each.named(f"{prefix}/{each.file}") for each in plan.warnings),
        plan.leftovers,
    )


def _joined(plans: Sequence[Plan]) -> Plan:
    return Plan(
        tuple(
            sorted(
                (step for plan in plans for step in plan.steps), key=lambda each: each.entry.path
            )
        ),
        tuple(warning for plan in plans for warning in plan.warnings),
        tuple(left for plan in plans for left in plan.leftovers),
    )
