"""Rules between keys: each names the key to blame and the other keys that contribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kdrvgen.model.base import Path
from kdrvgen.model.build import Build
from kdrvgen.model.cargo_rules import cargo_rules
from kdrvgen.model.deploy import Deploy
from kdrvgen.model.driver import Driver, Toolchain
from kdrvgen.model.hook_rules import hook_rules
from kdrvgen.model.linker import Linker
from kdrvgen.model.linker_rules import linker_rules
from kdrvgen.model.makefile import Makefile
from kdrvgen.model.makefile_rules import generated_task_rules, makefile_rules
from kdrvgen.model.package import Package
from kdrvgen.model.package_rules import framework_rules, package_rules
from kdrvgen.model.problems import Problem, variants
from kdrvgen.model.profile import Profile
from kdrvgen.model.signing import Signing
from kdrvgen.model.signing_rules import signing_rules
from kdrvgen.model.tasks import Packing, packing_of
from kdrvgen.model.wdk import Wdk
from kdrvgen.model.wdk_rules import wdk_rules

__all__ = ["Tables", "broken_rules"]


class Tables(NamedTuple):
    """The tables that are valid on their own; None for one that is not."""

    driver: Driver | None = None
    toolchain: Toolchain | None = None
    build: Build | None = None
    linker: Linker | None = None
    wdk: Wdk | None = None
    signing: Signing | None = None
    deploy: Deploy | None = None
    package: Package | None = None
    profiles: Mapping[str, Profile] | None = None
    cargo_config: Mapping[str, Any] | None = None
    makefile: Makefile | None = None


def broken_rules(tables: Tables) -> list[Problem]:
    """Return every broken rule whose tables are valid, each once."""
    found: dict[tuple[Path, str], Problem] = {}
    for problem in _all(tables):
        found.setdefault((problem.path, problem.message), problem)
    return list(found.values())


def _all(tables: Tables) -> Iterator[Problem]:
    profiles = tables.profiles or {}
    if tables.driver:
        yield from _one_target_key(tables.driver)
        yield from _output_dir_divides_targets(tables.driver)
        yield from _framework_calls_its_own_entry(tables.driver)
        yield from _rules_of_installing(tables.driver, tables)
    if tables.toolchain:
        yield from _build_std_needs_nightly(tables.toolchain)
    if tables.wdk:
        yield from wdk_rules(tables.driver, tables.wdk)
    yield from _own_profiles_name_cargos(profiles)
    if tables.linker:
        by_wdk_build = bool(tables.wdk and tables.wdk.is_wdk_builds)
        yield from linker_rules(tables.driver, tables.linker, profiles, by_wdk_build=by_wdk_build)
    if tables.signing:
        for signing, blame in variants("signing", tables.signing, profiles):
            yield from signing_rules(signing, blame)
    yield from cargo_rules(tables.cargo_config or {}, tables.driver)
    # Of an invalid table it is unknown what it describes.
    packing = Packing.SUBMISSION if tables.package is None else packing_of(tables.package)
    if tables.makefile:
        yield from makefile_rules(tables.makefile, profiles, packing)
        yield from hook_rules(tables.makefile, packing)
    # With an invalid table or profile, it is unknown which tasks are generated.
    if tables.makefile and tables.driver and tables.signing and tables.profiles:
        yield from generated_task_rules(
            tables.makefile,
            tables.driver,
            tables.signing,
            tables.profiles,
            packing,
        )


def _rules_of_installing(driver: Driver, tables: Tables) -> Iterator[Problem]:
    if tables.deploy:
        yield from _services_are_the_kernels(driver, tables.deploy)
    if tables.package:
        yield from package_rules(driver, tables.package)
        if tables.wdk:
            yield from framework_rules(driver, tables.package, tables.wdk)


def _own_profiles_name_cargos(profiles: Mapping[str, Profile]) -> Iterator[Problem]:
    for name, profile in profiles.items():
        if profile.cargo_profile is None:
            meant = {"dev": "development", "debug": "development", "release": "production"}
            hint = 'add `cargo-profile = "dev"` or `cargo-profile = "release"`'
            if name in meant:
                hint = f"did you mean `{meant[name]}`? `{name}` is cargo's name; otherwise {hint}"
            yield Problem(
                ("profiles", name),
                f"the profile `{name}` has no `cargo-profile`",
                hint=hint,
            )


def _one_target_key(driver: Driver) -> Iterator[Problem]:
    if driver.target is not None and driver.targets is not None:
        yield Problem(
            ("driver", "target"),
            "`target` is a shorthand for `targets`, and both are set",
            hint="keep one of them",
            also=(("driver", "targets"),),
        )


def _output_dir_divides_targets(driver: Driver) -> Iterator[Problem]:
    if driver.output_dir and len(driver.triples) > 1 and "{target}" not in driver.output_dir:
        yield Problem(
            ("driver", "output-dir"),
            "with several targets, the drivers would overwrite each other",
            hint=f"add `{{target}}`: `{driver.output_dir}/{{target}}`",
            also=(("driver", "targets"),),
        )


def _framework_calls_its_own_entry(driver: Driver) -> Iterator[Problem]:
    if driver.model != "wdm" and driver.entry_point not in {None, "DriverEntry"}:
        yield Problem(
            ("driver", "entry-point"),
            f"the {driver.model.upper()} framework calls a function named `DriverEntry`",
            hint="remove `entry-point` and export `DriverEntry`",
            also=(("driver", "model"),),
        )


def _build_std_needs_nightly(toolchain: Toolchain) -> Iterator[Problem]:
    if toolchain.build_std and not toolchain.is_nightly:
        yield Problem(
            ("toolchain", "build-std"),
            f"`build-std` is unstable, but the channel is `{toolchain.channel}`",
            hint='set `channel = "nightly"`, or remove `build-std` and run `rustup target add`',
            also=(("toolchain", "channel"),),
        )


def _services_are_the_kernels(driver: Driver, deploy: Deploy) -> Iterator[Problem]:
    if driver.model == "umdf":
        for field in sorted(deploy.model_fields_set):
            yield Problem(
                ("deploy", field.replace("_", "-")),
                "a UMDF driver has no service of its own: the Windows host process loads it",
                hint="remove the key; install the driver with an INF and `pnputil /add-driver`",
                also=(("driver", "model"),),
            )
