"""Flags for rustc that a makefile puts into the environment, where cargo prefers them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kdrvgen.adopt.parse.located import Said
from kdrvgen.adopt.read.findings import hazard
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.report.finding import Finding

__all__ = ["FLAG_VARIABLES", "flags_in_environment"]

FLAG_VARIABLES = frozenset({"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"})
"""Variables whose flags cargo takes instead of those of its configuration."""


def flags_in_environment(
    makefile: Makefile, pipeline: Pipeline
) -> tuple[list[Said] | None, list[Finding]]:
    """Return the flags that cargo gets so in development; None if it gets none.

    Source of the order: the Cargo Book, "Configuration", "build.rustflags". cargo-make sets the
    variables of a task over those of the profile, and these over the others.
    """
    layers = [
        _set_by_script(pipeline),
        _set_by_task(makefile, pipeline),
        dict(_of(makefile, "development")),
        dict(_of(makefile, "")),
    ]
    findings = [
        hazard(
            said.origin,
            f"{name} in the environment replaces the flags of the cargo configuration",
            "its flags stand in `[linker]`, and the pipeline refuses such a variable",
        )
        for layer in layers
        for name, said in layer.items()
    ]
    findings += [
        hazard(
            each.origin,
            f"{name} in the environment replaces the flags of the cargo configuration, with the "
            f"profile `{profile}` only",
            f"it is left out: what is wanted of it can stand in `profiles.{profile}.linker`",
        )
        for profile in makefile.profiles
        if profile != "development"
        for name, each in _of(makefile, profile)
    ]
    for name in ("CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"):
        for layer in layers:
            if said := layer.get(name):
                words = re.split("\x1f" if name.startswith("CARGO") else r"\s+", said.text.strip())
                return [Said(word, said.origin) for word in words if word], findings
    return None, findings


def _of(makefile: Makefile, profile: str) -> Iterator[tuple[str, Said]]:
    variables = makefile.profiles.get(profile, {}) if profile else makefile.env
    for name, variable in variables.items():
        if name.upper() in FLAG_VARIABLES and variable.text is not None:
            yield name.upper(), Said(variable.text, variable.origin)


def _set_by_task(makefile: Makefile, pipeline: Pipeline) -> dict[str, Said]:
    task = makefile.tasks.get(pipeline.mains.get("build-driver", ""))
    env = task.keys.get("env") if task else None
    if task is None or not isinstance(env, Mapping):
        return {}
    return {
        name.upper(): Said(text, task.where_in("env", name))
        for name, text in env.items()
        if name.upper() in FLAG_VARIABLES and isinstance(text, str)
    }


def _set_by_script(pipeline: Pipeline) -> dict[str, Said]:
    found: dict[str, Said] = {}
    for step in pipeline.steps.get(pipeline.mains.get("build-driver", ""), ()):
        if step.words[:1] == ("set",):
            name, _, value = " ".join(step.words[1:]).partition("=")
            if name.upper() in FLAG_VARIABLES:
                found[name.upper()] = Said(value, step.origin)
    return found
