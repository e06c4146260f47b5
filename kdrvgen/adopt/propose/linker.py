"""`[linker]`: the linker, its arguments and the other flags for rustc."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.adopt.parse.located import Origin
from kdrvgen.adopt.propose.draft import Draft
from kdrvgen.adopt.propose.driver import TARGETS
from kdrvgen.adopt.propose.presets import fewest_keys
from kdrvgen.adopt.propose.wdk_build import without_static_runtime
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.model import Driver
from kdrvgen.report.finding import Finding

__all__ = ["propose_linker"]


def propose_linker(draft: Draft, facts: Facts) -> Iterator[Finding]:
    """Set `[linker]`."""
    flags, triples = facts.flags, facts.triples
    program = flags.linker or (facts.cargo.linkers.get(triples[0].text) if triples else None)
    if program:
        name = re.sub(r"\.exe$", "", program.text, flags=re.IGNORECASE)
        draft.set(("linker", "program"), name, program.origin)
    if facts.linker_arguments.all or facts.script.wdk:
        _arguments(draft, facts)
    elif facts.model is None or facts.model.text != "umdf":
        yield difference(
            Origin("Cargo.toml"),
            "no argument makes the linker produce a driver",
            "the preset `kernel` has such arguments; set `driver.entry-point` to your function",
        )
    other = flags.other
    if facts.script.wdk:
        other, findings = without_static_runtime(other)
        yield from findings
    draft.set_array(("linker", "rustflags"), other)


def _arguments(draft: Draft, facts: Facts) -> None:
    wanted = facts.linker_arguments
    first = next((each.origin for each in wanted.all), facts.script.wdk)
    keys = fewest_keys(
        _bare_driver(facts),
        wanted,
        is_nightly=facts.is_nightly,
        by_wdk_build=facts.script.wdk is not None,
    )
    for name, value in keys.items():
        if isinstance(value, str):
            draft.set(("linker", name), value, first or Origin(""))
        else:
            draft.set_array(("linker", name), value)
    if facts.script.arguments and not (facts.flags.pre or facts.flags.post):
        draft.set(("linker", "emit"), "build-script", facts.script.arguments[0].origin)


def _bare_driver(facts: Facts) -> Driver:
    """Return a driver with the properties that linker arguments depend on."""
    triples = [each.text for each in facts.triples if each.text in TARGETS]
    entry, model = facts.entry_point, facts.model
    is_umdf = model is not None and model.text == "umdf"
    return Driver.model_construct(
        name="x",
        model="kmdf" if model and model.text == "kmdf" else "umdf" if is_umdf else "wdm",
        entry_point=entry.text if entry and entry.text != "FxDriverEntry" else None,
        target=triples[0] if triples else None,
        targets=None,
    )
