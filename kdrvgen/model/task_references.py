"""The names of other tasks in a cargo-make task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kdrvgen.model.base import Path

__all__ = ["Reference", "references"]

# The keys of cargo-make's `Task` and `PlatformOverrideTask` (its types.rs) that name tasks.
_NAMING_KEYS = ("alias", "extend", "linux_alias", "mac_alias", "windows_alias")
_PLATFORMS = ("linux", "mac", "windows")


class Reference(NamedTuple):
    """The name of a task in another one.

    Attributes:
        path: The path of the name in config.toml.
        name: The name.
        key: The key of the task that contains it, such as `dependencies`, also if that is below
            the key of a platform.
    """

    path: Path
    name: str
    key: str


def references(task: Mapping[str, Any], where: Path) -> Iterator[Reference]:
    """Yield each reference to another task of the same file in the task at `where`."""
    for key in _NAMING_KEYS:
        yield from _names(task.get(key), (*where, key), key)
    for path, dependency in _members(task.get("dependencies"), (*where, "dependencies")):
        if not isinstance(dependency, Mapping):
            yield from _names(dependency, path, "dependencies")
        elif "path" not in dependency:  # with a path, the task is in another file
            yield from _names(dependency.get("name"), (*path, "name"), "dependencies")
    for path, step in _members(task.get("run_task"), (*where, "run_task")):
        if isinstance(step, Mapping):
            for key in ("name", "cleanup_task"):
                yield from _names(step.get(key), (*path, key), "run_task")
        else:
            yield from _names(step, path, "run_task")
    for platform in _PLATFORMS:
        if isinstance(override := task.get(platform), Mapping):
            yield from references(override, (*where, platform))


def _names(value: object, path: Path, key: str) -> Iterator[Reference]:
    for member_path, member in _members(value, path):
        if isinstance(member, str):
            yield Reference(member_path, member, key)


def _members(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Yield the elements of an array, or the value itself if it is not an array."""
    if isinstance(value, tuple):
        yield from (((*path, index), member) for index, member in enumerate(value))
    else:
        yield path, value
