"""`[makefile.tasks]`: the tasks of a makefile that the generated pipeline does not replace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kdrvgen.adopt.parse.passwords import PFX_VARIABLE, replace_passwords
from kdrvgen.adopt.parse.toml_values import TomlValue, joined_strings
from kdrvgen.adopt.propose.draft import Draft, Entry
from kdrvgen.adopt.propose.remainder import MAKING, ProposedTask, find_remainder
from kdrvgen.adopt.propose.renames import Renames, find_renames
from kdrvgen.adopt.propose.variables import propose_variables
from kdrvgen.adopt.propose.wdk_build import WDK_TASKS, makefile_finding
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.adopt.read.makefile import CORE_TASKS, WORK_KEYS, MakeTask
from kdrvgen.adopt.read.service import SERVICE_TASKS
from kdrvgen.model.tasks import GENERATED_TASKS
from kdrvgen.report.finding import Finding

__all__ = ["propose_makefile"]

# The hook that runs a dependency of a replaced task.
_HOOKS = {
    "build-driver": "before-build",
    "rename": "after-build",
    "certificate": "before-sign",
    "sign": "before-sign",
}


def propose_makefile(draft: Draft, facts: Facts, passwords: Collection[str]) -> list[Finding]:
    """Set `[makefile]`.

    Args:
        draft: The draft.
        facts: What the project contains.
        passwords: Passwords in the makefile.
    """
    renames = find_renames(facts.makefile, facts.pipeline)
    proposer = _Proposer(draft, facts, renames, passwords)
    proposer.run()
    copied = [joined_strings(task.table) for task in proposer.tasks.values()]
    findings = [
        *proposer.findings,
        *propose_variables(draft, facts, renames, copied, passwords),
    ]
    if facts.makefile.wdk:
        findings.append(makefile_finding(facts.makefile.wdk))
    return findings


class _Proposer:
    def __init__(
        self, draft: Draft, facts: Facts, renames: Renames, passwords: Collection[str]
    ) -> None:
        self.draft = draft
        self.makefile = facts.makefile
        self.pipeline = facts.pipeline
        self.renames = renames
        self.passwords = passwords
        self.findings: list[Finding] = []
        self.tasks: dict[str, ProposedTask] = {}

    def run(self) -> None:
        for name, task in self.makefile.tasks.items():
            role = self.pipeline.roles.get(name)
            if name == "default" and self.renames.task(name) == "sign":
                continue
            if role is None:
                self._copy(name, task)
            elif role in SERVICE_TASKS:
                if name != role:
                    self._alias(name, task, [role])
            elif self.pipeline.main_tasks[role] == name:
                self._main_task(name, task, role)
            else:
                self._second_task(name, task, role)
        self._check_dependencies()
        for name, proposed in self.tasks.items():
            entry = Entry(proposed.table, proposed.origin, proposed.places)
            self.draft.entries["makefile", "tasks", name] = entry

    def _copy(self, name: str, task: MakeTask) -> None:
        """Copy a task that the generated pipeline does not replace."""
        if self.makefile.wdk and name in WDK_TASKS and not WORK_KEYS & task.keys.keys():
            message = f"`{name}` changes a task of wdk-build's makefile, which is not loaded"
            self.findings.append(difference(task.origin, message, "the proposal leaves it out"))
            return
        new = self.renames.task(name)
        if new != name:
            message = f"the generated pipeline has a task `{name}` too"
            self.findings.append(difference(task.origin, message, f"yours is renamed to `{new}`"))
        table = replace_passwords(dict(task.table), self.passwords)
        if table != task.table:
            self.findings.append(
                hazard(
                    task.origin,
                    "a password in plain text: anyone with this file has it",
                    f"the proposal does not contain it: set {PFX_VARIABLE} to a new password",
                    is_avoided=False,
                )
            )
        places = {key: task.where(key) for key in task.table}
        self.tasks[new] = ProposedTask(self.renames.in_task(table), task.origin, places)

    def _own_dependencies(self, task: MakeTask) -> list[str]:
        """Return the dependencies of a replaced task that the generated task does not have."""
        references = [*task.names("dependencies"), *task.names("run_task")]
        roles, main_tasks = self.pipeline.roles, self.pipeline.main_tasks
        own = [self.renames.task(each) for each in references if roles.get(each) not in main_tasks]
        return [each for each in own if each not in GENERATED_TASKS - SERVICE_TASKS]

    def _main_task(self, name: str, task: MakeTask, role: str) -> None:
        own = self._own_dependencies(task)
        if name != role:
            self._alias(name, task, [*own, role])
        elif own:
            has_hook = SERVICE_TASKS.isdisjoint(own)  # a hook cannot run a generated task
            hook = f"add it to `makefile.hooks.{_HOOKS[role]}`, or " if has_hook else ""
            self.findings.append(
                difference(
                    task.where("dependencies"),
                    f"`{name}` depends on {', '.join(f'`{each}`' for each in own)}, and the "
                    f"generated `{name}` does not",
                    f"{hook}run `cargo make {own[0]}` yourself",
                )
            )
        steps = self.pipeline.steps[name]
        remainder = find_remainder(task, steps, role, self.renames, self.passwords)
        self.tasks |= remainder.tasks
        for variable, (value, origin) in remainder.variables.items():
            self.draft.set(("makefile", "env", variable), value, origin)
        self.findings += remainder.findings

    def _second_task(self, name: str, task: MakeTask, role: str) -> None:
        """Replace a second task with the same role, if its commands are the same."""
        main_task = self.pipeline.main_tasks[role]
        commands, main_commands = (
            [step.words for step in self.pipeline.steps[each] if step.action in MAKING]
            for each in (name, main_task)
        )
        if commands == main_commands:
            self._alias(name, task, [*self._own_dependencies(task), role])
            return
        self.findings.append(
            unknown(
                task.origin,
                f"`{name}` has the same purpose as `{main_task}`, with other commands",
                f"the proposal reproduces only `{main_task}`; use a profile for the other commands",
            )
        )

    def _alias(self, name: str, task: MakeTask, dependencies: list[str]) -> None:
        """Keep the name of a replaced task, as a task that depends on the generated one."""
        new = self.renames.task(name)
        if new in GENERATED_TASKS:
            message = f"the generated pipeline reserves the name `{name}`"
            self.findings.append(difference(task.origin, message, f"run `cargo make {new}`"))
            return
        table = {"dependencies": dependencies}
        self.tasks[new] = ProposedTask(table, task.origin, {"dependencies": task.origin})

    def _check_dependencies(self) -> None:
        """Remove dependencies without a task, and add cargo-make's `clean` where it is needed."""
        for name, proposed in list(self.tasks.items()):
            dependencies = proposed.table.get("dependencies")
            if not isinstance(dependencies, list):
                continue
            kept: list[TomlValue] = []
            for dependency in dependencies:
                is_name = isinstance(dependency, str)
                if not is_name or dependency in {*self.tasks, *GENERATED_TASKS}:
                    kept.append(dependency)
                elif dependency == "clean":
                    kept.append(dependency)
                    table = {"command": "cargo", "args": ["clean"]}
                    self.tasks["clean"] = ProposedTask(table, proposed.origin)
                else:
                    self._report_missing(name, dependency, proposed)
            if kept != dependencies:
                table = {**proposed.table, "dependencies": kept}
                self.tasks[name] = replace(proposed, table=table)

    def _report_missing(self, name: str, dependency: str, proposed: ProposedTask) -> None:
        is_of_wdk_build = self.makefile.wdk and dependency in WDK_TASKS
        owner = "wdk-build" if is_of_wdk_build else "cargo-make"
        self.findings.append(
            difference(
                proposed.origin,
                f"`{name}` depends on `{dependency}`, which is a task of {owner} or does not exist",
                "the proposal leaves the dependency out: add a task of this name under "
                "[makefile.tasks]",
            )
        )
