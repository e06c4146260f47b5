"""Whether the generated files are what the configuration says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from kdrvgen.doctor.findings import Finding, State, Task
from kdrvgen.model import Project
from kdrvgen.output.report import Caution, Entry
from kdrvgen.pipeline import FOLDER

__all__ = ["agreement", "generated"]

_TASKS = tuple(Task)


def _places(entries: Iterable[Entry | Caution]) -> list[str]:
    """Return the paths; that of their folder for the support files."""
    paths = (str(each.path).partition(f"{FOLDER}/") for each in entries)
    return list(dict.fromkeys(above + folder for above, folder, _ in paths))


def generated(config: str, project: Project) -> Iterator[Finding]:
    """Compare them, as `kdrvgen CONFIG --check` does."""
    from kdrvgen.output.run import write  # noqa: PLC0415 - for this probe only
    from kdrvgen.rendering.project import render  # noqa: PLC0415 - likewise: pulls in Jinja2

    root = os.path.dirname(config) or "."  # noqa: PTH120 - as the verb has it
    report = write(render(project), root, dry_run=True).report
    if not report.drifted:
        names = ", ".join(_places(report.entries))
        yield Finding("generated files", State.FOUND, f"up to date: {names}", _TASKS, root)
        return
    differing = ", ".join(_places((*report.drift, *report.strangers)))
    if report.refused:
        yield Finding(
            "generated files",
            State.NOTE,
            f"edited by hand, written by a newer kdrvgen, or not kdrvgen's: {differing}",
            _TASKS,
            root,
            f"kdrvgen {config} --diff shows how; change the configuration, or eject the files",
        )
        return
    yield Finding(
        "generated files",
        State.MISSING,
        f"not what {config} says: {differing}",
        _TASKS,
        root,
        commands=((sys.executable, "-m", "kdrvgen", config),),
    )


def agreement(config: str, project: Project) -> Iterator[Finding]:
    """Compare Cargo.toml and rust-toolchain.toml with the configuration."""
    from kdrvgen.agreement.check import disagreements  # noqa: PLC0415 - for this probe only

    root = os.path.dirname(config) or "."  # noqa: PTH120 - as the verb has it
    for each in disagreements(project, root, config):
        place = f"{each.file}:{each.span.line}:{each.span.column}" if each.span else each.file
        state = State.MISSING if each.severity == "error" else State.NOTE
        yield Finding("agreement", state, each.message, _TASKS, place, each.hint)
