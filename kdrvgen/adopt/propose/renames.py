"""The new names of tasks and variables whose names the generated pipeline has for itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kdrvgen.adopt.parse.toml_values import TomlValue, joined_strings
from kdrvgen.adopt.parse.variables import replace_variables
from kdrvgen.adopt.propose.wdk_build import wdk_tasks
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.model.tasks import GENERATED_TASKS, PACKAGE_TASKS

__all__ = ["CARGO_MAKE_VARIABLES", "Renames", "called_tasks", "find_renames", "reserved_tasks"]

# `cargo make` in a script, its options, and the task that it runs.
_NESTED = re.compile(
    r"(?P<before>\b(?:cargo(?:\.exe)?[ \t]+make|makers(?:\.exe)?)[ \t]+"
    r"(?:(?:-p|-e|-l|--profile|--env|--loglevel)[ \t=]+\S+[ \t]+|--(?:no-workspace|quiet)[ \t]+)*)"
    r"(?P<task>[A-Za-z_][\w-]*)"
)

_REFERENCES = ("dependencies", "alias", "run_task", "windows_alias", "linux_alias", "mac_alias")
"""Keys of a task that name other tasks."""


CARGO_MAKE_VARIABLES: Mapping[str, str] = {
    "CARGO_MAKE_CRATE_NAME": "DRIVER_NAME",
    "CARGO_MAKE_PROJECT_NAME": "DRIVER_NAME",
    "CARGO_MAKE_CRATE_FS_NAME": "CRATE_FS_NAME",
    "CARGO_MAKE_CRATE_VERSION": "CRATE_VERSION",
    "CARGO_MAKE_PROJECT_VERSION": "CRATE_VERSION",
    "CARGO_MAKE_CRATE_TARGET_DIRECTORY": "DRIVER_TARGET_DIR",
    "CARGO_MAKE_CRATE_CUSTOM_TRIPLE_TARGET_DIRECTORY": "CRATE_TRIPLE_TARGET_DIR",
    "CARGO_MAKE_CRATE_TARGET_TRIPLE": "DRIVER_TRIPLE",
    "CARGO_MAKE_RUST_TARGET_TRIPLE": "DRIVER_TRIPLE",
    "CARGO_MAKE_CARGO_PROFILE": "DRIVER_CARGO_PROFILE",
}
"""Variables that cargo-make does not set in the generated makefile, and what replaces them.

That makefile has `skip_core_tasks`, `skip_crate_env_info` and `skip_rust_env_info`. Source:
cargo-make 0.37.24, environment/mod.rs and descriptor/makefiles/stable.toml.
"""


@dataclass(frozen=True, slots=True)
class Renames:
    """New names of tasks and variables, by their old names."""

    tasks: Mapping[str, str]
    variables: Mapping[str, str]

    def in_task(self, table: Mapping[str, TomlValue]) -> dict[str, TomlValue]:
        """Return a task with the new names of all tasks and variables in it."""
        renamed: dict[str, TomlValue] = self._nested(self.in_value(table))
        words = renamed.get("args")
        if isinstance(words, list) and _runs_cargo_make(renamed, words):
            at = 1 if words[:1] == ["make"] else 0
            renamed["args"] = [*words[:at], self.task(str(words[at])), *words[at + 1 :]]
        for key in _REFERENCES:
            if isinstance(renamed.get(key), str):
                renamed[key] = self.task(renamed[key])
            elif isinstance(renamed.get(key), list):
                renamed[key] = [
                    self.task(name) if isinstance(name, str) else name for name in renamed[key]
                ]
        return renamed

    def _nested(self, value: TomlValue) -> TomlValue:
        """Return a value with the new names of the tasks that scripts run with `cargo make`."""
        if isinstance(value, str):
            return _NESTED.sub(lambda match: match["before"] + self.task(match["task"]), value)
        if isinstance(value, list):
            return [self._nested(member) for member in value]
        if isinstance(value, Mapping):
            return {name: self._nested(member) for name, member in value.items()}
        return value

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


def _runs_cargo_make(table: Mapping[str, TomlValue], words: list[TomlValue]) -> bool:
    """Return whether a task runs another one with the command `cargo make TASK`."""
    command = str(table.get("command", ""))
    at = 1 if command == "cargo" and words[:1] == ["make"] else 0
    return (bool(at) or command == "makers") and len(words) > at


def called_tasks(table: Mapping[str, TomlValue]) -> list[str]:
    """Return the tasks that a task runs with `cargo make`."""
    words = table.get("args")
    called = [match["task"] for match in _NESTED.finditer(joined_strings(table.get("script")))]
    if isinstance(words, list) and _runs_cargo_make(table, words):
        called.append(str(words[1 if words[:1] == ["make"] else 0]))
    return called


def reserved_tasks(pipeline: Pipeline) -> frozenset[str]:
    """Return the names that the generated makefile has for itself."""
    return GENERATED_TASKS | (PACKAGE_TASKS if pipeline.package else frozenset())


def find_renames(makefile: Makefile, pipeline: Pipeline) -> Renames:
    """Return the new names that a makefile needs.

    The generated pipeline uses some names of tasks and variables, and reserves others.
    """
    reserved = reserved_tasks(pipeline)
    tasks = {
        name: f"own-{name}"
        for name in makefile.tasks
        if name in reserved and name not in pipeline.roles
    }
    # Another generated task replaces one with a reserved name.
    tasks |= {
        name: role for name, role in pipeline.roles.items() if name in reserved and name != role
    }
    if "default" in tasks and _only_makes_the_driver(makefile, pipeline):
        tasks["default"] = "sign"
    if "build" not in makefile.tasks:
        tasks["build"] = "build-driver"  # cargo-make's own task runs `cargo build`
    if makefile.wdk:
        tasks |= {
            name: generated
            for name, generated in wdk_tasks(has_package=pipeline.package is not None).items()
            if generated and name not in makefile.tasks
        }
    return Renames(
        tasks=tasks,
        variables={
            **CARGO_MAKE_VARIABLES,
            **{
                name: f"MY_{name}"
                for name in makefile.all_variables()
                if name.upper().startswith("DRIVER_")
            },
        },
    )


def _only_makes_the_driver(makefile: Makefile, pipeline: Pipeline) -> bool:
    """Return whether the `default` task does what the generated one does: it makes no package."""
    task = makefile.tasks["default"]
    references = [name for key in _REFERENCES for name in task.names(key)]
    roles = {pipeline.roles.get(name) for name in references}
    return "sign" in roles and roles <= pipeline.main_tasks.keys() - {"package"}
