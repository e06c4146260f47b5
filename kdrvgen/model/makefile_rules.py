"""Rules on `[makefile]`: what is passed through must not meet what is generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kdrvgen.model.base import Path
from kdrvgen.model.driver import Driver
from kdrvgen.model.makefile import Makefile
from kdrvgen.model.problems import Problem, own_variables
from kdrvgen.model.profile import Profile
from kdrvgen.model.signing import Signing
from kdrvgen.model.task_references import references
from kdrvgen.model.tasks import GENERATED_TASKS, missing

__all__ = ["generated_task_rules", "makefile_rules"]


def makefile_rules(makefile: Makefile, profiles: Mapping[str, Profile]) -> Iterator[Problem]:
    """Yield the broken rules of `[makefile]` alone."""
    where: Path = ("makefile", "env")
    yield from own_variables(makefile.env, where)
    for name, value in makefile.env.items():
        if name in profiles and not isinstance(value, Mapping):
            yield Problem(
                (*where, name),
                f"`{name}` is a profile, so that its entry is a table of variables",
                hint=f"write [makefile.env.{name}], or take another name for the variable",
            )
        elif name in profiles:
            yield from own_variables(value, (*where, name))
    yield from _tasks_are_the_users(makefile)


def _tasks_are_the_users(makefile: Makefile) -> Iterator[Problem]:
    for name, task in makefile.tasks.items():
        where: Path = ("makefile", "tasks", name)
        if name in GENERATED_TASKS:
            yield Problem(
                where,
                f"`{name}` is a task of the generated pipeline, and cargo-make would mix the two",
                hint="another name, and that task among its `dependencies`",
            )
        if not isinstance(task, Mapping):
            yield Problem(where, "a task is a table", hint=f"write [makefile.tasks.{name}]")
        else:
            yield from _types_fit(task, where)
            yield from _references_exist(makefile, task, where)
            if isinstance(env := task.get("env"), Mapping):
                yield from own_variables(env, (*where, "env"))


# cargo-make warns of a key that it does not know, and fails for the whole file at a wrong type
# (its `types.rs`, struct `Task`).
_TYPES: Mapping[str, tuple[str, tuple[type, ...]]] = (
    dict.fromkeys(
        ("category", "command", "cwd", "description", "script_extension", "script_runner"),
        ("a string", (str,)),
    )
    | dict.fromkeys(("clear", "disabled", "private", "workspace"), ("true or false", (bool,)))
    | dict.fromkeys(("args", "dependencies", "script_runner_args"), ("an array", (tuple,)))
    | dict.fromkeys(("condition", "env"), ("a table", (Mapping,)))
    | {"script": ("a string, an array or a table", (str, tuple, Mapping))}
)


def _types_fit(task: Mapping[str, Any], where: Path) -> Iterator[Problem]:
    for key, (told, types) in _TYPES.items():
        if key in task and not isinstance(task[key], types):
            yield Problem((*where, key), f"cargo-make takes {told} here")


def _references_exist(
    makefile: Makefile, task: Mapping[str, Any], where: Path
) -> Iterator[Problem]:
    for path, name, _ in references(task, where):
        # A name may hold a variable, which only cargo-make can expand.
        if name not in GENERATED_TASKS and name not in makefile.tasks and "${" not in name:
            yield Problem(
                path,
                f"there is no task `{name}`, neither generated nor under `[makefile.tasks]`",
                hint="cargo-make's own tasks are left out: `skip_core_tasks`",
            )


def generated_task_rules(
    makefile: Makefile, driver: Driver, signing: Signing, profiles: Mapping[str, Profile]
) -> Iterator[Problem]:
    """Yield own tasks that need a generated task which this configuration does not generate."""
    modes = {
        signing.mode if "mode" not in profile.signing.model_fields_set else profile.signing.mode
        for profile in profiles.values()
    }
    points = [point for point, hooks in makefile.hooks.by_point.items() if hooks]
    in_profiles = tuple(("profiles", name, "signing", "mode") for name in profiles)
    for task_name, task in makefile.tasks.items():
        if not isinstance(task, Mapping):
            continue
        for path, name, _ in references(task, ("makefile", "tasks", task_name)):
            if name not in GENERATED_TASKS:
                continue
            if found := missing(name, driver.triples, modes, points):
                yield Problem(
                    path,
                    f"this configuration does not generate the task `{name}`: {found.reason}",
                    hint=found.hint,
                    also=(*found.keys, *in_profiles) if _MODE in found.keys else found.keys,
                )


_MODE: Path = ("signing", "mode")
