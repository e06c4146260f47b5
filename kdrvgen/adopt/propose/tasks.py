"""`[makefile]`: what a project's makefile has that is no part of making the driver."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.parse.passwords import (
    PASSWORD_VARIABLE,
    is_variable,
    passwords_in,
    without_passwords,
)
from kdrvgen.adopt.parse.switches import signature
from kdrvgen.adopt.parse.variables import mentioned
from kdrvgen.adopt.propose.draft import Draft, Entry
from kdrvgen.adopt.propose.names import new_names, strings
from kdrvgen.adopt.propose.variables import say_variables
from kdrvgen.adopt.propose.wdk_build import WDK_TASKS, makefile_finding
from kdrvgen.adopt.read.environment import FLAG_VARIABLES
from kdrvgen.adopt.read.findings import difference, hazard, note, unknown
from kdrvgen.adopt.read.makefile import Makefile, MakeTask
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.adopt.read.service import SERVICE_TASKS
from kdrvgen.adopt.read.steps import Act, Step
from kdrvgen.credentials import holds_credential
from kdrvgen.model.tasks import GENERATED_TASKS
from kdrvgen.report.finding import Finding

__all__ = ["carry", "passwords_of"]

# Where a dependency of a task of the pipeline runs.
_HOOKS = {
    "build-driver": "before-build",
    "rename": "after-build",
    "certificate": "before-sign",
    "sign": "before-sign",
}
_MAKING = frozenset({Act.BUILD, Act.IMAGE, Act.CERTIFICATE, Act.SIGN})


def carry(
    draft: Draft,
    makefile: Makefile,
    pipeline: Pipeline,
    spent: Collection[str],
    passwords: Collection[str],
) -> list[Finding]:
    """Say in the draft what else the makefile has.

    Args:
        draft: Where to say it.
        makefile: The makefile.
        pipeline: The tasks of it whose place the generated ones take.
        spent: Variables whose meaning has gone into other keys already.
        passwords: Those that stand in the makefile.
    """
    carrier = _Carrier(draft, makefile, pipeline, passwords)
    carrier.run()
    about_variables = say_variables(
        draft,
        makefile,
        carrier.names,
        carried=[strings(table) for table, _, _ in carrier.tasks.values()],
        replaced=[
            strings(makefile.tasks[name].table) for name in pipeline.roles if name in makefile.tasks
        ],
        spent=spent,
        passwords=carrier.passwords,
    )
    about_wdk = [makefile_finding(makefile.wdk)] if makefile.wdk else []
    return [*carrier.findings, *about_variables, *about_wdk]


def passwords_of(makefile: Makefile, pipeline: Pipeline) -> frozenset[str]:
    """Return the passwords that stand in plain text in a makefile and in the scripts it calls."""
    in_scripts = {
        password
        for task in makefile.tasks.values()
        for password in passwords_in(strings(task.table))
    }
    of_signtool = {each for each in _signtool_passwords(pipeline) if not is_variable(each)}
    return frozenset(in_scripts | of_signtool)


def _signtool_passwords(pipeline: Pipeline) -> Iterator[str]:
    """Yield the password arguments of all calls of signtool, some of which are variables."""
    for profile in pipeline.profiles:
        if profile.signature:
            yield profile.signature[0].password
    for steps in pipeline.steps.values():
        for step in steps:
            if step.words[:2] == ("signtool", "sign"):
                yield signature(step.words[2:]).password


class _Carrier:
    def __init__(
        self,
        draft: Draft,
        makefile: Makefile,
        pipeline: Pipeline,
        passwords: Collection[str],
    ) -> None:
        self.draft = draft
        self.makefile = makefile
        self.pipeline = pipeline
        self.findings: list[Finding] = []
        self.tasks: dict[str, tuple[dict[str, Any], Mapping[str, Origin], Origin]] = {}
        self.names = new_names(makefile, pipeline)
        self.passwords = passwords

    def run(self) -> None:
        for name, task in self.makefile.tasks.items():
            role = self.pipeline.roles.get(name)
            if name == "default" and self.names.task(name) == "sign":
                continue
            if role is None:
                self._own(name, task)
            elif role in SERVICE_TASKS:
                if name != role:
                    self._stand_in(name, task, [role])
            elif self.pipeline.mains[role] == name:
                self._main(name, task, role)
            else:
                self._second(name, task, role)
        self._complete_references()
        for name, (table, inner, origin) in self.tasks.items():
            self.draft.entries["makefile", "tasks", name] = Entry(table, origin, inner)

    def _own(self, name: str, task: MakeTask) -> None:
        is_whole = {"command", "script", "run_task", "dependencies", "alias"} & task.keys.keys()
        if self.makefile.wdk and name in WDK_TASKS and not is_whole:
            message = f"`{name}` changes a task of wdk-build's makefile, which ends with it"
            self.findings.append(difference(task.origin, message, "it is not carried over"))
            return
        new = self.names.task(name)
        if new != name:
            message = f"`{name}` is a task of the generated pipeline"
            self.findings.append(difference(task.origin, message, f"this one is called `{new}`"))
        table = without_passwords(dict(task.table), self.passwords)
        if table != task.table:
            self.findings.append(
                hazard(
                    task.origin,
                    "a password in plain text: whoever has this file has it too",
                    f"it is not carried over; set {PASSWORD_VARIABLE}, and make another one",
                    cured=False,
                )
            )
        places = {key: task.where(key) for key in task.table}
        self.tasks[new] = (self.names.in_task(table), places, task.origin)

    def _extra(self, task: MakeTask) -> list[str]:
        """Return what a task of the pipeline depends on that is no part of the pipeline."""
        wanted = [*task.names("dependencies"), *task.names("run_task")]
        mains = self.pipeline.mains
        new = [
            self.names.task(each) for each in wanted if self.pipeline.roles.get(each) not in mains
        ]
        return [each for each in new if each not in GENERATED_TASKS - SERVICE_TASKS]

    def _main(self, name: str, task: MakeTask, role: str) -> None:
        extra = self._extra(task)
        if name != role:
            self._stand_in(name, task, [*extra, role])
        elif extra:
            is_generated = not SERVICE_TASKS.isdisjoint(extra)  # no task for a hook
            by_hook = f"name it in `makefile.hooks.{_HOOKS[role]}`, or "
            self.findings.append(
                difference(
                    task.where("dependencies"),
                    f"`{name}` depends on {', '.join(f'`{each}`' for each in extra)}",
                    f"the generated `{name}` does not: {'' if is_generated else by_hook}run "
                    f"`cargo make {extra[0]}` yourself",
                )
            )
        self._rest(name, task, role)

    def _second(self, name: str, task: MakeTask, role: str) -> None:
        main = self.pipeline.mains[role]
        one, other = (
            [step.words for step in self.pipeline.steps[each] if step.act in _MAKING]
            for each in (name, main)
        )
        if one == other:
            self._stand_in(name, task, [*self._extra(task), role])
            return
        self.findings.append(
            unknown(
                task.origin,
                f"`{name}` does what `{main}` does, but in another way",
                f"only `{main}` is reproduced; a profile may be what is wanted",
            )
        )

    def _stand_in(self, name: str, task: MakeTask, dependencies: list[str]) -> None:
        """Keep the name of a task whose work a generated one does."""
        new = self.names.task(name)
        if new in GENERATED_TASKS:
            message = f"the generated pipeline reserves the name `{name}`"
            self.findings.append(difference(task.origin, message, f"run `cargo make {new}`"))
            return
        places = {"dependencies": task.origin}
        self.tasks[new] = ({"dependencies": dependencies}, places, task.origin)

    def _rest(self, name: str, task: MakeTask, role: str) -> None:
        """Make tasks of what a task does before and after making the driver."""
        steps = self.pipeline.steps[name]
        making = [index for index, step in enumerate(steps) if step.act in _MAKING]
        for step in steps:
            if step.act is Act.SETTING and step.words[0] == "set":
                self._set(step, name)
        self._own_variables(task)
        self._part(f"{name}-before", steps, steps[: making[0]], task, [])
        self._part(f"{name}-after", steps, steps[making[-1] + 1 :], task, [role])
        for step in steps[making[0] : making[-1] + 1]:
            if step.act is Act.OTHER:
                self._lost(step, name)

    def _part(
        self,
        new: str,
        steps: Sequence[Step],
        some: Sequence[Step],
        task: MakeTask,
        dependencies: list[str],
    ) -> None:
        lines = self._lines(steps, some, task)
        if not lines:
            return
        script = without_passwords("\n".join(lines.values()) + "\n", self.passwords)
        table: dict[str, Any] = {"dependencies": dependencies} if dependencies else {}
        if isinstance(task.keys.get("cwd"), str):
            table["cwd"] = task.keys["cwd"]
        table["script"] = script
        origin = next(step.origin for step in some if step.origin in lines)
        self.tasks[new] = (self.names.in_value(table), {}, origin)
        self.findings.append(
            difference(
                origin,
                f"`{task.name}` does more than to make the driver",
                f"the rest is a task of its own: `cargo make {new}`",
            )
        )

    def _lines(
        self, steps: Sequence[Step], some: Sequence[Step], task: MakeTask
    ) -> dict[Origin, str]:
        """Return the lines of commands that are no part of the pipeline, with what they need."""
        mixed = {step.origin for step in steps if step.act in _MAKING | {Act.TIDY}}
        wanted: list[Origin] = []
        for step in some:
            if step.act is not Act.OTHER:
                continue
            line = step.command.line.strip()
            begins = not step.command.condition or line.startswith(step.command.condition[0])
            if step.is_called or step.origin in mixed or not begins or not line:
                self._lost(step, task.name)
            else:
                wanted.append(step.origin)
        found: dict[Origin, str] = {}
        for step in steps if wanted else ():
            is_before = step.act is Act.SETTING and step.origin < wanted[-1]
            if (is_before and step.origin not in mixed) or step.origin in wanted:
                found.setdefault(step.origin, step.command.line.strip())
        return found

    def _lost(self, step: Step, name: str) -> None:
        program = step.words[0] if step.words else "a script"
        message = f"`{program}` in `{name}` is no part of the generated task"
        advice = "make a task of it under [makefile.tasks]"
        self.findings.append(unknown(step.origin, message, advice))

    def _set(self, step: Step, name: str) -> None:
        """Have a variable that a task of the pipeline sets for itself set for all."""
        variable, is_set, value = " ".join(step.words[1:]).partition("=")
        if not is_set or not re.fullmatch(r"[A-Za-z_]\w*", variable) or step.is_called:
            return
        if variable.upper() in FLAG_VARIABLES:
            return  # part of `[linker]`
        if holds_credential(variable):
            self._lost(step, name)
            return
        path = ("makefile", "env", self.names.variable(variable))
        self.draft.say(path, re.sub(r"%([^%\s]+)%", r"${\1}", value), step.origin)
        message = f"`{name}` sets {variable} for itself"
        self.findings.append(note(step.origin, message, "all tasks see it now"))

    def _own_variables(self, task: MakeTask) -> None:
        """Have what a task of the pipeline has in its `env` set for all."""
        env = task.keys.get("env")
        used = mentioned(strings({**task.keys, "env": None}))
        for name, value in env.items() if isinstance(env, Mapping) else ():
            origin = task.where_in("env", name)
            message = f"`{task.name}` sets {name} for itself"
            if name in used or name.upper() in FLAG_VARIABLES:
                continue  # its meaning has gone into other keys
            if isinstance(value, str) and not holds_credential(name):
                path = ("makefile", "env", self.names.variable(name))
                self.draft.say(path, self.names.in_value(value), origin)
                self.findings.append(note(origin, message, "all tasks see it now"))
            else:
                advice = "the generated task does not: set it in the environment"
                self.findings.append(unknown(origin, message, advice))

    def _complete_references(self) -> None:
        """Give a task for each of cargo-make's own that is depended on, or leave that out."""
        for name, (table, _, origin) in list(self.tasks.items()):
            wanted = table.get("dependencies")
            if not isinstance(wanted, list):
                continue
            kept = []
            for each in wanted:
                if not isinstance(each, str) or each in {*self.tasks, *GENERATED_TASKS}:
                    kept.append(each)
                elif each == "clean":
                    kept.append(each)
                    self.tasks["clean"] = ({"command": "cargo", "args": ["clean"]}, {}, origin)
                else:
                    is_wdks = self.makefile.wdk and each in WDK_TASKS
                    whose = "wdk-build's" if is_wdks else "cargo-make's"
                    message = f"`{name}` depends on `{each}`, which is {whose} own or nobody's"
                    advice = f"{whose} own tasks are left out: make one under [makefile.tasks]"
                    self.findings.append(difference(origin, message, advice))
            if kept != wanted:
                table["dependencies"] = kept
