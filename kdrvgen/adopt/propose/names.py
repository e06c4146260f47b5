"""What is called otherwise once it is carried over, and everything that refers to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kdrvgen.adopt.propose.wdk_build import WDK_TASKS
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.model.tasks import GENERATED_TASKS

__all__ = ["REFERENCES", "Names", "all_variables", "new_names", "strings", "texts"]

REFERENCES = ("dependencies", "alias", "run_task", "windows_alias", "linux_alias", "mac_alias")
"""Keys of a task that name other tasks."""


@dataclass(frozen=True, slots=True)
class Names:
    """New names of tasks and variables, by the old ones."""

    tasks: Mapping[str, str]
    variables: Mapping[str, str]

    def in_task(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return a task with everything in it called as it is called now."""
        found: dict[str, Any] = self.in_value(table)
        for key in REFERENCES:
            if isinstance(found.get(key), str):
                found[key] = self.task(found[key])
            elif isinstance(found.get(key), list):
                found[key] = [
                    self.task(each) if isinstance(each, str) else each for each in found[key]
                ]
        return found

    def task(self, name: str) -> str:
        """Return what a task is called now."""
        return self.tasks.get(name, name)

    def variable(self, name: str) -> str:
        """Return what a variable is called now."""
        return self.variables.get(name, name)

    def in_value(self, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        """Return a value whose variables are called as they are called now."""
        if isinstance(value, str):
            for old, new in self.variables.items():
                value = _renamed(value, old, new)
            return value
        if isinstance(value, list):
            return [self.in_value(member) for member in value]
        if isinstance(value, Mapping):
            return {self.variable(name): self.in_value(member) for name, member in value.items()}
        return value


def _renamed(text: str, old: str, new: str) -> str:
    escaped = re.escape(old)
    text = re.sub(rf"%{escaped}%", lambda _: f"%{new}%", text)
    text = re.sub(rf"\$\{{{escaped}(?=[:}}])", lambda _: f"${{{new}", text)
    return re.sub(rf"\$(env:)?{escaped}\b", lambda found: f"${found[1] or ''}{new}", text)


def new_names(makefile: Makefile, pipeline: Pipeline) -> Names:
    """Return the new names that a makefile's tasks and variables need.

    The generated pipeline has names of its own, and keeps some for later.
    """
    tasks = {
        name: f"own-{name}"
        for name in makefile.tasks
        if name in GENERATED_TASKS and name not in pipeline.roles
    }
    # Another task does what one of such a name did.
    tasks |= {
        name: role
        for name, role in pipeline.roles.items()
        if name in GENERATED_TASKS and name != role
    }
    if "default" in tasks and _comes_to_the_pipeline(makefile, pipeline):
        tasks["default"] = "sign"
    if "build" not in makefile.tasks:
        tasks["build"] = "build-driver"  # cargo-make's own runs `cargo build`
    if makefile.wdk:
        tasks |= {
            theirs: ours
            for theirs, ours in WDK_TASKS.items()
            if ours and theirs not in makefile.tasks
        }
    return Names(
        tasks=tasks,
        variables={
            name: f"MY_{name}"
            for name in all_variables(makefile)
            if name.upper().startswith("DRIVER_")
        },
    )


def _comes_to_the_pipeline(makefile: Makefile, pipeline: Pipeline) -> bool:
    """Tell whether the `default` task does what the generated one does."""
    task = makefile.tasks["default"]
    meant = [each for key in REFERENCES for each in task.names(key)]
    roles = {pipeline.roles.get(each) for each in meant}
    return "sign" in roles and roles <= pipeline.mains.keys()


def all_variables(makefile: Makefile) -> Iterator[str]:
    """Yield the names of all variables, some more than once."""
    yield from makefile.env
    for profile in makefile.profiles.values():
        yield from profile


def strings(value: object) -> str:
    """Return all text in a value of TOML, as one."""
    return "\n".join(texts(value))


def texts(value: object) -> Iterator[str]:
    """Yield each string in a value of TOML."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)
