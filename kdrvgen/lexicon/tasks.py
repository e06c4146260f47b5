"""The tasks of the generated Makefile.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import tomli

from kdrvgen.model import Project
from kdrvgen.rendering.project import render_own

__all__ = ["MakeTask", "tasks"]

_PLAIN = {"driver": {"name": "hello"}}
_PACKAGE = {"package": {"kind": "device", "provider": "Example", "submission": {}}}
# With a package, hooks and several targets, every task is generated.
_WITH_EVERY_TASK = {
    "driver": {
        "name": "hello",
        "targets": ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"],
    },
    "makefile": {
        "hooks": {
            "after-build": ["built"],
            "after-sign": ["signed"],
            "after-package": ["packed"],
        },
        "tasks": {name: {"command": "cargo"} for name in ("built", "signed", "packed")},
    },
    **_PACKAGE,
}
_HIDDEN = frozenset({"built", "packed", "pipeline", "signed"})


class MakeTask(NamedTuple):
    """A task of cargo-make.

    Attributes:
        name: Its name.
        description: What it does for a driver `hello`; a sentence.
        before: The tasks that cargo-make runs before it.
    """

    name: str
    description: str
    before: tuple[str, ...]


@cache
def tasks() -> tuple[MakeTask, ...]:
    """Return the tasks that users can run, in the order of Makefile.toml.

    Their texts are those of a project without hooks and without a package, if it has the task.
    """
    plain = {task.name: task for task in (*_tasks({**_PLAIN, **_PACKAGE}), *_tasks(_PLAIN))}
    return tuple(plain.get(task.name, task) for task in _tasks(_WITH_EVERY_TASK))


def _tasks(configuration: Mapping[str, Any]) -> Iterator[MakeTask]:
    project = Project.model_validate(configuration)
    makefile = tomli.loads(render_own(project)[PurePosixPath("Makefile.toml")])
    for name, task in makefile["tasks"].items():
        if name not in _HIDDEN and not task.get("private"):
            before = tuple(each for each in task["dependencies"] if each not in _HIDDEN)
            yield MakeTask(name, f"{task['description']}.", before)
