"""What a host is to do with a project, and a probe's outcome for these tasks."""

from __future__ import annotations

import enum
from collections.abc import Collection

from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["Command", "Task", "breaks", "needed_for", "outcome"]

Command = tuple[str, ...]
"""A program and its arguments."""


class Task(enum.StrEnum):
    """What a host is to do with a project."""

    BUILD = "build"
    SIGN = "sign"
    VERIFY = "verify"
    SMOKE = "smoke"
    DEPLOY = "deploy"


def needed_for(tasks: Collection[Task]) -> frozenset[Task]:
    """Return the tasks with those that the pipeline runs before them."""
    before = {Task.BUILD} if tasks else set()
    if set(tasks) - {Task.BUILD}:
        before.add(Task.SIGN)
    return frozenset(tasks) | before


def outcome(  # noqa: PLR0913, PLR0917 - what a finding is made of
    name: str,
    severity: Severity,
    message: str,
    tasks: tuple[Task, ...],
    place: str = "",
    advice: str = "",
    commands: tuple[Command, ...] = (),
) -> Finding:
    """Return what a probe found.

    Args:
        name: What it looked for; the rule's id is made from it.
        severity: OK if it is there, ERROR if the tasks cannot work, else NOTE.
        message: What was found, or what is wrong.
        tasks: Those that need it.
        place: Where it is: a path, a key of the registry or a store; "" when it has none.
        advice: What corrects it, where no command does.
        commands: What corrects it; each is safe to run as it stands.
    """
    return Finding(
        rule=f"host-{name.lower().replace(' ', '-')}",
        message=f"{name}: {message}",
        place=Place(place) if place else None,
        severity=severity,
        help=advice,
        tags=tasks,
        fixes=commands,
    )


def breaks(finding: Finding, asked: Collection[Task]) -> bool:
    """Tell whether one of the tasks asked for cannot work because of a finding."""
    return finding.severity is Severity.ERROR and not set(asked).isdisjoint(finding.tags)
