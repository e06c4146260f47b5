"""The new names of tasks and variables whose names the generated pipeline has for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.adopt.parse.variables import replace_variables
from kdrvgen.adopt.propose.wdk_build import WDK_TASKS
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.model.tasks import GENERATED_TASKS

__all__ = ["Renames", "find_renames"]

_REFERENCES = ("dependencies", "alias", "run_task", "windows_alias", "linux_alias", "mac_alias")
"""Keys of a task that name other tasks."""


@dataclass(frozen=True, slots=True)
class Renames:
    """New names of tasks and variables, by their old names."""

    tasks: Mapping[str, str]
    variables: Mapping[str, str]

    def in_task(self, table: Mapping[str, TomlValue]) -> dict[str, TomlValue]:
        """Return a task with the new names of all tasks and variables in it."""
        renamed: dict[str, TomlValue] = self.in_value(table)
        for key in _REFERENCES:
            if isinstance(renamed.get(key), str):
                renamed[key] = self.task(renamed[key])
            elif isinstance(renamed.get(key), list):
                renamed[key] = [
                    self.task(name) if isinstance(name, str) else name for name in renamed[key]
                ]
        return renamed

    def task(self, name: str) -> str:
        """Return the new name of a task."""
        return self.tasks.get(name, name)

    def variable(self, name: str) -> str:
        """Return the new name of a variable."""
        return self.variables.get(name, name)

    def in_value(self, value: TomlValue) -> TomlValue:
        """Return a value with the new names of all variables in it."""
        if isinstance(value, str):
            return replace_variables(value, self.variables) if self.variables else value
        if isinstance(value, list):
            return [self.in_value(member) for member in value]
        if isinstance(value, Mapping):
            return {self.variable(name): self.in_value(member) for name, member in value.items()}
        return value


def find_renames(makefile: Makefile, pipeline: Pipeline) -> Renames:
    """Return the new names that a makefile needs.

    The generated pipeline uses some names of tasks and variables, and reserves others.
    """
    tasks = {
        name: f"own-{name}"
        for name in makefile.tasks
        if name in GENERATED_TASKS and name not in pipeline.roles
    }
    # Another generated task replaces one with a reserved name.
    tasks |= {
        name: role
        for name, role in pipeline.roles.items()
        if name in GENERATED_TASKS and name != role
    }
    if "default" in tasks and _only_makes_the_driver(makefile, pipeline):
        tasks["default"] = "sign"
    if "build" not in makefile.tasks:
        tasks["build"] = "build-driver"  # cargo-make's own task runs `cargo build`
    if makefile.wdk:
        tasks |= {
            name: generated
            for name, generated in WDK_TASKS.items()
            if generated and name not in makefile.tasks
        }
    return Renames(
        tasks=tasks,
        variables={
            name: f"MY_{name}"
            for name in makefile.all_variables()
            if name.upper().startswith("DRIVER_")
        },
    )


def _only_makes_the_driver(makefile: Makefile, pipeline: Pipeline) -> bool:
    """Return whether the `default` task does what the generated one does."""
    task = makefile.tasks["default"]
    references = [name for key in _REFERENCES for name in task.names(key)]
    roles = {pipeline.roles.get(name) for name in references}
    return "sign" in roles and roles <= pipeline.main_tasks.keys()
