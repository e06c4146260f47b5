"""What a probe found: its words, which tasks it is for, and what mends it."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["Command", "Finding", "State", "Task", "needed_for"]

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


class State(enum.StrEnum):
    """What a finding comes to."""

    FOUND = "found"
    NOTE = "note"
    """The tasks work, and yet it should be known."""
    MISSING = "missing"
    """The tasks that it is for cannot work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a probe.

    Attributes:
        name: What was looked for.
        state: Whether it is there.
        message: What was found, or what is wrong.
        tasks: Those that need it.
        place: Where it is: a path, or a key of the registry; "" when it has none.
        advice: What mends it, in words, where no command does.
        commands: What mends it; each is safe to run as it stands.
    """

    name: str
    state: State
    message: str
    tasks: tuple[Task, ...]
    place: str = ""
    advice: str = ""
    commands: tuple[Command, ...] = ()

    def breaks(self, asked: Collection[Task]) -> bool:
        """Tell whether one of the tasks asked for cannot work because of this."""
        return self.state is State.MISSING and not set(asked).isdisjoint(self.tasks)
