"""The driver's service, as tasks make, start, stop and delete it by sc."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kdrvgen.adopt.parse.located import Said
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.findings import difference, note
from kdrvgen.adopt.read.makefile import MakeTask
from kdrvgen.adopt.read.steps import Act, Step
from kdrvgen.report.finding import Finding

__all__ = ["SERVICE_TASKS", "Service", "draft_service", "read_service"]

SERVICE_TASKS = frozenset({"install", "start", "stop", "uninstall"})
"""The generated tasks for the service."""

# In this order they make sense together; the last says what a task is for.
_VERBS = {"stop": "stop", "delete": "uninstall", "create": "install", "start": "start"}
# Options of `sc create` that config.toml has, or that say what sc takes anyway.
_OPTIONS: Mapping[str, frozenset[str] | None] = {
    "binpath": None,
    "type": frozenset({"kernel"}),
    "start": frozenset({"demand", "auto", "system"}),
    "error": frozenset({"normal"}),
}
# Keys of a task beside which its commands still are all that it does.
_PLAIN = frozenset(
    """script command args cwd env dependencies ignore_errors script_extension description category
    private workspace clear""".split()  # noqa: SIM905 - words
)


@dataclass(frozen=True, slots=True)
class _Call:
    """A plain call of sc."""

    verb: str
    service: Said
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """The driver's service.

    Attributes:
        name: What it is called.
        start: When Windows starts it, if the project says so.
        image: The image that it is made of.
        tasks: For each task that does nothing else the generated one that takes its place.
    """

    name: Said
    start: Said | None
    image: Said
    tasks: Mapping[str, str]


def read_service(
    tasks: Mapping[str, MakeTask],
    steps: Mapping[str, Sequence[Step]],
    making: Mapping[str, str],
    image: str,
) -> Service | None:
    """Find the tasks that do nothing but to handle the service of the driver's own image.

    Args:
        tasks: All tasks.
        steps: What each of them does.
        making: Those that make the driver.
        image: The name of the image.

    Returns:
        None if no task makes a service of the image, so that it cannot be told whose it is.
    """
    plain = {
        name: calls
        for name, task in tasks.items()
        if name not in making and (calls := _calls(task, steps[name]))
    }
    made = next(
        (
            call
            for calls in plain.values()
            for call in calls
            if call.verb == "create" and _file(call).lower() == image.lower()
        ),
        None,
    )
    if made is None:
        return None
    own = {
        name: _VERBS[calls[-1].verb]
        for name, calls in plain.items()
        if all(_is_same(call, made) for call in calls)
    }
    while others := [name for name in own if not _needs_only(tasks[name], {*own, *making})]:
        for name in others:
            del own[name]
    start = made.options.get("start")
    origin = made.service.origin
    return Service(
        name=made.service,
        start=Said(start, origin) if start else None,
        image=Said(made.options["binpath"], origin),
        tasks=own,
    )


def _calls(task: MakeTask, steps: Sequence[Step]) -> list[_Call]:
    """Return the calls of sc that are all that a task does; none if it does anything else."""
    found: list[_Call] = []
    for step in steps:
        call = _call(step)
        if call:
            found.append(call)
        elif step.act is not Act.TALK:
            return []
    order = [list(_VERBS).index(call.verb) for call in found]
    is_plain = task.keys.keys() <= _PLAIN and order == sorted(set(order))
    return found if is_plain else []


def _call(step: Step) -> _Call | None:
    match step.words:
        case ("sc", verb, service, *rest) if verb.lower() in _VERBS:
            options = _options(rest)
            is_whole = verb.lower() != "create" or "binpath" in (options or {})
            is_alone = not (step.command.condition or step.command.chained or step.is_called)
            if options is None or not is_whole or not is_alone or {"%", "$"} & {*service}:
                return None
            return _Call(verb.lower(), Said(service, step.origin), options)
    return None


def _options(words: Sequence[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        name, is_option, value = waiting.pop(0).partition("=")
        value = value or (waiting.pop(0) if waiting else "")
        name = name.lower()
        known = _OPTIONS.get(name)
        if not is_option or name not in _OPTIONS or (known and value.lower() not in known):
            return None
        found[name] = value if known is None else value.lower()
    # Without a type, sc makes a service of a program.
    return found if not found or found.get("type") == "kernel" else None


def _file(call: _Call) -> str:
    return posixpath.basename(call.options["binpath"].replace("\\", "/"))


def _is_same(call: _Call, made: _Call) -> bool:
    is_name = call.service.text.lower() == made.service.text.lower()
    return is_name and (call.verb != "create" or call.options == made.options)


def _needs_only(task: MakeTask, known: set[str]) -> bool:
    return {*task.names("dependencies")} <= known


def draft_service(draft: Draft, service: Service | None) -> Iterator[Finding]:
    """Say in the draft what the service is called and when it starts."""
    if service is None:
        return
    draft.take(("deploy", "service"), service.name)
    draft.take(("deploy", "start-type"), service.start)
    if "install" in service.tasks.values() or "start" in service.tasks.values():
        yield difference(
            service.image.origin,
            f"the service `{service.name.text}` has its image at {service.image.text}",
            "`install` takes the image where cargo's target directory has it, and leaves a service "
            f"with another one alone: run `sc delete {service.name.text}` once before",
        )
    yield note(
        service.name.origin,
        "tasks that only call sc for the driver's service: "
        + ", ".join(f"`{name}`" for name in service.tasks),
        "`install`, `start`, `stop` and `uninstall` take their place; `start` builds, signs and "
        "installs first",
    )
