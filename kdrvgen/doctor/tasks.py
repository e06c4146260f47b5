"""The tasks of a project that a host runs, and which of them a finding breaks."""

from __future__ import annotations

import enum
from collections.abc import Collection

from kdrvgen.report.finding import Finding, Severity

__all__ = ["Command", "Task", "breaks", "needed_for"]

Command = tuple[str, ...]
"""A program and its arguments."""


class Task(enum.StrEnum):
    """A task that a host runs for a project."""

    BUILD = "build"
    SIGN = "sign"
    VERIFY = "verify"
    PACKAGE = "package"
    SUBMISSION = "submission"
    SMOKE = "smoke"
    DEPLOY = "deploy"


def needed_for(tasks: Collection[Task]) -> frozenset[Task]:
    """Return the tasks and those that the pipeline runs before them."""
    before = {Task.BUILD} if tasks else set()
    if set(tasks) - {Task.BUILD}:
        before.add(Task.SIGN)
    if Task.SUBMISSION in tasks:
        before.add(Task.PACKAGE)
    return frozenset(tasks) | before


def breaks(finding: Finding, tasks: Collection[Task]) -> bool:
    """Return whether one of the tasks cannot work because of a finding."""
    return finding.severity is Severity.ERROR and not set(tasks).isdisjoint(finding.tags)
