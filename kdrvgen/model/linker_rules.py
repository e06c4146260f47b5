"""Rules on linker arguments: what the driver model, the preset and rustc itself leave room for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kdrvgen.model.driver import Driver
from kdrvgen.model.linker import Linker
from kdrvgen.model.presets import link_arguments, matches
from kdrvgen.model.problems import Blame, Problem, variants
from kdrvgen.model.profile import Profile

__all__ = ["linker_rules"]

_VERSION = r"(,\d+(\.\d+)?)?"


def linker_rules(
    driver: Driver | None,
    linker: Linker,
    profiles: Mapping[str, Profile],
    *,
    by_wdk_build: bool = False,
) -> Iterator[Problem]:
    """Yield the broken rules of `[linker]`, as it stands and as each profile changes it."""
    for variant, blame in variants("linker", linker, profiles):
        yield from _no_switch_of_rustc(variant, blame)
        if driver:
            if by_wdk_build:
                yield from _entry_point_is_wdk_builds(variant, blame)
            else:
                yield from _one_entry_point(driver, variant, blame)
            yield from _subsystem_fits(driver, variant, blame)
            yield from _map_is_beside_the_image(driver, variant, blame)
            yield from _removed_arguments_are_there(driver, variant, blame, by_wdk_build)


def _switches(linker: Linker, blame: Blame) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """Yield each own argument as its upper-case switch, its value and where it stands."""
    for field, arguments in (("pre-args", linker.pre_args), ("args", linker.args)):
        for index, argument in enumerate(arguments):
            if argument[0] in "/-":
                switch, _, value = argument[1:].partition(":")
                yield switch.upper(), value, blame(field, index)


def _no_switch_of_rustc(linker: Linker, blame: Blame) -> Iterator[Problem]:
    for switch, _, where in _switches(linker, blame):
        if switch in {"OUT", "DLL", "IMPLIB"}:
            yield Problem(
                where,
                f"rustc itself passes `/{switch}`, and a second one hides the image from the "
                "pipeline",
                hint="`driver.output-name` names the image",
            )


def _one_entry_point(driver: Driver, linker: Linker, blame: Blame) -> Iterator[Problem]:
    preset = _of_preset(driver, linker, removing=True)
    by_preset = any(argument.startswith("/ENTRY:") for argument in preset)
    entries = [each for each in _switches(linker, blame) if each[0] == "ENTRY"]
    for index, (_, value, where) in enumerate(entries):
        if by_preset:
            yield Problem(
                where,
                "the preset names the entry point already, and the linker takes one",
                hint=f'set `driver.entry-point = "{value.partition("@")[0]}"`',
                also=(("driver", "entry-point"), blame("preset")),
            )
        elif index:
            yield Problem(
                where,
                "a second entry point, and the linker takes one",
                hint="keep one of them",
                also=(entries[0][2],),
            )


def _entry_point_is_wdk_builds(linker: Linker, blame: Blame) -> Iterator[Problem]:
    for switch, _, where in _switches(linker, blame):
        if switch == "ENTRY":
            yield Problem(
                where,
                "wdk-build names the entry point to the linker, which takes one",
                hint="leave the argument out",
                also=(("wdk", "locate"),),
            )


def _subsystem_fits(driver: Driver, linker: Linker, blame: Blame) -> Iterator[Problem]:
    name = "WINDOWS" if driver.model == "umdf" else "NATIVE"
    for switch, value, where in _switches(linker, blame):
        if switch == "SUBSYSTEM" and not re.fullmatch(
            f"{name}{_VERSION}", value, re.IGNORECASE | re.ASCII
        ):
            yield Problem(
                where,
                f"Windows loads no {driver.model.upper()} driver of subsystem `{value}`",
                hint=f"`/SUBSYSTEM:{name}`, which the presets have already",
                also=(("driver", "model"),),
            )


def _map_is_beside_the_image(driver: Driver, linker: Linker, blame: Blame) -> Iterator[Problem]:
    for switch, value, where in _switches(linker, blame):
        if driver.model == "kmdf" and switch == "MAP" and value:
            yield Problem(
                where,
                "the pipeline reads the map file of a KMDF driver, and expects it beside the image",
                hint="leave the argument out: build.rs passes `/MAP`",
                also=(("driver", "model"),),
            )


def _removed_arguments_are_there(
    driver: Driver,
    linker: Linker,
    blame: Blame,
    by_wdk_build: bool,  # noqa: FBT001 - as its one caller has it
) -> Iterator[Problem]:
    preset = _of_preset(driver, linker, by_wdk_build=by_wdk_build)
    for index, pattern in enumerate(linker.remove):
        if not any(matches(pattern, argument) for argument in preset):
            yield Problem(
                blame("remove", index),
                f"the preset `{linker.preset}` has no argument `{pattern}`",
                hint=f"it has {', '.join(dict.fromkeys(preset)) or 'none at all'}",
                also=(blame("preset"), ("driver", "model")),
            )


def _of_preset(
    driver: Driver, linker: Linker, *, removing: bool = False, by_wdk_build: bool = False
) -> list[str]:
    """Return the preset's arguments for all targets, without those removed if so asked."""
    remove = linker.remove if removing else ()
    own = {"args": (), "pre_args": (), "remove": remove, "reproducible": False}
    bare = linker.model_copy(update=own)
    found = [
        link_arguments(driver, bare, target, by_wdk_build=by_wdk_build) for target in driver.triples
    ]
    return [argument for each in found for argument in (*each.pre, *each.post)]
