"""The driver's service, which tasks create, start, stop and delete with sc."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Located
from kdrvgen.adopt.parse.paths import slashes
from kdrvgen.adopt.parse.steps import Action, Step
from kdrvgen.adopt.read.make_task import MakeTask

__all__ = ["PLAIN_KEYS", "SERVICE_TASKS", "Service", "find_service", "keep_closed"]

SERVICE_TASKS = frozenset({"install", "start", "stop", "uninstall"})
"""The generated tasks for the service."""

# The generated task for each verb of sc. A task may use several verbs in this order; the last one
# says what the task is for.
_VERBS = {"stop": "stop", "delete": "uninstall", "create": "install", "start": "start"}
# Options of `sc create` with a key in config.toml, or with the value that sc uses anyway.
_OPTIONS: Mapping[str, frozenset[str] | None] = {
    "binpath": None,
    "type": frozenset({"kernel"}),
    "start": frozenset({"demand", "auto", "system"}),
    "error": frozenset({"normal"}),
}
PLAIN_KEYS = frozenset(
    {
        *("script", "command", "args", "cwd", "env", "dependencies", "ignore_errors"),
        *("script_extension", "description", "category", "private", "workspace", "clear"),
    }
)
"""A task with other keys than these does more than run its commands."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A plain call of sc."""

    verb: str
    service: Located
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """The driver's service.

    Attributes:
        name: Its name.
        start: When Windows starts it, if the project sets that.
        image: The path of its image.
        tasks: The tasks that only handle the service, each with the generated task that replaces
            it.
    """

    name: Located
    start: Located | None
    image: Located
    tasks: Mapping[str, str]


def find_service(
    tasks: Mapping[str, MakeTask],
    steps: Mapping[str, Sequence[Step]],
    roles: Mapping[str, str],
    image: str,
) -> Service | None:
    """Find the tasks that only handle the service of the driver.

    Args:
        tasks: All tasks.
        steps: The commands of each task.
        roles: The tasks that make the driver.
        image: The file name of the driver's image.

    Returns:
        None if no task creates a service for the image: no other command shows whose service it is.
    """
    calls = {
        name: found
        for name, task in tasks.items()
        if name not in roles and (found := _calls(task, steps[name]))
    }
    creation = next(
        (
            call
            for task_calls in calls.values()
            for call in task_calls
            if call.verb == "create" and _file(call).lower() == image.lower()
        ),
        None,
    )
    if creation is None:
        return None
    service_tasks = {
        name: _VERBS[task_calls[-1].verb]
        for name, task_calls in calls.items()
        if all(_is_same_service(call, creation) for call in task_calls)
    }
    keep_closed(service_tasks, tasks, roles)
    start = creation.options.get("start")
    origin = creation.service.origin
    return Service(
        name=creation.service,
        start=Located(start, origin) if start else None,
        image=Located(creation.options["binpath"], origin),
        tasks=service_tasks,
    )


def _calls(task: MakeTask, steps: Sequence[Step]) -> list[_Call]:
    """Return the calls of sc in a task; none if the task does anything else."""
    calls: list[_Call] = []
    for step in steps:
        call = _call(step)
        if call:
            calls.append(call)
        elif step.action is not Action.PRINT:
            return []
    order = [list(_VERBS).index(call.verb) for call in calls]
    is_plain = task.keys.keys() <= PLAIN_KEYS and order == sorted(set(order))
    return calls if is_plain else []


def _call(step: Step) -> _Call | None:
    match step.words:
        case ("sc", verb, service, *rest) if verb.lower() in _VERBS:
            options = _options(rest)
            is_whole = verb.lower() != "create" or "binpath" in (options or {})
            is_alone = not (step.command.condition or step.command.operator)
            if options is None or not is_whole or not is_alone or {"%", "$"} & {*service}:
                return None
            return _Call(verb.lower(), Located(service, step.origin), options)
    return None


def _options(words: Sequence[str]) -> dict[str, str] | None:
    """Return the options of `sc create`; None if config.toml has no key for one of them."""
    options: dict[str, str] = {}
    waiting = deque(words)
    while waiting:
        name, is_option, value = waiting.popleft().partition("=")
        value = value or (waiting.popleft() if waiting else "")
        name = name.lower()
        allowed = _OPTIONS.get(name)
        if not is_option or name not in _OPTIONS or (allowed and value.lower() not in allowed):
            return None
        options[name] = value if allowed is None else value.lower()
    # Without a type, sc creates a service for a program.
    return options if not options or options.get("type") == "kernel" else None


def keep_closed(
    service_tasks: dict[str, str], tasks: Mapping[str, MakeTask], roles: Mapping[str, str]
) -> None:
    """Remove the tasks that depend on a task of another kind, directly or through others."""
    dependents: dict[str, list[str]] = {}
    waiting: list[str] = []
    for name in service_tasks:
        needed = {*tasks[name].names("dependencies")}
        for other in needed & service_tasks.keys():
            dependents.setdefault(other, []).append(name)
        if not needed <= service_tasks.keys() | roles.keys():
            waiting.append(name)
    while waiting:
        name = waiting.pop()
        if service_tasks.pop(name, None) is not None:
            waiting += dependents.get(name, ())


def _file(call: _Call) -> str:
    return posixpath.basename(slashes(call.options["binpath"]))


def _is_same_service(call: _Call, creation: _Call) -> bool:
    is_name = call.service.text.lower() == creation.service.text.lower()
    return is_name and (call.verb != "create" or call.options == creation.options)
