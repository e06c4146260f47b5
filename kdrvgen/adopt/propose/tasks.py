"""`[makefile.tasks]`: the tasks of a makefile that the generated pipeline does not replace."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.passwords import PFX_VARIABLE, replace_passwords
from kdrvgen.adopt.parse.paths import joined
from kdrvgen.adopt.parse.steps import Action
from kdrvgen.adopt.parse.toml_values import joined_strings
from kdrvgen.adopt.parse.variables import variable_names
from kdrvgen.adopt.propose.carried import carried
from kdrvgen.adopt.propose.dependencies import with_core_tasks, without_missing
from kdrvgen.adopt.propose.draft import Draft, Entry
from kdrvgen.adopt.propose.invocations import call_findings
from kdrvgen.adopt.propose.references import ImageReferences
from kdrvgen.adopt.propose.remainder import MAKING, Changes, ProposedTask, Remainder, find_remainder
from kdrvgen.adopt.propose.renames import Renames, find_renames, reserved_tasks
from kdrvgen.adopt.propose.variables import propose_variables
from kdrvgen.adopt.propose.wdk_build import WDK_TASKS, makefile_finding
from kdrvgen.adopt.read.core_tasks import CORE_TASKS, WORK_KEYS
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference, equivalent, hazard, unknown
from kdrvgen.adopt.read.installation import INSTALL_TASKS
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.service import SERVICE_TASKS
from kdrvgen.report.finding import Finding

__all__ = ["propose_makefile"]

# The hook that runs a dependency of a replaced task.
_ORDER = ("build-driver", "rename", "certificate", "sign", "package")
_HOOKS = {
    "build-driver": "before-build",
    "rename": "after-build",
    "certificate": "before-sign",
    "sign": "before-sign",
    "package": "before-package",
}
_DEPLOY_TASKS = SERVICE_TASKS | INSTALL_TASKS
_POINTS = (
    *("before-build", "after-build", "before-sign", "after-sign"),
    *("before-package", "after-package"),
)


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
        *call_findings(facts, renames, {*proposer.tasks, *proposer.reserved}),
    ]
    if facts.makefile.wdk:
        findings.append(
            makefile_finding(facts.makefile.wdk, has_package=facts.pipeline.package is not None)
        )
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
        self.hooks: dict[str, list[tuple[int, Located]]] = {}
        self.references = ImageReferences(facts)
        self.reserved = reserved_tasks(facts.pipeline)
        self.files = facts.snapshot.files

    def run(self) -> None:
        for name, task in self.makefile.tasks.items():
            role = self.pipeline.roles.get(name)
            if name == "default" and self.renames.task(name) == "sign":
                continue
            if role is None:
                self._copy(name, task)
            elif role == "package":
                self._package_task(name, task)
            elif role in _DEPLOY_TASKS:
                if name != role:
                    kept = self._package_aliases(task) if role in INSTALL_TASKS else []
                    self._alias(name, task, [*kept, role])
            elif self.pipeline.main_tasks[role] == name:
                self._main_task(name, task, role)
            else:
                self._second_task(name, task, role)
        hooks = [name for points in self.hooks.values() for _, (name, _) in points]
        self.tasks = with_core_tasks(self.tasks, hooks, self.makefile)
        self.tasks, findings = without_missing(self.tasks, self.reserved, self.makefile)
        self.findings += findings
        self._set_hooks()
        self._report_scripts()
        for name, proposed in self.tasks.items():
            entry = Entry(proposed.table, proposed.origin, proposed.places)
            self.draft.entries["makefile", "tasks", name] = entry

    def _report_scripts(self) -> None:
        """Report what the scripts of a project without a makefile do besides signing."""
        for name, steps in self.pipeline.steps.items():
            others = [step for step in steps if step.action is Action.OTHER and step.words]
            if name in self.makefile.tasks or not others or name not in self.pipeline.roles:
                continue
            programs = ", ".join(dict.fromkeys(f"`{step.words[0]}`" for step in others))
            message = f"the script also runs {programs}, and the generated pipeline does not"
            remedy = "the script stays; add a task for these commands under [makefile.tasks]"
            self.findings.append(difference(others[0].origin, message, remedy))

    def _copy(self, name: str, task: MakeTask) -> None:
        """Copy a task that the generated pipeline does not replace."""
        if self.makefile.wdk and name in WDK_TASKS and not WORK_KEYS & task.table.keys():
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
        table, findings = carried(table, task, self.pipeline.steps.get(name, ()), self.references)
        self.findings += findings
        self._check_scripts(name)
        self.tasks[new] = ProposedTask(self.renames.in_task(table), task.origin, places)

    def _check_scripts(self, name: str) -> None:
        """Report the variables in scripts of a copied task that have new names."""
        for step in self.pipeline.steps.get(name, ()):
            path = posixpath.normpath(joined(step.folder, step.words[0])) if step.words else ""
            if folder := self.references.old_folder_in(self.files.get(path, "")):
                message = f"the script uses {folder}, where the driver is no longer made"
                remedy = "write DRIVER_PATH, DRIVER_OUTPUT or DRIVER_PACKAGE in it"
                self.findings.append(difference(Origin(path), message, remedy))
            used = variable_names(self.files[path]) if path in self.files else set()
            for variable in sorted(used & self.renames.variables.keys()):
                new = self.renames.variable(variable)
                self.findings.append(
                    difference(
                        Origin(path),
                        f"the script uses `{variable}`, which is `{new}` in the generated makefile",
                        "kdrvgen does not change scripts: write the new name in it",
                    )
                )

    def _own_dependencies(self, task: MakeTask) -> list[str]:
        """Return the dependencies of a replaced task that the generated task does not have."""
        references = [*task.names("dependencies"), *task.names("run_task")]
        roles, main_tasks = self.pipeline.roles, self.pipeline.main_tasks
        own = [self.renames.task(each) for each in references if roles.get(each) not in main_tasks]
        return [each for each in own if each not in self.reserved - _DEPLOY_TASKS]

    def _main_task(self, name: str, task: MakeTask, role: str) -> None:
        own = self._own_dependencies(task)
        hooked = [each for each in own if not self._is_service(each) and self._exists(each)]
        rank = _ORDER.index(role)
        for dependency in hooked:
            self._add_hook(_HOOKS[role], dependency, task.where("dependencies"), rank)
            self.findings.append(
                equivalent(
                    task.where("dependencies"),
                    f"`{name}` depends on `{dependency}`",
                    f"`{dependency}` is a hook of `{_HOOKS[role]}`",
                )
            )
        own = [each for each in own if each not in hooked]
        made = self.pipeline.made_by(name)
        if name not in {role, made}:
            self._alias(name, task, [*own, made])
        elif made != name:
            self.findings.append(
                difference(
                    task.origin,
                    f"`{name}` also makes the driver package, and the generated `{name}` does not",
                    "run `cargo make package`, which does both",
                )
            )
        if name in {role, made} and own:
            self.findings.append(
                difference(
                    task.where("dependencies"),
                    f"`{name}` depends on {', '.join(f'`{each}`' for each in own)}, and the "
                    f"generated `{name}` does not",
                    f"run `cargo make {own[0]}` yourself",
                )
            )
        remainder = self._remainder(name, task)
        for hook, point in remainder.hooks.items():
            self._add_hook(point, hook, remainder.tasks[hook].origin, rank)

    def _package_aliases(self, task: MakeTask) -> list[str]:
        """Return the dependencies that make the package, and may do more afterwards."""
        names = [each for each in task.names("dependencies") if each != "package"]
        return [each for each in names if self.pipeline.roles.get(each) == "package"]

    def _package_task(self, name: str, task: MakeTask) -> None:
        """Replace a task that only makes the driver package.

        What it does afterwards stays a task of its own, so that `package` does not do it too.
        """
        rank = _ORDER.index("package")
        is_alias = name != "package"
        found = self._remainder(name, task, is_alias=is_alias)
        for hook, point in found.hooks.items():
            self._add_hook(point, hook, found.tasks[hook].origin, rank)
        own = self._own_dependencies(task)
        for dependency in own:
            if not self._is_service(dependency) and self._exists(dependency):
                self._add_hook("before-package", dependency, task.where("dependencies"), rank)
        if is_alias:
            after = [each for each in found.tasks if each not in found.hooks]
            self._alias(name, task, [*own, "package", *after])

    def _remainder(self, name: str, task: MakeTask, *, is_alias: bool = False) -> Remainder:
        changes = Changes(self.references, self.renames, self.passwords)
        found = find_remainder(task, self.pipeline.steps[name], changes, is_alias=is_alias)
        self.tasks |= found.tasks
        for variable, (value, origin) in found.variables.items():
            self.draft.set(("makefile", "env", variable), value, origin)
        self.findings += found.findings
        return found

    def _is_service(self, name: str) -> bool:
        """Return whether a task installs or starts the driver, which only Windows can do."""
        return name in _DEPLOY_TASKS or self.pipeline.roles.get(name) in _DEPLOY_TASKS

    def _exists(self, name: str) -> bool:
        """Return whether config.toml can have a task of this name."""
        if name in CORE_TASKS and self.makefile.has_core_tasks:
            return True
        new_names = {self.renames.task(each) for each in self.makefile.tasks}
        return name in new_names and name not in self.reserved

    def _add_hook(self, point: str, name: str, origin: Origin, rank: int) -> None:
        self.hooks.setdefault(point, []).append((rank, Located(name, origin)))

    def _set_hooks(self) -> None:
        known: set[str] = set()
        for point in _POINTS:
            hooks = [
                hook for _, hook in sorted(self.hooks.get(point, ()), key=lambda each: each[0])
            ]
            own = [each for each in hooks if each.text in self.tasks and each.text not in known]
            first = {each.text: each for each in reversed(own)}
            known |= first.keys()
            ordered = [each for each in own if first[each.text] is each]
            self.draft.set_array(("makefile", "hooks", point), ordered)

    def _second_task(self, name: str, task: MakeTask, role: str) -> None:
        """Replace a second task with the same role, if its commands are the same."""
        main_task = self.pipeline.main_tasks[role]
        commands, main_commands = (
            [step.words for step in self.pipeline.steps[each] if step.action in MAKING]
            for each in (name, main_task)
        )
        if commands == main_commands:
            found = self._remainder(name, task)
            before = [each for each in found.tasks if each == f"{name}-before"]
            after = [each for each in found.tasks if each not in before]
            made = self.pipeline.made_by(name)
            self._alias(name, task, [*self._own_dependencies(task), *before, made, *after])
            return
        self.findings.append(
            unknown(
                task.origin,
                f"`{name}` has the same purpose as `{main_task}`, with other commands",
                f"the pipeline reproduces only `{main_task}`, and `{name}` is copied; use a "
                "profile for the other commands",
            )
        )
        self._copy(name, task)

    def _alias(self, name: str, task: MakeTask, dependencies: list[str]) -> None:
        """Keep the name of a replaced task, as a task that depends on the generated one."""
        new = self.renames.task(name)
        if new in self.reserved:
            message = f"the generated pipeline reserves the name `{name}`"
            self.findings.append(difference(task.origin, message, f"run `cargo make {new}`"))
            return
        table = {"dependencies": dependencies}
        self.tasks[new] = ProposedTask(table, task.origin, {"dependencies": task.origin})
