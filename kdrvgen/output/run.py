"""Texts onto the disk: one run at a time, all files or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from kdrvgen.errors import RefusedError
from kdrvgen.output.access import explain
from kdrvgen.output.apply import apply
from kdrvgen.output.lock import held
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
        os.makedirs(root, exist_ok=True)  # noqa: PTH103 - paths of this room are str
    except OSError as error:
        raise explain("use the folder", root, error, "Nothing was changed.") from error
    with held(root):
        plan = planned()
        if plan.report.refused:
            raise RefusedError(plan.report)
        apply(plan)
    return plan
