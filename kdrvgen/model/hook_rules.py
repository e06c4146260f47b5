"""Rules on `[makefile.hooks]`: a hook is the user's task, runs once at its point, and ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from kdrvgen.model.base import Path
from kdrvgen.model.makefile import Makefile
from kdrvgen.model.problems import Problem
from kdrvgen.model.task_references import Reference, references
from kdrvgen.model.tasks import Packing, reserved_tasks, tasks_that_run
from kdrvgen.spelling import nearest

__all__ = ["hook_rules"]

_MOST_SUGGESTIONS = 10
_MOST_CANDIDATES = 1000
_WHEN = {
    "before-build": "before `build-driver`",
    "after-build": "after `rename-image`",
    "before-sign": "before the image is signed",
    "after-sign": "after the image is signed",
    "before-package": "before the package is made",
    "after-package": "after the package is made",
}
_OF_PACKAGES = ("before-package", "after-package")

_Tasks = Mapping[str, Any]


class _Hook(NamedTuple):
    """A task in a list of hooks, and its path in config.toml."""

    path: Path
    point: str
    name: str


def hook_rules(makefile: Makefile, packing: Packing) -> Iterator[Problem]:
    """Yield the broken rules of `[makefile.hooks]`.

    Args:
        makefile: `[makefile]`.
        packing: What the configuration describes besides the image.
    """
    hooks = [
        _Hook(("makefile", "hooks", point, index), point, name)
        for point, names in makefile.hooks.by_point.items()
        for index, name in enumerate(names)
    ]
    if not hooks:
        return
    yield from _hooks_are_own_tasks(hooks, makefile.tasks, reserved_tasks(packing))
    if packing < Packing.PACKAGE:
        yield from _package_is_described(hooks)
    first: dict[str, _Hook] = {}
    for hook in hooks:
        if first.setdefault(hook.name, hook) is not hook:
            yield _named_twice(hook, first[hook.name])
    known = [hook for hook in first.values() if hook.name in makefile.tasks]
    for point in makefile.hooks.by_point:
        yield from _hooks_end(
            [hook for hook in known if hook.point == point], makefile.tasks, tasks_that_run(point)
        )
    yield from _hooks_wait_for_their_point(known, makefile.tasks)


def _package_is_described(hooks: Collection[_Hook]) -> Iterator[Problem]:
    for hook in hooks:
        if hook.point in _OF_PACKAGES:
            yield Problem(
                ("makefile", "hooks", hook.point),
                "`[package]` does not describe a driver package, so these hooks never run",
                hint="add `[package]` with `kind` and `provider`, or remove the hooks",
                also=(("package", "kind"),),
            )


def _hooks_are_own_tasks(
    hooks: Collection[_Hook], tasks: _Tasks, reserved: Collection[str]
) -> Iterator[Problem]:
    left = _MOST_SUGGESTIONS if len(tasks) <= _MOST_CANDIDATES else 0
    for hook in hooks:
        if hook.name in reserved:
            yield Problem(
                hook.path,
                f"`{hook.name}` is a generated task, which cannot be a hook",
                hint="use a task of your own, from `[makefile.tasks]`",
            )
        elif hook.name not in tasks:
            near = nearest(hook.name, tasks) if left > 0 else ""
            left -= 1
            yield Problem(
                hook.path,
                f"the task `{hook.name}` does not exist in `[makefile.tasks]`",
                hint=f"did you mean `{near}`?" if near else "add the task, or remove it here",
            )


def _named_twice(hook: _Hook, first: _Hook) -> Problem:
    return Problem(
        hook.path,
        f"`{hook.name}` is already a hook of `{first.point}`, and cargo-make runs a task once",
        hint="remove it here"
        if hook.point == first.point
        else f'keep one, or add a second task with `extend = "{hook.name}"`',
        also=(first.path,),
    )


_Node = tuple[str, frozenset[str]]
"""A task, and those of its keys that a task that extends it overrides."""

_OVERRIDING = frozenset({"dependencies", "run_task"})
# Their command runs cargo-make.
_FOR_EACH_TARGET = frozenset({"sign-all", "package-all", "submission-all"})


def _edges(node: _Node, tasks: _Tasks) -> Iterator[tuple[Reference, _Node]]:
    """Yield the tasks that a task runs or extends."""
    name, left_out = node
    task = tasks.get(name)
    if not isinstance(task, Mapping):
        return
    for reference in references(task, ("makefile", "tasks", name)):
        if reference.key == "extend":
            yield reference, (reference.name, left_out | _OVERRIDING & task.keys())
        elif reference.key not in left_out:
            yield reference, (reference.name, frozenset())


def _hooks_end(
    hooks: Collection[_Hook], tasks: _Tasks, running: Collection[str]
) -> Iterator[Problem]:
    """Yield each reference by which a hook runs itself: cargo-make would never end.

    Args:
        hooks: The hooks of one point.
        tasks: All tasks of the user.
        running: The generated tasks that run these hooks.
    """
    done: set[_Node] = set()
    for hook in hooks:
        begin = (hook.name, frozenset[str]())
        if begin in done:
            continue
        # Without recursion, because a chain of tasks can be long.
        open_nodes = {begin: _edges(begin, tasks)}
        while open_nodes:
            node = next(reversed(open_nodes))
            for reference, target in open_nodes[node]:
                name, left_out = target
                if target in open_nodes:
                    cause = f"with this, `{name}` runs itself"
                    yield _circle(hook, reference, cause, "remove one of these dependencies")
                elif name not in tasks and name in running:
                    # A task that extends another runs its dependencies, unless it has its own.
                    if "dependencies" not in left_out or name in _FOR_EACH_TARGET:
                        cause = f"`{name}` runs the hook `{hook.name}`, which depends on it here"
                        when = f"a hook of `{hook.point}` runs {_WHEN[hook.point]} anyway"
                        yield _circle(hook, reference, cause, f"remove it: {when}")
                elif name in tasks and target not in done:
                    open_nodes[target] = _edges(target, tasks)
                    break
            else:
                done.add(node)
                del open_nodes[node]


def _circle(hook: _Hook, reference: Reference, cause: str, hint: str) -> Problem:
    return Problem(
        reference.path,
        f"{cause}: cargo-make would never end",
        hint=hint,
        also=(hook.path,),
    )


def _hooks_wait_for_their_point(hooks: Collection[_Hook], tasks: _Tasks) -> Iterator[Problem]:
    """Yield each hook that an earlier hook depends on: it would not run at its own point."""
    by_name = {hook.name: hook for hook in hooks}
    seen: set[_Node] = set()
    for hook in hooks:  # in the order in which they run
        waiting: list[_Node] = [(hook.name, frozenset())]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            for reference, target in _edges(node, tasks):
                if reference.key == "run_task":
                    continue  # a separate run of cargo-make
                waiting.append(target)
                other = by_name.get(reference.name)
                if reference.key == "dependencies" and other and _is_later(other, hook):
                    yield Problem(
                        other.path,
                        f"`{other.name}` runs before its point, because the hook `{hook.name}` of "
                        f"`{hook.point}` depends on it, and cargo-make runs a task once",
                        hint=f'remove it, or add a second task with `extend = "{other.name}"`',
                        also=(reference.path,),
                    )


def _is_later(hook: _Hook, other: _Hook) -> bool:
    points = list(_WHEN)
    return points.index(hook.point) > points.index(other.point)
