"""Whether the generated files are what the configuration says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from kdrvgen.doctor.tasks import Task, outcome
from kdrvgen.model import Project
from kdrvgen.pipeline import FOLDER
from kdrvgen.report.files import Entry
from kdrvgen.report.finding import Finding, Severity

__all__ = ["agreement", "generated"]

_TASKS = tuple(Task)


def _places(entries: Iterable[Entry], others: Iterable[Finding] = ()) -> list[str]:
    """Return the paths; that of their folder for the support files."""
    paths = [*(str(each.path) for each in entries), *(each.file for each in others)]
    parts = (path.partition(f"{FOLDER}/") for path in paths)
    return list(dict.fromkeys(above + folder for above, folder, _ in parts))


def generated(config: str, project: Project) -> Iterator[Finding]:
    """Compare them, as `kdrvgen CONFIG --check` does."""
    from kdrvgen.output.writer import write  # noqa: PLC0415 - for this probe only
    from kdrvgen.rendering.project import render  # noqa: PLC0415 - likewise: pulls in Jinja2

    root = os.path.dirname(config) or "."  # noqa: PTH120 - as the verb has it
    report = write(render(project), Path(root), dry_run=True).report
    if not report.drifted:
        names = ", ".join(_places(report.entries))
        yield outcome("generated files", Severity.OK, f"up to date: {names}", _TASKS, root)
        return
    differing = ", ".join(_places(report.drift, report.strangers))
    if report.refused:
        yield outcome(
            "generated files",
            Severity.NOTE,
            f"edited by hand, written by a newer kdrvgen, or not kdrvgen's: {differing}",
            _TASKS,
            root,
            f"kdrvgen {config} --diff shows how; change the configuration, or eject the files",
        )
        return
    yield outcome(
        "generated files",
        Severity.ERROR,
        f"not what {config} says: {differing}",
        _TASKS,
        root,
        commands=((sys.executable, "-m", "kdrvgen", config),),
    )


def agreement(config: str, project: Project) -> Iterable[Finding]:
    """Compare Cargo.toml and rust-toolchain.toml with the configuration."""
    from kdrvgen.agreement.check import disagreements  # noqa: PLC0415 - for this probe only

    config_file = Path(config)
    found = disagreements(project, config_file.parent, config_file)
    return (each._replace(tags=_TASKS) for each in found)
