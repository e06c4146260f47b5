"""Dependencies of the copied tasks that the generated makefile does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.propose.remainder import ProposedTask
from kdrvgen.adopt.propose.renames import called_tasks
from kdrvgen.adopt.propose.wdk_build import WDK_TASKS
from kdrvgen.adopt.read.core_tasks import CORE_TASKS
from kdrvgen.adopt.read.findings import difference
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.report.finding import Finding

__all__ = ["with_core_tasks", "without_missing"]


def with_core_tasks(
    tasks: Mapping[str, ProposedTask], hooks: Collection[str], makefile: Makefile
) -> dict[str, ProposedTask]:
    """Return the tasks, with those of cargo-make's own that they or the hooks need."""
    result = dict(tasks)
    needed = list(hooks)
    for proposed in tasks.values():
        needed += [each for each in _dependencies(proposed) if isinstance(each, str)]
        needed += called_tasks(proposed.table)
    for name in needed:
        is_core = name in CORE_TASKS and makefile.has_core_tasks
        if is_core and name not in result and name not in makefile.tasks:
            result[name] = ProposedTask(CORE_TASKS[name], Origin(makefile.file or ""))
    return result


def without_missing(
    tasks: Mapping[str, ProposedTask], generated: Collection[str], makefile: Makefile
) -> tuple[dict[str, ProposedTask], list[Finding]]:
    """Return the tasks without dependencies on tasks that do not exist, and report these.

    Args:
        tasks: The tasks.
        generated: The names of the generated tasks.
        makefile: The project's makefile.
    """
    known = {*tasks, *generated}
    result: dict[str, ProposedTask] = {}
    findings: list[Finding] = []
    for name, proposed in tasks.items():
        dependencies = _dependencies(proposed)
        kept = [each for each in dependencies if not _is_text(each) or each in known]
        missing = [str(each) for each in dependencies if each not in kept]
        findings += _missing(name, missing, proposed, makefile)
        changed = {**proposed.table, "dependencies": kept}
        result[name] = replace(proposed, table=changed) if missing else proposed
    return result, findings


def _dependencies(proposed: ProposedTask) -> list[object]:
    dependencies = proposed.table.get("dependencies")
    return dependencies if isinstance(dependencies, list) else []


def _missing(
    name: str, missing: Collection[str], proposed: ProposedTask, makefile: Makefile
) -> Iterator[Finding]:
    for dependency in missing:
        owner = "wdk-build" if makefile.wdk and dependency in WDK_TASKS else "cargo-make"
        yield difference(
            proposed.origin,
            f"`{name}` depends on `{dependency}`, which is a task of {owner} or does not exist",
            "the proposal leaves the dependency out: add a task of this name under "
            "[makefile.tasks]",
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str)
