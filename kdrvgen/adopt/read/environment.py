"""Flags for rustc that a makefile puts into the environment, which cargo prefers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kdrvgen.adopt.parse.located import Located
from kdrvgen.adopt.read.findings import hazard
from kdrvgen.adopt.read.makefile import Makefile
from kdrvgen.adopt.read.pipeline import Pipeline
from kdrvgen.report.finding import Finding

__all__ = ["FLAG_VARIABLES", "read_environment_flags"]

FLAG_VARIABLES = frozenset({"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"})
"""Variables whose flags replace those of the cargo configuration."""


def read_environment_flags(
    makefile: Makefile, pipeline: Pipeline
) -> tuple[list[Located] | None, list[Finding]]:
    """Return the flags that cargo gets from the environment in development; None without any.

    A variable of a task precedes one of the profile, which precedes one of `[env]`. Source: the
    Cargo Book, "Configuration", section "build.rustflags"; cargo-make's README.
    """
    layers = [
        _set_by_script(pipeline),
        _set_by_task(makefile, pipeline),
        dict(_variables(makefile, "development")),
        dict(_variables(makefile, "")),
    ]
    findings = [
        hazard(
            flags.origin,
            f"{name} in the environment replaces the flags of the cargo configuration",
            "the proposal has its flags in `[linker]`, and the pipeline rejects such a variable",
        )
        for layer in layers
        for name, flags in layer.items()
    ]
    findings += [
        hazard(
            flags.origin,
            f"{name} in the environment replaces the flags of the cargo configuration in the "
            f"profile `{profile}` only",
            f"it is left out; set the flags that you need in `profiles.{profile}.linker`",
        )
        for profile in makefile.profiles
        if profile != "development"
        for name, flags in _variables(makefile, profile)
    ]
    for name in ("CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"):
        separator = "\x1f" if name.startswith("CARGO") else r"\s+"
        for layer in layers:
            if flags := layer.get(name):
                words = re.split(separator, flags.text.strip())
                return [Located(word, flags.origin) for word in words if word], findings
    return None, findings


def _variables(makefile: Makefile, profile: str) -> Iterator[tuple[str, Located]]:
    variables = makefile.profiles.get(profile, {}) if profile else makefile.env
    for name, variable in variables.items():
        if name.upper() in FLAG_VARIABLES and variable.text is not None:
            yield name.upper(), Located(variable.text, variable.origin)


def _set_by_task(makefile: Makefile, pipeline: Pipeline) -> dict[str, Located]:
    task = makefile.tasks.get(pipeline.main_tasks.get("build-driver", ""))
    env = task.keys.get("env") if task else None
    if task is None or not isinstance(env, Mapping):
        return {}
    return {
        name.upper(): Located(text, task.where("env", name))
        for name, value in env.items()
        if name.upper() in FLAG_VARIABLES and (text := _text(value)) is not None
    }


def _text(value: object) -> str | None:
    """Return the value of a variable of a task, also one with a condition; None without one."""
    text = value.get("value") if isinstance(value, Mapping) else value
    return text if isinstance(text, str) else None


def _set_by_script(pipeline: Pipeline) -> dict[str, Located]:
    variables: dict[str, Located] = {}
    for step in pipeline.steps.get(pipeline.main_tasks.get("build-driver", ""), ()):
        if step.words[:1] == ("set",):
            name, _, value = " ".join(step.words[1:]).partition("=")
            if name.upper() in FLAG_VARIABLES:
                variables[name.upper()] = Located(value, step.origin)
    return variables
