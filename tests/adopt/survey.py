"""Adopt any folders and print what the generated files change: `python -m tests.adopt.survey DIR…`.

Nothing is written. Each folder is the folder of a driver's package.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import kdrvgen
from kdrvgen.adopt import adopt, read_project
from kdrvgen.adopt.propose.comparison import rendered_arguments
from kdrvgen.adopt.read.facts import read_facts
from kdrvgen.adopt.read.findings import DIFFERENCE, HAZARD, UNKNOWN
from kdrvgen.model.tasks import GENERATED_TASKS
from kdrvgen.report.finding import Severity

__all__ = ["main", "survey"]


def survey(folder: str) -> Iterator[str]:
    """Yield the lines about one project: its verdict, and what is different."""
    try:
        snapshot = read_project(folder)
        adoption = adopt(snapshot)
        facts, _ = read_facts(snapshot)
    except kdrvgen.KdrvgenError as error:
        yield f"{folder}: refused: {str(error).splitlines()[0]}"
        return
    project = adoption.project
    counts = Counter(
        finding.rule for finding in adoption.findings if finding.severity is Severity.WARNING
    )
    partial = counts[UNKNOWN] or counts[DIFFERENCE]
    yield f"{folder}: {'named differences' if partial else 'whole'}"
    for rule in (UNKNOWN, DIFFERENCE, HAZARD):
        yield from (
            f"  {rule}: {finding.place}: {finding.message}"
            for finding in adoption.findings
            if finding.rule == rule and finding.severity is Severity.WARNING
        )
    old = [each.text for each in facts.linker_arguments.all]
    new = [argument for part in rendered_arguments(project) for argument in part]
    yield from _changes("linker argument", old, new)
    profiles = [profile.name for profile in facts.pipeline.profiles]
    yield f"  profiles: {', '.join(profiles)} -> {', '.join(project.profiles)}"
    image = facts.pipeline.profiles[0].image
    yield f"  image: {image.text if image else 'none'} -> {project.driver.image}"
    signature = facts.pipeline.profiles[0].signature
    switches = signature.command.switches if signature else ()
    shown = " ".join(f"/{name}" for name, _ in switches) or "none"
    yield f"  signing: {shown} -> {project.signing.mode}"
    known = {*project.makefile.tasks, *GENERATED_TASKS}
    kept = [name for name in facts.makefile.tasks if name in known]
    gone = [name for name in facts.makefile.tasks if name not in known]
    yield f"  tasks: {len(kept)} kept; with other names: {', '.join(gone) or 'none'}"


def _changes(what: str, old: list[str], new: list[str]) -> Iterator[str]:
    yield from (f"  - {what} {each}" for each in old if each not in new)
    yield from (f"  + {what} {each}" for each in new if each not in old)


def main(folders: list[str]) -> int:
    """Print the survey of some folders."""
    for folder in folders:
        sys.stdout.write("".join(f"{line}\n" for line in survey(folder)))
    return 0 if folders else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
