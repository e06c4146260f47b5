"""Which calls of cargo-make in the README, CI files and scripts do something else afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence

from kdrvgen.adopt.parse.paths import slashes
from kdrvgen.adopt.propose.renames import Renames
from kdrvgen.adopt.propose.wdk_build import WDK_TASKS
from kdrvgen.adopt.read.core_tasks import CORE_TASKS
from kdrvgen.adopt.read.facts import Facts
from kdrvgen.adopt.read.findings import difference
from kdrvgen.adopt.read.invocations import CARGO_OPTIONS, MakeCall, read_calls
from kdrvgen.report.finding import Finding

__all__ = ["call_findings"]

_PROFILES = ("development", "production")
# The options of cargo-make that replace cargo's.
_INSTEAD = {
    "--profile": "--profile {value}",
    "-p": "--profile {value}",
    "--target": "-e DRIVER_TARGET={value}",
}
_VARIABLE = re.compile(r"[$%<]")
_NEUTRAL = frozenset({"-v", "--verbose", "-j", "--jobs"})


def call_findings(facts: Facts, renames: Renames, known: Collection[str]) -> Iterator[Finding]:
    """Yield the calls that the generated makefile does not run as before.

    Args:
        facts: What the project contains.
        renames: The new names of tasks.
        known: The tasks of the generated makefile.
    """
    if facts.makefile.file is None:
        return
    old = {*facts.makefile.tasks, *(WDK_TASKS if facts.makefile.wdk else ())}
    old |= CORE_TASKS.keys() if facts.makefile.has_core_tasks else set()
    for call in read_calls(facts.snapshot):
        task = call.task or "default"
        if task not in {*old, "default"}:
            continue  # a word of a sentence, or another makefile's task
        new = _task(task, facts, renames)
        options, missing = _options(call, facts)
        condition = "" if call.is_near else "if it is for this driver, "
        is_makefile = posixpath.basename(slashes(call.makefile)) in {"", "Makefile.toml"}
        if new not in known:
            message = f"{condition}`{call.text}` runs a task that the proposal does not have"
            yield difference(call.origin, message, "add it under [makefile.tasks]")
        elif new != task or options or missing or not is_makefile:
            before = [f"--profile {call.profile}"] if call.profile else []
            words = ["cargo make", *before, *options, *([] if new == "default" else [new])]
            yield difference(
                call.origin,
                f"{condition}`{call.text}` does not do the same with the generated makefile",
                f"write `{' '.join(words)}`" + "".join(missing),
            )


def _task(task: str, facts: Facts, renames: Renames) -> str:
    """Return the generated or copied task that does what a task does."""
    new = renames.task(task)
    is_wdk_builds = facts.makefile.wdk and task == "default" == new
    if is_wdk_builds and "default" not in facts.makefile.tasks and facts.pipeline.package:
        return "package"
    return "default" if new == "sign" and task == "default" else new


def _options(call: MakeCall, facts: Facts) -> tuple[list[str], list[str]]:
    """Return the options for cargo-make, and what to do about others.

    The arguments after the task are cargo's in wdk-build's makefile, and mean nothing in others.
    """
    options: list[str] = []
    missing: list[str] = []
    is_known = call.profile.lower() in {*_PROFILES, *facts.makefile.profiles}
    if call.profile and not is_known and not _VARIABLE.search(call.profile):
        missing.append(f", with `[profiles.{call.profile}]` in config.toml")
    rest: Sequence[str] = call.arguments
    if facts.makefile.wdk is None:  # cargo-make ignores a profile here; the generated tasks refuse
        rest = rest[:2] if rest[:1] in {("--profile",), ("-p",)} else ()
    while rest:
        (name, _, value), rest = rest[0].partition("="), rest[1:]
        if (CARGO_OPTIONS.get(name) or name in _INSTEAD) and not value:
            value, rest = "".join(rest[:1]), rest[1:]
        if name in {"--release", "-r"}:
            options.append("--profile production")
        elif name in _INSTEAD:
            renamed = {"release": "production", "dev": "development"}.get(value, value)
            options.append(_INSTEAD[name].format(value=renamed))
        elif name.startswith("+"):
            missing.append("; `toolchain.channel` in config.toml sets the toolchain")
        elif name in CARGO_OPTIONS and name not in _NEUTRAL:
            missing.append(f"; `{f'{name} {value}'.strip()}` belongs into `[build]`")
    return options, missing
