"""The driver package of a project: with wdk-build, in a workspace, and in every profile."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from kdrvgen.adopt.parse.inf_tools import parse_inf2cat, parse_stampinf
from kdrvgen.adopt.parse.located import Located
from kdrvgen.adopt.parse.signtool import parse_sign_command
from kdrvgen.adopt.parse.steps import Action, Step
from kdrvgen.adopt.parse.variables import task_environment
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.manifest import Manifest
from kdrvgen.adopt.read.package import Package, find_package, without_package
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.adopt.read.task_steps import read_steps

__all__ = ["Project", "read_package"]

# Switches with a path, which may depend on the profile.
_PATHS = frozenset({"f", "driver", "drv"})


class Project(NamedTuple):
    """The parts of a project that show its package."""

    snapshot: Snapshot
    makefile: Makefile
    manifest: Manifest


class _Profile(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def image(self) -> Located | None: ...


def read_package(
    project: Project,
    tasks: Mapping[str, MakeTask],
    steps: Mapping[str, Sequence[Step]],
    profiles: Sequence[_Profile],
) -> tuple[Package | None, dict[str, list[Step]]]:
    """Return the driver package, and the steps with those marked that make it.

    Args:
        project: The project.
        tasks: Its tasks.
        steps: The commands of each task in development.
        profiles: What it does in each profile, development first.
    """
    snapshot, makefile, manifest = project
    library, image = manifest.library.text, profiles[0].image
    names = [library, *([image.text] if image else ())]
    stems = {posixpath.splitext(posixpath.basename(name))[0].lower() for name in names}
    # wdk-build's makefile and `cargo wdk build` take the INX of the package's name.
    wdk = makefile.wdk or (manifest.wdk if makefile.file is None else None)
    is_there = wdk and f"{library}.inx" in snapshot.infs
    inx = Located(f"{library}.inx", wdk) if wdk and is_there else None
    found, marked = find_package(steps, frozenset(stems), inx)
    if found and makefile.runs_in_root:
        found = _from_project(found, snapshot, posixpath.dirname(makefile.file or ""))
    if found is None:
        return None, without_package(marked)
    others = _differing(project, tasks, marked, (profile.name for profile in profiles[1:]))
    return replace(found, other_profiles=list(others)), marked


def _from_project(package: Package, snapshot: Snapshot, root: str) -> Package | None:
    """Return a package whose paths are relative to the project, of tasks that run in the root.

    Args:
        package: The package.
        snapshot: The project.
        root: The root of the workspace, relative to the project's folder.
    """
    located = (package.inx, *package.extra_files)
    moved = [
        each._replace(text=snapshot.shortest(posixpath.join(root, each.text))) for each in located
    ]
    if any(each.text.startswith("..") for each in moved):
        return None
    return replace(package, inx=moved[0], extra_files=moved[1:])


def _differing(
    project: Project,
    tasks: Mapping[str, MakeTask],
    marked: Mapping[str, Sequence[Step]],
    profiles: Iterable[str],
) -> Iterator[Located]:
    """Yield the profiles that make the package with other arguments, and where."""
    package = project.manifest.name.text if project.manifest.name else ""
    makers = [name for name, each in marked.items() if any(map(_is_tool, each))]
    for profile in profiles:
        values = task_environment(package, profile, project.makefile.values(profile))
        for name in makers:
            before = [_arguments(step) for step in marked[name] if _is_tool(step)]
            steps = [
                step
                for step in read_steps(project.snapshot, tasks[name], values)[0]
                if _is_tool(step)
            ]
            if [_arguments(step) for step in steps] != before:
                yield Located(profile, steps[0].origin if steps else tasks[name].origin)
                break


def _is_tool(step: Step) -> bool:
    tools = {"stampinf", "inf2cat", "signtool"}
    return step.action is Action.PACKAGE and step.words[0] in tools


def _arguments(step: Step) -> list[tuple[str, str]]:
    tool, *words = step.words
    if tool == "signtool":
        return list(parse_sign_command(words[1:]).switches)
    call = parse_stampinf(words) if tool == "stampinf" else parse_inf2cat(words)
    return [(name, value) for name, value in call.switches if name not in _PATHS]
