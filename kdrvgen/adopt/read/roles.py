"""Which tasks of a makefile the generated tasks replace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kdrvgen.adopt.parse.steps import Action, Step
from kdrvgen.adopt.read.make_task import MakeTask

__all__ = ["find_main_tasks", "in_order", "role_of"]

# The generated task that replaces one with this action. The first match decides.
_ROLES = {
    Action.SIGN: "sign",
    Action.RENAME: "rename",
    Action.BUILD: "build-driver",
    Action.CERTIFICATE: "certificate",
}


def role_of(steps: Sequence[Step]) -> str | None:
    """Return the generated task that replaces a task with these commands, if one does."""
    actions = {step.action for step in steps}
    return next((role for action, role in _ROLES.items() if action in actions), None)


def find_main_tasks(tasks: Mapping[str, MakeTask], roles: Mapping[str, str]) -> dict[str, str]:
    """Return for each role the task that decides, where several have this role.

    It is the task of the same name, else one that `sign` depends on, else one that `default`
    depends on, else the first.
    """
    main_tasks: dict[str, str] = {}
    closures = [_closure(tasks, "default")]
    for role in _ROLES.values():
        candidates = [name for name in roles if roles[name] == role]
        if not candidates:
            continue
        preferred = [
            *(name for name in candidates if name == role),
            *(name for closure in closures for name in closure if name in candidates),
            *candidates,
        ]
        main_tasks[role] = preferred[0]
        closures.insert(0, _closure(tasks, preferred[0]))
    return main_tasks


def in_order(main_tasks: Mapping[str, str]) -> list[str]:
    """Return the main tasks in the order in which they run."""
    names = [name for role in reversed(_ROLES.values()) if (name := main_tasks.get(role))]
    return list(dict.fromkeys(names))


def _closure(tasks: Mapping[str, MakeTask], root: str) -> list[str]:
    """Return a task and all that it depends on, in the order in which they run."""
    closure: list[str] = []
    seen: set[str] = set()
    waiting = [(root, False)]
    while waiting:
        name, is_done = waiting.pop()
        if name not in tasks or (name in seen and not is_done):
            continue
        if is_done:
            closure.append(name)
            continue
        seen.add(name)
        dependencies = [*tasks[name].names("dependencies"), *_aliases(tasks[name])]
        waiting.append((name, True))
        waiting += [(each, False) for each in reversed(dependencies)]
    return closure


def _aliases(task: MakeTask) -> Iterator[str]:
    for key in ("alias", "windows_alias", "run_task"):
        yield from task.names(key)
