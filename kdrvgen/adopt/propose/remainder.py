"""What a replaced task does besides making the driver: the user's other tasks and variables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.passwords import replace_passwords
from kdrvgen.adopt.parse.steps import Action, Step
from kdrvgen.adopt.parse.toml_values import TomlValue, joined_strings
from kdrvgen.adopt.parse.variables import variable_names
from kdrvgen.adopt.propose.renames import Renames
from kdrvgen.adopt.read.environment import FLAG_VARIABLES
from kdrvgen.adopt.read.findings import difference, equivalent, unknown
from kdrvgen.adopt.read.makefile import MakeTask
from kdrvgen.credentials import holds_credential
from kdrvgen.report.finding import Finding

__all__ = ["MAKING", "ProposedTask", "Remainder", "find_remainder"]

MAKING = frozenset({Action.BUILD, Action.RENAME, Action.CERTIFICATE, Action.SIGN})
"""The actions that the generated tasks do."""


@dataclass(frozen=True, slots=True)
class ProposedTask:
    """A task of `[makefile.tasks]`.

    Attributes:
        table: Its keys.
        origin: Where it comes from.
        places: Where its keys come from.
    """

    table: Mapping[str, TomlValue]
    origin: Origin
    places: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a replaced task does besides making the driver.

    Attributes:
        tasks: Its other commands as new tasks, by name.
        variables: The variables that it sets for itself, each with its value and origin.
        findings: What changes.
    """

    tasks: dict[str, ProposedTask] = field(default_factory=dict)
    variables: dict[str, tuple[TomlValue, Origin]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def find_remainder(
    task: MakeTask,
    steps: Sequence[Step],
    role: str,
    renames: Renames,
    passwords: Collection[str],
) -> Remainder:
    """Return what a task does before and after making the driver.

    Args:
        task: The task.
        steps: Its commands. At least one of them makes the driver.
        role: The generated task that replaces it.
        renames: The new names of variables.
        passwords: Passwords that the project has elsewhere.
    """
    finder = _Finder(task, steps, renames, passwords)
    making = [index for index, step in enumerate(steps) if step.action in MAKING]
    first, last = making[0], making[-1]
    for step in steps:
        if step.action is Action.SETUP and step.words[0] == "set":
            finder.add_set_command(step)
    finder.add_env()
    finder.add_part(f"{task.name}-before", steps[:first], [])
    finder.add_part(f"{task.name}-after", steps[last + 1 :], [role])
    for step in steps[first : last + 1]:
        if step.action is Action.OTHER:
            finder.add_lost(step)
    return finder.remainder


class _Finder:
    def __init__(
        self, task: MakeTask, steps: Sequence[Step], renames: Renames, passwords: Collection[str]
    ) -> None:
        self.task = task
        self.steps = steps
        self.renames = renames
        self.passwords = passwords
        self.remainder = Remainder()

    def add_part(self, name: str, part: Sequence[Step], dependencies: list[str]) -> None:
        """Add a task for the commands before or after those that make the driver."""
        lines = self._lines(part)
        if not lines:
            return
        script = replace_passwords("\n".join(lines.values()) + "\n", self.passwords)
        table: dict[str, TomlValue] = {"dependencies": dependencies} if dependencies else {}
        if isinstance(self.task.keys.get("cwd"), str):
            table["cwd"] = self.task.keys["cwd"]
        table["script"] = script
        origin = next(step.origin for step in part if step.origin in lines)
        self.remainder.tasks[name] = ProposedTask(self.renames.in_value(table), origin)
        self.remainder.findings.append(
            difference(
                origin,
                f"`{self.task.name}` does more than make the driver",
                f"its other commands are a separate task: `cargo make {name}`",
            )
        )

    def _lines(self, part: Sequence[Step]) -> dict[Origin, str]:
        """Return the lines of commands that do not make the driver, with the setup they need."""
        mixed = {step.origin for step in self.steps if step.action in MAKING | {Action.DELETE}}
        kept: list[Origin] = []
        for step in part:
            if step.action is not Action.OTHER:
                continue
            line = step.command.line.strip()
            condition = step.command.condition
            is_whole = not condition or line.startswith(condition[0])
            if step.is_called or step.origin in mixed or not is_whole or not line:
                self.add_lost(step)
            else:
                kept.append(step.origin)
        lines: dict[Origin, str] = {}
        for step in self.steps if kept else ():
            is_setup = step.action is Action.SETUP and step.origin < kept[-1]
            if (is_setup and step.origin not in mixed) or step.origin in kept:
                lines.setdefault(step.origin, step.command.line.strip())
        return lines

    def add_lost(self, step: Step) -> None:
        """Report a command that neither a generated task nor a new task contains."""
        program = step.words[0] if step.words else "a script"
        message = f"the generated task does not run `{program}`, which `{self.task.name}` runs"
        self.remainder.findings.append(
            unknown(step.origin, message, "add a task for it under [makefile.tasks]")
        )

    def add_set_command(self, step: Step) -> None:
        """Add the variable of a `set` command."""
        name, is_set, value = " ".join(step.words[1:]).partition("=")
        if not is_set or not re.fullmatch(r"[A-Za-z_]\w*", name) or step.is_called:
            return
        if name.upper() in FLAG_VARIABLES:
            return  # its flags are in `[linker]`
        if holds_credential(name):
            self.add_lost(step)
            return
        self._add_variable(name, re.sub(r"%([^%\s]+)%", r"${\1}", value), step.origin)

    def add_env(self) -> None:
        """Add the variables of the task's `env`."""
        env = self.task.keys.get("env")
        used = variable_names(joined_strings({**self.task.keys, "env": None}))
        for name, value in env.items() if isinstance(env, Mapping) else ():
            origin = self.task.where("env", name)
            if name in used or name.upper() in FLAG_VARIABLES:
                continue  # other keys of config.toml have its meaning
            if isinstance(value, str) and not holds_credential(name):
                self._add_variable(name, self.renames.in_value(value), origin)
            else:
                message = f"`{self.task.name}` sets {name} only for itself"
                remedy = "the generated task does not set it: set it in the environment"
                self.remainder.findings.append(unknown(origin, message, remedy))

    def _add_variable(self, name: str, value: TomlValue, origin: Origin) -> None:
        self.remainder.variables[self.renames.variable(name)] = (value, origin)
        message = f"`{self.task.name}` sets {name} only for itself"
        remedy = "the proposal sets it for all tasks"
        self.remainder.findings.append(equivalent(origin, message, remedy))
