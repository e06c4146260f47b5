"""Texts onto the disk: one run at a time, all files or none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from kdrvgen.errors import FileAccessError, RefusedError
from kdrvgen.output.access import explain
from kdrvgen.output.apply import apply
from kdrvgen.output.lock import held
from kdrvgen.output.paths import is_system_folder, make_folders, real_path, remove_if_empty
from kdrvgen.output.plan import Plan, make

__all__ = ["carry_out", "write"]


def write(
    texts: Mapping[PurePosixPath, str],
    root: str,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Plan:
    """Make the files below `root` say `texts`.

    Args:
        texts: The complete text of each file, by its path relative to `root`.
        root: The project's folder; made when missing.
        force: Whether to overwrite what was edited by hand or is not kdrvgen's.
        dry_run: Whether to write nothing, and refuse nothing.

    Returns:
        What was done, or with `dry_run` would be done.

    Raises:
        RefusedError: Writing would lose something of the user's; its `report` tells of each file.
        FileAccessError: A file cannot be read or written, or another run is at work there.
    """
    if dry_run:
        return make(texts, root, force=force)
    return carry_out(root, lambda: make(texts, root, force=force))


def carry_out(root: str, planned: Callable[[], Plan]) -> Plan:
    """Apply what `planned` says, asked once no other run is at work in `root`.

    Raises:
        RefusedError: The plan refuses a file; its `report` tells of each.
        FileAccessError: A file cannot be read or written, or another run is at work there.
    """
    try:
        if is_system_folder(root):
            raise FileAccessError(
                f"{root} is a folder of the system's devices or processes, and no place for a "
                "project. Nothing was changed. Use -o to write to another folder."
            )
        made = make_folders(root)
        real_root = real_path(root)
    except OSError as error:
        raise explain("use the folder", root, error, "Nothing was changed.") from error
    with contextlib.ExitStack() as undo:
        for folder in made:
            undo.callback(remove_if_empty, folder)
        with held(root):
            plan = planned()
            if plan.report.refused:
                raise RefusedError(plan.report)
            apply(plan, real_root)
        undo.pop_all()
    return plan
