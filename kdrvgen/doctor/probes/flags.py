"""Flags for rustc from elsewhere: variables, and cargo's configuration above the project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kdrvgen.credentials import mask
from kdrvgen.doctor.cargo_files import CargoFile, read_cargo_files
from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.rustup import run_rust
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.rendering.flags import TargetPlan, target_plan
from kdrvgen.report.finding import Finding, Severity

__all__ = ["rustflags"]

_FLAGS = Check("flags for rustc", (Task.BUILD,))
_ALL = ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS")
_CODE_GENERATION = re.compile(r"target-(cpu|feature)=\S+")


def rustflags(host: Host, project: Project) -> Iterator[Finding]:
    """Check for flags that replace those of the project, or reach rustc beside them.

    Source: doc.rust-lang.org/cargo/reference/config.html, "build.rustflags". cargo reads the flags
    from one place only: the environment, then the targets, then [build].
    """
    plans = [target_plan(project, triple) for triple in project.driver.triples]
    has_flags = any(plan.flags or any(plan.extra_flags.values()) for plan in plans)
    has_flags |= any(project.linker_for(name).reproducible for name in project.profiles)
    findings = [*_of_variables(host, project, has_flags=has_flags)]
    if not any(name in host.env for name in _ALL):
        files = read_cargo_files(host).files
        for plan in plans:
            findings += _of_files(host, project, plan, files)
    yield from findings or [_FLAGS.ok("none from the environment or another configuration")]


def _of_variables(host: Host, project: Project, *, has_flags: bool) -> Iterator[Finding]:
    for name in _ALL:
        if name in host.env:
            effect = (
                "replaces the driver's linker arguments" if has_flags else "applies to the build"
            )
            severity = Severity.ERROR if has_flags else Severity.NOTE
            yield _flags_in(host, name, effect, severity)
    for name in ("CARGO_BUILD_RUSTFLAGS", *map(_target_variable, project.driver.triples)):
        if name in host.env:
            # The flags of a target replace those of [build].
            is_ignored = has_flags and name.startswith("CARGO_BUILD")
            effect = "is ignored" if is_ignored else "applies to the build"
            yield _flags_in(host, name, effect, Severity.NOTE)


def _flags_in(host: Host, name: str, effect: str, severity: Severity) -> Finding:
    unset = f"set {name}=" if host.is_windows else f"unset {name}"
    return _FLAGS.finding(
        severity,
        f'{name}="{host.env[name]}" in the environment {effect}',
        remedy=Remedy(f"{unset}; if the driver needs these flags, add them to linker.rustflags"),
    )


def _of_files(
    host: Host, project: Project, plan: TargetPlan, files: Sequence[CargoFile]
) -> Iterator[Finding]:
    """Yield the flags that cargo joins to those of one target, with their files."""
    own = {flag.text for flag in plan.flags}
    by_target = [(file, file.flags(plan.triple)) for file in files]
    has_any = bool(own) or any(flags for _, flags in by_target)
    foreign = by_target if has_any else [(file, file.build_flags) for file in files]
    advice = f"remove them there, or add them to linker.rustflags of {project.config_name}"
    # cargo joins the arrays with the farthest file first, and rustc uses the last value.
    everything = [flag for _, flags in reversed(foreign) for flag in flags]
    avx = _avx(host, project, plan.triple, everything)
    is_reproducible = any(project.linker_for(name).reproducible for name in project.profiles)
    for file, flags in foreign:
        added = [flag for flag in flags if flag not in own]
        if not added:
            continue
        message = f"{plan.triple}: {mask(' '.join(added))} reaches rustc"
        severity = Severity.NOTE
        if avx and _CODE_GENERATION.search(" ".join(added)):
            severity = Severity.ERROR
            message += f" and turns on {avx}, which kernel code must not use"
        elif is_reproducible:
            severity = Severity.ERROR
            message += ", but linker.reproducible allows no flags from elsewhere"
        yield _FLAGS.finding(severity, message, str(file.path), Remedy(advice))


def _avx(host: Host, project: Project, triple: str, flags: Sequence[str]) -> str:
    """Return the AVX feature that the flags turn on, as build.rs would see it; "" if none."""
    # Only these flags: others can load code, such as -Zcodegen-backend.
    words = [found[0] for found in _CODE_GENERATION.finditer(" ".join(flags))]
    if not words or project.driver.model == "umdf":
        return ""
    codegen = [argument for word in words for argument in ("-C", word)]
    answer = run_rust(host, project, "rustc", "--print", "cfg", "--target", triple, *codegen)
    found = re.search(r'target_feature="(avx[^"]*)"', answer.text)
    return found[1] if found else ""


def _target_variable(triple: str) -> str:
    return f"CARGO_TARGET_{triple.upper().replace('-', '_')}_RUSTFLAGS"
