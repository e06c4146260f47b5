"""Holds a proposal against the project: what its files, rendered, say to the linker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.propose.linker import same_arguments
from kdrvgen.adopt.read.cargo_settings import read_cargo_settings
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.model import Project
from kdrvgen.rendering.flags import target_plan
from kdrvgen.rendering.project import render
from kdrvgen.report.finding import Finding

__all__ = ["compare", "rendered_arguments"]


def compare(project: Project, facts: Facts) -> Iterator[Finding]:
    """Yield in what the rendered files tell the linker otherwise than the project does.

    Source of the expectation: the project's own files, read by the same reader as the rendered.
    """
    wanted = facts.wanted
    if not (wanted.pre or wanted.post or facts.script.wdk):
        return
    had = wanted.texts
    if not project.toolchain.is_nightly:
        had = (), (*had[0], *had[1])
    now = rendered_arguments(project)
    for before, after, words in zip(had, now, ("before", "after"), strict=True):
        if not same_arguments(before, after):
            origin = next((said.origin for said in (*wanted.pre, *wanted.post)), Origin(""))
            yield difference(
                origin,
                f"the linker's arguments {words} the objects were {' '.join(before) or 'none'}",
                f"they become {' '.join(after) or 'none'}",
            )


def rendered_arguments(project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the rendered files tell the linker for the default target, in development.

    Returns:
        The arguments before the objects, and those after them.
    """
    triple = project.driver.triples[0]
    path = project.toolchain.cargo_config
    texts = {str(name): text for name, text in render(project).items()}
    settings, _ = read_cargo_settings(Snapshot({path: texts[str(PurePosixPath(path))]}))
    flags = settings.flags_for(triple)
    script = target_plan(project, triple).script_arguments["development"]
    return tuple(said.text for said in flags.pre), (
        *(said.text for said in flags.post),
        *script,
    )
