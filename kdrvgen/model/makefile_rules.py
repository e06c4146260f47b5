"""Rules on `[makefile]`: its tasks and variables must not conflict with generated ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kdrvgen.model.base import Path
from kdrvgen.model.driver import Driver
from kdrvgen.model.makefile import Makefile
from kdrvgen.model.problems import Problem, own_variables
from kdrvgen.model.profile import Profile
from kdrvgen.model.signing import Signing
from kdrvgen.model.task_references import references
from kdrvgen.model.tasks import ALL_TASKS, Packing, missing, reserved_tasks

__all__ = ["generated_task_rules", "makefile_rules"]


def makefile_rules(
    makefile: Makefile, profiles: Mapping[str, Profile], packing: Packing
) -> Iterator[Problem]:
    """Yield the broken rules of `[makefile]` alone.

    Args:
        makefile: `[makefile]`.
        profiles: The profiles.
        packing: What the configuration describes besides the image.
    """
    where: Path = ("makefile", "env")
    yield from own_variables(makefile.env, where)
    for name, value in makefile.env.items():
        if name in profiles and not isinstance(value, Mapping):
            yield Problem(
                (*where, name),
                f"`{name}` is a profile, so its entry must be a table of variables",
                hint=f"write [makefile.env.{name}], or rename the variable",
            )
        elif name in profiles:
            yield from own_variables(value, (*where, name))
    yield from _tasks_are_the_users(makefile, reserved_tasks(packing))


def _tasks_are_the_users(makefile: Makefile, reserved: Collection[str]) -> Iterator[Problem]:
    for name, task in makefile.tasks.items():
        where: Path = ("makefile", "tasks", name)
        if name in reserved:
            yield Problem(
                where,
                f"`{name}` is a generated task, and cargo-make would merge the two",
                hint=f"use another name, and add `{name}` to its `dependencies`",
            )
        if not isinstance(task, Mapping):
            yield Problem(where, "a task must be a table", hint=f"write [makefile.tasks.{name}]")
        else:
            yield from _types_fit(task, where)
            yield from _references_exist(makefile, task, where)
            if isinstance(env := task.get("env"), Mapping):
                yield from own_variables(env, (*where, "env"))


# cargo-make warns about an unknown key, but cannot read the whole file if a value has a wrong type
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
    for key, (expected, types) in _TYPES.items():
        if key in task and not isinstance(task[key], types):
            yield Problem((*where, key), f"cargo-make expects {expected} here")


def _references_exist(
    makefile: Makefile, task: Mapping[str, Any], where: Path
) -> Iterator[Problem]:
    for path, name, _ in references(task, where):
        # Only cargo-make can expand a variable in a name.
        if name not in ALL_TASKS and name not in makefile.tasks and "${" not in name:
            yield Problem(
                path,
                f"the task `{name}` is neither generated nor in `[makefile.tasks]`",
                hint="cargo-make's own tasks are not available, because of `skip_core_tasks`",
            )


def generated_task_rules(
    makefile: Makefile,
    driver: Driver,
    signing: Signing,
    profiles: Mapping[str, Profile],
    packing: Packing,
) -> Iterator[Problem]:
    """Yield each of the user's tasks that needs a task that is not generated here."""
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
            if name not in ALL_TASKS or name in makefile.tasks:
                continue
            if reason := missing(name, driver.triples, modes, points, packing):
                yield Problem(
                    path,
                    f"this configuration does not generate the task `{name}`: {reason.reason}",
                    hint=reason.hint,
                    also=(*reason.keys, *in_profiles) if _MODE in reason.keys else reason.keys,
                )


_MODE: Path = ("signing", "mode")
