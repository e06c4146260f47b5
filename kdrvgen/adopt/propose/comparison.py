"""Whether the generated files pass the same arguments to the linker as the project does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.propose.presets import same_arguments
from kdrvgen.adopt.read.cargo_settings import read_cargo_settings
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.model import Makefile, Project
from kdrvgen.rendering.flags import target_plan
from kdrvgen.rendering.project import render
from kdrvgen.report.finding import Finding

__all__ = ["compare", "rendered_arguments"]


def compare(project: Project, facts: Facts) -> Iterator[Finding]:
    """Yield the differences between the linker arguments of the generated files and the project's.

    The same reader reads both.
    """
    wanted = facts.linker_arguments
    if not (wanted.all or facts.script.wdk):
        return
    old = wanted.texts
    if not project.toolchain.is_nightly:
        old = (), (*old[0], *old[1])
    new = rendered_arguments(project)
    for before, after, place in zip(old, new, ("before", "after"), strict=True):
        if not same_arguments(before, after):
            yield difference(
                next((each.origin for each in wanted.all), Origin("")),
                f"the linker arguments {place} the objects change from {_listed(before)}",
                f"the proposal passes {_listed(after)}",
            )


def _listed(arguments: tuple[str, ...]) -> str:
    return " ".join(arguments) or "none"


def rendered_arguments(project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the linker arguments of the generated files, before and after the objects.

    They are those of the default target, in development.
    """
    triple = project.driver.triples[0]
    path = project.toolchain.cargo_config
    bare = project.model_copy(update={"makefile": Makefile()})  # own tasks change no argument
    texts = {str(name): text for name, text in render(bare).items()}
    settings, _ = read_cargo_settings(Snapshot({path: texts[str(PurePosixPath(path))]}))
    flags = settings.flags_for(triple)
    of_script = target_plan(project, triple).script_arguments["development"]
    return tuple(each.text for each in flags.pre), (
        *(each.text for each in flags.post),
        *of_script,
    )
