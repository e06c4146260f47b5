"""What a replaced task does besides making the driver: the user's other tasks and variables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.passwords import replace_passwords
from kdrvgen.adopt.parse.steps import Action, Step
from kdrvgen.adopt.parse.toml_values import TomlValue, joined_strings
from kdrvgen.adopt.parse.variables import variable_names
from kdrvgen.adopt.propose.carried import unexpanded
from kdrvgen.adopt.propose.references import ImageReferences
from kdrvgen.adopt.propose.renames import Renames
from kdrvgen.adopt.read.environment import FLAG_VARIABLES
from kdrvgen.adopt.read.findings import equivalent, unknown
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.credentials import holds_credential
from kdrvgen.report.finding import Finding

__all__ = ["MAKING", "Changes", "ProposedTask", "Remainder", "find_remainder"]

_QUOTED = re.compile(r"[\s&|<>^()]")
_SEPARATORS = frozenset({"", "&", "&&"})
MAKING = frozenset({Action.BUILD, Action.RENAME, Action.CERTIFICATE, Action.SIGN})
"""The actions that the generated tasks do."""


class Changes(NamedTuple):
    """What changes in the text of copied commands.

    Attributes:
        references: The paths of the project's image and package.
        renames: The new names of variables.
        passwords: Passwords that the project has elsewhere.
    """

    references: ImageReferences
    renames: Renames
    passwords: Collection[str]


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
        hooks: The point of `[makefile.hooks]` at which each of these tasks ran.
        variables: The variables that it sets for itself, each with its value and origin.
        findings: What changes.
    """

    tasks: dict[str, ProposedTask] = field(default_factory=dict)
    hooks: dict[str, str] = field(default_factory=dict)
    variables: dict[str, tuple[TomlValue, Origin]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


# The point at which a command runs that precedes or follows a step of the pipeline.
_BEFORE = {
    Action.BUILD: "before-build",
    Action.RENAME: "after-build",
    Action.CERTIFICATE: "before-sign",
    Action.SIGN: "before-sign",
    Action.PACKAGE: "before-package",
}
_AFTER = {
    Action.BUILD: "after-build",
    Action.RENAME: "after-build",
    Action.CERTIFICATE: "before-sign",
    Action.SIGN: "after-sign",
    Action.PACKAGE: "after-package",
}


def find_remainder(
    task: MakeTask,
    steps: Sequence[Step],
    changes: Changes,
    *,
    is_alias: bool = False,
) -> Remainder:
    """Return what a task does before, between and after the steps that make the driver.

    Args:
        task: The task.
        steps: Its commands. At least one of them makes the driver.
        changes: What changes in the text of its commands.
        is_alias: Whether a task of this name stays and runs the last commands, without a hook.
    """
    finder = _Finder(task, steps, changes)
    for step in steps:
        if step.action is Action.SETUP and step.words[0] == "set":
            finder.add_set_command(step)
    finder.add_env()
    making = [index for index, step in enumerate(steps) if step.action in _BEFORE]
    parts: dict[tuple[str, str], list[Step]] = {}
    for index, step in enumerate(steps):
        if step.action is not Action.OTHER:
            continue
        before = [each for each in making if each < index]
        if not before:
            place = "before", _BEFORE[steps[making[0]].action]
        else:
            last = steps[before[-1]].action
            is_between = last is Action.PACKAGE and before != making
            point = "before-package" if is_between else _AFTER[last]
            place = "after" if before == making else point, point
        parts.setdefault(place, []).append(step)
    for (suffix, point), part in parts.items():
        is_hook = not (is_alias and suffix == "after")
        finder.add_part(f"{task.name}-{suffix}", point, part, is_hook=is_hook)
    return finder.remainder


class _Finder:
    def __init__(
        self,
        task: MakeTask,
        steps: Sequence[Step],
        changes: Changes,
    ) -> None:
        self.task = task
        self.steps = steps
        self.references = changes.references
        self.renames = changes.renames
        self.passwords = changes.passwords
        self.remainder = Remainder()
        self.mixed = {
            step.command.number for step in steps if step.action in {*_BEFORE, Action.DELETE}
        }

    def add_part(self, name: str, point: str, part: Sequence[Step], *, is_hook: bool) -> None:
        """Add a task for commands that run at one point of the pipeline."""
        lines, origin = self._lines(part)
        if not lines or origin is None:
            return
        script = replace_passwords("\n".join(lines) + "\n", self.passwords)
        table: dict[str, TomlValue] = {}
        if isinstance(self.task.keys.get("cwd"), str):
            table["cwd"] = self.task.keys["cwd"]
        table["script"] = script
        self.remainder.tasks[name] = ProposedTask(self.renames.in_task(table), origin)
        if is_hook:
            self.remainder.hooks[name] = point
        self.remainder.findings.extend(unexpanded(origin, name, script))
        self.remainder.findings.append(
            equivalent(
                origin,
                f"`{self.task.name}` does more than make the driver",
                f"its other commands are the task `{name}`, "
                + (f"a hook of `{point}`" if is_hook else f"which `{self.task.name}` runs last"),
            )
        )

    def _lines(self, part: Sequence[Step]) -> tuple[list[str], Origin | None]:
        """Return the commands of a part with the setup they need, and where they begin."""
        kept: dict[int, str] = {}
        origin: Origin | None = None
        for step in part:
            text = self._text(step)
            if not text:
                if not self.references.makes_folder(step):
                    self.add_lost(step)
                continue
            number = step.command.number
            is_new = number not in kept or number in self.mixed
            kept[number] = "\n".join([kept[number], text] if number in kept and is_new else [text])
            origin = origin or step.origin
        setup = {
            step.command.number: step.command.source or step.command.line.strip()
            for step in (self.steps if kept else ())
            if step.action is Action.SETUP and not step.is_called
            if step.command.number < max(kept) and step.command.number not in kept
        }
        return [text for _, text in sorted({**setup, **kept}.items())], origin

    def _text(self, step: Step) -> str:
        """Return a command as a line of its own; "" if that is not possible or not needed."""
        command = step.command
        if not step.words or self.references.makes_folder(step):
            return ""
        if step.is_called:
            is_batch = step.origin.file.lower().endswith((".bat", ".cmd"))
            if not is_batch or command.condition or command.operator not in _SEPARATORS:
                return ""
            words = (step.program or step.words[0], *step.words[1:])
            line = " ".join(f'"{word}"' if _QUOTED.search(word) else word for word in words)
        elif command.number not in self.mixed:
            line = command.line.strip()
        else:
            line = command.source if command.operator in _SEPARATORS else ""
        if command.condition and not line.lower().startswith(command.condition[0].lower()):
            return ""
        if re.match(r"(mkdir|md)\s+[^\s&|>]+$", line, re.IGNORECASE):
            line = f"if not exist {line.split()[1]} {line}"  # it runs more than once
        return self.references.in_line(line, step.folder)

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
