"""`[makefile]`: the tasks and variables of a project that are no part of making the driver."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kdrvgen.adopt.draft import Draft, Entry
from kdrvgen.adopt.expanding import mentioned
from kdrvgen.adopt.finding import Finding, Origin, difference, hazard, unknown
from kdrvgen.adopt.makefile import Makefile, MakeTask, Variable
from kdrvgen.adopt.passwords import passwords_in, without_passwords
from kdrvgen.adopt.pipeline import Pipeline
from kdrvgen.adopt.signing import PASSWORD_VARIABLE
from kdrvgen.adopt.steps import Act, Step
from kdrvgen.config.source import is_sensitive
from kdrvgen.model.makefile import GENERATED_TASKS, RESERVED_TASKS

__all__ = ["carry"]

_TAKEN = GENERATED_TASKS | RESERVED_TASKS | {"sign-x86_64", "sign-i686", "sign-aarch64"}
_REFERENCES = ("dependencies", "alias", "run_task", "windows_alias", "linux_alias", "mac_alias")
_FLAGS = frozenset({"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"})


def carry(
    draft: Draft, makefile: Makefile, pipeline: Pipeline, spent: Iterable[str]
) -> list[Finding]:
    """Say in the draft what else the makefile has.

    Args:
        draft: Where to say it.
        makefile: The makefile.
        pipeline: The tasks of it whose place the generated ones take.
        spent: Variables whose meaning has gone into other keys already.
    """
    return _Carrier(draft, makefile, pipeline, spent).run()


class _Carrier:
    def __init__(
        self, draft: Draft, makefile: Makefile, pipeline: Pipeline, spent: Iterable[str]
    ) -> None:
        self.draft = draft
        self.makefile = makefile
        self.pipeline = pipeline
        self.spent = frozenset(spent)
        self.findings: list[Finding] = []
        self.tasks: dict[str, tuple[dict[str, Any], Mapping[str, Origin], Origin]] = {}
        self.variables = {
            name: f"MY_{name}"
            for name in self._all_variables()
            if name.upper().startswith("DRIVER_")
        }
        self.names = {
            name: f"own-{name}"
            for name in makefile.tasks
            if name in _TAKEN and name not in pipeline.roles and not self._is_default(name)
        }
        self.passwords = {
            password
            for task in makefile.tasks.values()
            for password in passwords_in(_strings(task.table))
        }

    def run(self) -> list[Finding]:
        for name, task in self.makefile.tasks.items():
            if self._is_default(name):
                continue
            if name not in self.pipeline.roles:
                self._own(name, task)
            elif self.pipeline.mains[self.pipeline.roles[name]] == name:
                self._main(name, task)
            else:
                self._second(name, task)
        self._complete_references()
        self._say_tasks()
        self._say_variables()
        return self.findings

    def _is_default(self, name: str) -> bool:
        """Tell whether a task is a `default` that comes to what the generated one does."""
        if name != "default" or name in self.pipeline.roles:
            return False
        task = self.makefile.tasks[name]
        meant = [each for key in _REFERENCES for each in task.names(key)]
        return bool(meant) and all(each in self.pipeline.roles for each in meant)

    def _own(self, name: str, task: MakeTask) -> None:
        new = self.names.get(name, name)
        if new != name:
            told = f"`{name}` is a task of the generated pipeline, or will be one"
            self.findings.append(difference(task.origin, told, f"this one is called `{new}`"))
        table = without_passwords(dict(task.table), self.passwords)
        if table != task.table:
            self.findings.append(
                hazard(
                    task.origin,
                    "a password in plain text: whoever has this file has it too",
                    f"it is not carried over; set {PASSWORD_VARIABLE}, and make another one",
                )
            )
        self.tasks[new] = (
            self._renamed(table),
            {key: task.where(key) for key in task.table},
            task.origin,
        )

    def _main(self, name: str, task: MakeTask) -> None:
        role = self.pipeline.roles[name]
        extra = [
            each
            for each in (*task.names("dependencies"), *task.names("run_task"))
            if each not in self.pipeline.roles and self._task_name(each) not in GENERATED_TASKS
        ]
        if name != role:
            self._stand_in(name, task, [*extra, role])
        elif extra:
            self.findings.append(
                difference(
                    task.where("dependencies"),
                    f"`{name}` depends on {', '.join(f'`{each}`' for each in extra)}",
                    f"the generated `{name}` does not: run `cargo make {extra[0]}` yourself, or make "
                    "a task that depends on both",
                )
            )
        self._rest(name, task)

    def _second(self, name: str, task: MakeTask) -> None:
        role = self.pipeline.roles[name]
        main = self.pipeline.mains[role]
        acts = {Act.BUILD, Act.IMAGE, Act.CERTIFICATE, Act.SIGN}
        one, other = (
            [step.words for step in self.pipeline.steps[each] if step.act in acts]
            for each in (name, main)
        )
        if one == other:
            extra = [
                each for each in task.names("dependencies") if each not in self.pipeline.roles
            ]
            self._stand_in(name, task, [*extra, role])
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
        self.tasks[self.names.get(name, name)] = (
            {"dependencies": dependencies},
            {"dependencies": task.origin},
            task.origin,
        )

    def _rest(self, name: str, task: MakeTask) -> None:
        """Make tasks of what a task does before and after making the driver."""
        steps = self.pipeline.steps[name]
        acts = [step.act in {Act.BUILD, Act.IMAGE, Act.CERTIFICATE, Act.SIGN} for step in steps]
        first, last = acts.index(True), len(acts) - 1 - acts[::-1].index(True)
        for step in steps:
            if step.act is Act.SETTING and step.words[0] == "set":
                self._set(step, name)
        parts = (("before", steps[:first], []), ("after", steps[last + 1 :], [self._named(name)]))
        for part, some, dependencies in parts:
            lines = self._lines(steps, some, task)
            if not lines:
                continue
            new = f"{name}-{part}"
            script = without_passwords("\n".join(lines) + "\n", self.passwords)
            table: dict[str, Any] = {"dependencies": dependencies} if dependencies else {}
            table["script"] = self._with_new_variables(script)
            origin = some[0].origin
            self.tasks[new] = (table, {"script": origin, "dependencies": origin}, origin)
            self.findings.append(
                difference(
                    next(step.origin for step in some if step.act is Act.OTHER),
                    f"`{name}` does more than to make the driver",
                    f"the rest is a task of its own: `cargo make {new}`",
                )
            )
        for step in steps[first : last + 1]:
            if step.act is Act.OTHER:
                self._lost(step, name)

    def _named(self, name: str) -> str:
        role = self.pipeline.roles[name]
        return role if name == role else name

    def _lines(
        self, steps: Iterable[Step], some: Iterable[Step], task: MakeTask
    ) -> list[str]:
        """Return the lines of commands that are no part of the pipeline, with what they need."""
        mixed = {
            step.origin
            for step in steps
            if step.act in {Act.BUILD, Act.IMAGE, Act.CERTIFICATE, Act.SIGN, Act.TIDY}
        }
        wanted = []
        for step in some:
            if step.act is not Act.OTHER:
                continue
            line = step.command.line.strip()
            begins = step.command.condition[:1] in {(), tuple(line.split()[:1])}
            if step.is_called or step.origin in mixed or not begins or not line:
                self._lost(step, task.name)
            else:
                wanted.append(step.origin)
        if not wanted:
            return []
        found: dict[Origin, str] = {}
        for step in steps:
            before = step.act is Act.SETTING and step.origin < wanted[-1]
            if (before and step.origin not in mixed) or step.origin in wanted:
                found.setdefault(step.origin, step.command.line.strip())
        return list(found.values())

    def _lost(self, step: Step, name: str) -> None:
        program = step.words[0] if step.words else "a script"
        told = f"`{program}` in `{name}` is no part of the generated task"
        self.findings.append(unknown(step.origin, told, "make a task of it under [makefile.tasks]"))

    def _set(self, step: Step, name: str) -> None:
        variable, is_set, value = " ".join(step.words[1:]).partition("=")
        variable = variable.strip()
        if not is_set or is_sensitive(variable) or not re.fullmatch(r"[A-Za-z_]\w*", variable):
            return
        value = re.sub(r"%([^%\s]+)%", r"${\1}", value)
        self.draft.say(("makefile", "env", self.variables.get(variable, variable)), value, step.origin)
        told = f"`{name}` sets {variable} for itself"
        self.findings.append(difference(step.origin, told, "all tasks see it now"))

    def _renamed(self, table: dict[str, Any]) -> dict[str, Any]:
        """Return a task whose references and variables are called what they are called now."""
        found = self._with_new_variables(table)
        for key in _REFERENCES:
            if isinstance(found.get(key), str):
                found[key] = self._task_name(found[key])
            elif isinstance(found.get(key), list):
                found[key] = [
                    self._task_name(each) if isinstance(each, str) else each for each in found[key]
                ]
        return found

    def _task_name(self, name: str) -> str:
        if self._is_default(name) if name in self.makefile.tasks else False:
            return "sign"
        if name == "build" and name not in self.makefile.tasks:
            return "build-driver"  # cargo-make's own runs `cargo build`
        return self.names.get(name, name)

    def _with_new_variables(self, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        if isinstance(value, str):
            for old, new in self.variables.items():
                escaped = re.escape(old)
                value = re.sub(rf"%{escaped}%", f"%{new}%", value)
                value = re.sub(rf"\$\{{{escaped}(?=[:}}])", f"${{{new}", value)
                value = re.sub(rf"\$(env:)?{escaped}\b", lambda found: f"${found[1] or ''}{new}", value)  # noqa: B023 - used at once
            return value
        if isinstance(value, list):
            return [self._with_new_variables(member) for member in value]
        if isinstance(value, Mapping):
            return {
                self.variables.get(name, name) if isinstance(name, str) else name:
                self._with_new_variables(member)
                for name, member in value.items()
            }
        return value

    def _complete_references(self) -> None:
        """Give a task for each of cargo-make's own that is depended on, or leave that out."""
        for name, (table, _, origin) in list(self.tasks.items()):
            wanted = table.get("dependencies")
            if not isinstance(wanted, list):
                continue
            kept = []
            for each in wanted:
                is_there = not isinstance(each, str) or each in self.tasks or each in GENERATED_TASKS
                if is_there:
                    kept.append(each)
                elif each == "clean":
                    kept.append(each)
                    self.tasks["clean"] = ({"command": "cargo", "args": ["clean"]}, {}, origin)
                else:
                    told = f"`{name}` depends on `{each}`, which is cargo-make's own or nobody's"
                    advice = "cargo-make's own tasks are left out: make one under [makefile.tasks]"
                    self.findings.append(difference(origin, told, advice))
            if kept != wanted:
                table["dependencies"] = kept

    def _say_tasks(self) -> None:
        for name, (table, inner, origin) in self.tasks.items():
            self.draft.entries["makefile", "tasks", name] = Entry(table, origin, inner)

    def _all_variables(self) -> Iterator[str]:
        yield from self.makefile.env
        for profile in self.makefile.profiles.values():
            yield from profile

    def _say_variables(self) -> None:
        needed = self._needed()
        told: set[str] = set()
        for where, variables in (("", self.makefile.env), *self.makefile.profiles.items()):
            for name, variable in variables.items():
                if name not in needed or not self._may_be_carried(variable, told):
                    continue
                new = self.variables.get(name, name)
                if new != name and name not in told:
                    told.add(name)
                    message = f"variables that begin with DRIVER_ are the pipeline's: `{name}`"
                    self.findings.append(
                        difference(variable.origin, message, f"it is called `{new}` now")
                    )
                value = without_passwords(
                    self._with_new_variables(variable.value), self.passwords
                )
                path = ("makefile", "env", *([where] if where else []), new)
                self.draft.say(path, value, variable.origin)

    def _may_be_carried(self, variable: Variable, told: set[str]) -> bool:
        name, origin = variable.name, variable.origin
        if name.upper() in _FLAGS:
            return False
        if name.upper().startswith("CARGO_MAKE_"):
            if name not in told:
                told.add(name)
                message = f"`{name}` is cargo-make's own, and is not carried over"
                self.findings.append(difference(origin, message))
            return False
        if is_sensitive(name) and variable.text and "${" not in variable.text:
            self.findings.append(
                hazard(
                    origin,
                    f"`{name}` looks like a password in plain text",
                    "it is not carried over: set it in the environment, and make another one",
                )
            )
            return False
        return True

    def _needed(self) -> set[str]:
        """Return the variables that something beside the pipeline uses, or that nothing does."""
        texts = [_strings(table) for table, _, _ in self.tasks.values()]
        back = {new: old for old, new in self.variables.items()}
        used = {back.get(name, name) for text in texts for name in mentioned(text)}
        everything = {
            name: f"{self._value_of(name)}" for name in dict.fromkeys(self._all_variables())
        }
        waiting = list(used)
        while waiting:
            for name in mentioned(everything.get(waiting.pop(), "")) - used:
                used.add(name)
                waiting.append(name)
        pipeline = {
            name
            for each in self.pipeline.roles
            if (task := self.makefile.tasks.get(each))
            for name in mentioned(_strings(task.table))
        }
        inner = list(pipeline)
        while inner:
            for name in mentioned(everything.get(inner.pop(), "")) - pipeline:
                pipeline.add(name)
                inner.append(name)
        return used | (set(everything) - pipeline - self.spent)

    def _value_of(self, name: str) -> str:
        layers = (self.makefile.env, *self.makefile.profiles.values())
        return " ".join(_strings(layer[name].value) for layer in layers if name in layer)


def _strings(value: object) -> str:
    """Return all text in a value of TOML, as one."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(_strings(member) for member in value.values())
    if isinstance(value, list):
        return "\n".join(_strings(member) for member in value)
    return json.dumps(value, default=str)
