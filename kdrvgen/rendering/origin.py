"""Find the keys of config.toml that a generated line comes from, by experiment.

Each key in turn gets another value, and the files are rendered again. The lines that change come
from that key. So the result always follows from the current templates.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple, get_args, get_origin

from kdrvgen.model import Project
from kdrvgen.model.base import FrozenTable, Path, Table, plain, to_kebab
from kdrvgen.model.reference import plain_type
from kdrvgen.rendering.lines import changed_lines, matching_line
from kdrvgen.rendering.project import render_own

__all__ = ["Origin", "origins"]


class Origin(NamedTuple):
    """A key that a line depends on.

    Attributes:
        path: The key in config.toml; the last part is an index if only one element is relevant.
        is_given: Whether config.toml sets it; otherwise it has its default.
        lines: The number of lines of the file that depend on it: the fewer, the closer the key.
    """

    path: Path
    is_given: bool
    lines: int


def origins(project: Project, file: PurePosixPath, line: int) -> tuple[Origin, ...]:
    """Return the keys that a line of a generated file depends on, the closest first.

    Args:
        project: The project that the file was generated from.
        file: Its path in the result of `render_own`.
        line: The line, from 1.

    Returns:
        The keys; none for a line that does not depend on the configuration.

    Raises:
        KeyError: `render_own` does not return the file.
    """
    project, line = _reduced(project, file, line)
    before = _lines(render_own(project)[file])
    found = []
    for path, is_given, variants in _variants(project, ()):
        touched: set[int] = set()
        for other in variants:
            after = _rendered(other).get(file)
            # The cargo configuration's own path is a key too.
            if after is not None:
                touched |= changed_lines(before, _lines(after))
        if line in touched:
            found.append(Origin(path, is_given, len(touched)))
    own = [each for each in found if not _has_closer(each, found)]
    return tuple(sorted(own, key=lambda each: (each.lines, not each.is_given, each.path)))


def _reduced(project: Project, file: PurePosixPath, line: int) -> tuple[Project, int]:
    """Return the project without the user's tasks and variables that do not affect a line.

    The experiments then run on a small project, however many tasks it has. Tries to remove the
    largest parts first, because this makes all later renderings faster.
    """
    before = _lines(render_own(project)[file])
    for field in ("tasks", "env"):
        waiting = deque([list(getattr(project.makefile, field))])
        while waiting:
            names = waiting.popleft()
            smaller = _without(project, field, names)
            after = _lines(render_own(smaller)[file]) if names else before
            if number := matching_line(before, after, line):
                project, before, line = smaller, after, number
            elif len(names) > 1:
                middle = len(names) // 2
                waiting += names[:middle], names[middle:]
    return project, line


def _without(project: Project, field: str, names: Collection[str]) -> Project:
    """Return the project without entries of a table of `[makefile]`."""
    left_out = set(names)
    members = getattr(project.makefile, field).items()
    rest = FrozenTable({name: value for name, value in members if name not in left_out})
    makefile = project.makefile.model_copy(update={field: rest})
    return project.model_copy(update={"makefile": makefile})


def _lines(text: str) -> list[str]:
    """Return the lines without alignment, because a longer neighbour moves a line's comment."""
    return [re.sub(" +", " ", line) for line in text.split("\n")]


def _has_closer(origin: Origin, all_found: Collection[Origin]) -> bool:
    """Return whether an element of this array, or a key of this table, is among the origins."""
    return any(each.path[:-1] == origin.path for each in all_found)


def _rendered(project: Project) -> Mapping[PurePosixPath, str]:
    try:
        return render_own(project)
    except (KeyError, ValueError, AttributeError, TypeError, IndexError):
        return {}  # a value that the model would refuse


def _variants(
    value: Table, above: Path, *, only_given: bool = False
) -> Iterator[tuple[Path, bool, list[Any]]]:
    """Yield each key below a table, whether it is set, and the table with other values for it."""
    for name, field in type(value).model_fields.items():
        path = (*above, to_kebab(name))
        is_given = name in value.model_fields_set
        member = getattr(value, name)

        def put(other: object, name: str = name) -> Table:
            return value.model_copy(update={name: other})

        if isinstance(member, Table):
            if field.default is None:  # without defaults, it has an effect even if it is empty
                yield path, is_given, [put(None)]
            inner = _variants(member, path, only_given=only_given)
            yield from ((key, given, [put(each) for each in found]) for key, given, found in inner)
        elif only_given and not is_given:
            continue
        elif isinstance(member, Mapping):
            yield from _of_mapping(member, path, put)
        else:
            others = _others(member, plain_type(field.annotation))
            if field.default is None and member is not None:
                others.append(None)
            yield path, is_given, [put(other) for other in others]
            if isinstance(member, tuple):
                for index in range(len(member)):
                    rest = (*member[:index], *member[index + 1 :])
                    yield (*path, index), is_given, [put(rest)]


def _of_mapping(
    members: Mapping[str, Any],
    path: Path,
    put: Callable[[object], Table],
) -> Iterator[tuple[Path, bool, list[Any]]]:
    """Yield the entries of a table of free form, and the keys that profiles set."""
    for key, member in members.items():
        if isinstance(member, Table):
            for inner, given, found in _variants(member, (*path, key), only_given=True):
                tables = [put(FrozenTable({**members, key: each})) for each in found]
                yield inner, given, tables
        else:
            rest = {name: plain(each) for name, each in members.items() if name != key}
            yield (*path, key), True, [put(FrozenTable(rest))]


def _others(value: object, kind: object) -> list[object]:
    """Return values other than `value`: all of a closed set, else a similar one."""
    others: list[object] = ["x"]
    if get_origin(kind) is Literal:
        others = [each for each in get_args(kind) if each != value]
    elif isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int):
        others = [value + 1]
    elif isinstance(value, str):
        others = [f"{value}x", ""]
    elif isinstance(value, tuple):
        choice = plain_type(get_args(kind)[0])
        is_closed = get_origin(choice) is Literal
        others = [(each,) for each in get_args(choice)] if is_closed else [(), (*value, "/X")]
    return others
