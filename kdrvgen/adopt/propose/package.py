"""`[package]`: the INF that the project stamps, and the versions of Windows in its catalog."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from kdrvgen.adopt.parse.inf_tools import parse_inf2cat, parse_stampinf
from kdrvgen.adopt.parse.located import Located
from kdrvgen.adopt.parse.paths import joined
from kdrvgen.adopt.parse.steps import Step
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import equivalent
from kdrvgen.report.finding import Finding

__all__ = ["propose_package"]


def propose_package(draft: Draft, facts: Facts) -> Iterator[Finding]:
    """Set `[package]`, if a task stamps an INF of the project."""
    steps = [step for each in facts.pipeline.steps.values() for step in each if step.words]
    inx = next(_files(steps), None)
    if inx is None:
        return
    draft.set_text(("package", "inx"), inx)
    systems = [
        Located(name, step.origin)
        for step in steps
        if step.words[0] == "inf2cat"
        for name in parse_inf2cat(step.words[1:]).value("os").split(",")
        if name
    ]
    draft.set_array(("package", "operating-systems"), list(dict.fromkeys(systems)))
    yield equivalent(
        inx.origin,
        "a task stamps the INF with stampinf",
        "the task is copied; `kdrvgen package` stamps the same file, checks it and makes the "
        "catalog without the tools of the WDK",
    )


def _files(steps: list[Step]) -> Iterator[Located]:
    """Yield the INF files that stampinf changes: the source of a copy to its name, if there is one.

    Only a file of the project's own folder can be the source.
    """
    copies = {
        posixpath.basename(joined(None, step.words[-1])).lower(): step.words[-2]
        for step in steps
        if step.words[0] in {"copy", "xcopy", "cp"} and len(step.words) > _COPY
    }
    for step in steps:
        if step.words[0] != "stampinf":
            continue
        name = parse_stampinf(step.words[1:]).value("f")
        source = copies.get(posixpath.basename(joined(None, name)).lower(), name)
        path = joined(step.folder if source == name else None, source)
        if re.fullmatch(r"[\w./ -]+\.in[fx]", path, re.IGNORECASE) and not path.startswith(".."):
            yield Located(path, step.origin)


_COPY = 2  # `copy FROM TO`
