"""The variables of the templates: the project, resolved for every target and profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kdrvgen.model import Project
from kdrvgen.model.tasks import Packing, packing_of
from kdrvgen.rendering.cargo_config import TablePath, own_cargo_config
from kdrvgen.rendering.environment import environment
from kdrvgen.rendering.flags import TargetPlan, by_arguments, target_plan
from kdrvgen.rendering.kit import kit_plan
from kdrvgen.rendering.support import support_folder

__all__ = ["aborting_profiles", "default_target", "plan"]


def plan(project: Project) -> dict[str, Any]:
    """Return the variables of the templates."""
    channel = project.toolchain.channel
    # The stable channel means the active toolchain: a distribution's toolchain has no rustup.
    run = () if channel == "stable" else ("rustup", "run", channel)
    by_profile = {name: project.build_for(name).arguments for name in project.profiles}
    shared = by_profile["development"] if len({*by_profile.values()}) == 1 else ()
    targets = [target_plan(project, triple) for triple in project.driver.triples]
    own = {
        name: value
        for name, value in project.makefile.env.items()
        if name in project.profiles and isinstance(value, Mapping)
    }
    return {
        "project": project,
        "config": project.config_name,
        "driver": project.driver,
        "hooks": project.makefile.hooks,
        "has_package": project.package.is_described,
        "has_submission": packing_of(project.package) is Packing.SUBMISSION,
        "toolchain": project.toolchain,
        "wdk": project.wdk,
        **kit_plan(project),
        "has_preset": any(project.linker_for(name).preset != "none" for name in project.profiles),
        "targets": targets,
        "support": support_folder(project),
        "script_arguments": by_arguments(targets),
        **_version_info(project),
        "environment": environment(project, targets),
        "makes_certificates": any(
            project.signing_for(name).mode == "test" for name in project.profiles
        ),
        "has_timestamp": any(
            project.signing_for(name).timestamp_server for name in project.profiles
        ),
        "cargo": (*run, "cargo"),
        "cargo_arguments": shared,
        "own_env": {name: value for name, value in project.makefile.env.items() if name not in own},
        "own_profile_env": own,
        "aborting_profiles": aborting_profiles(project),
        "default_target": default_target(project),
        "own_cargo": own_cargo_config(project.cargo_config, _cargo_tables(project, targets)),
    }


def _version_info(project: Project) -> dict[str, Any]:
    """Return what the version resource has from other tables."""
    info, package = project.driver.version_info, project.package
    numbers = (package.version or "").replace(".", ", ")
    return {
        "version_numbers": f"Some([{numbers}])" if numbers else "None",
        "version_company": (info and info.company) or package.provider or "",
    }


def default_target(project: Project) -> str:
    """Return the target of plain `cargo build`; "" for the host.

    It is the host for a project whose tests run there: with the crate `kernel`, if no flag of the
    cargo configuration makes them drivers.
    """
    emits = {project.linker_for(name).emit for name in project.profiles}
    has_tests = project.driver.kernel_crate and emits == {"build-script"}
    return "" if has_tests else project.driver.triples[0]


def aborting_profiles(project: Project) -> tuple[str, ...]:
    """Return the profiles of cargo that get `panic = "abort"` in the cargo configuration."""
    if project.driver.model == "umdf":
        return ()
    used = {profile.cargo_profile for profile in project.profiles.values()}
    return tuple(name for name in ("dev", "release") if name in used)


def _cargo_tables(project: Project, targets: Sequence[TargetPlan]) -> list[TablePath]:
    """Return the tables that kdrvgen writes into the cargo configuration, in their order."""
    has_linker = project.linker.program != "auto"
    return [
        *([("build",)] if default_target(project) else []),
        *(("target", target.triple) for target in targets if target.flags or has_linker),
        *(("profile", name) for name in aborting_profiles(project)),
        *([("unstable",)] if project.toolchain.build_std else []),
    ]
