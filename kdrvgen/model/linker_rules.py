"""Rules on linker arguments: they must fit the driver model, the preset and rustc."""

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
    """Yield the broken rules of `[linker]`, on its own and with the changes of each profile."""
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
    """Yield each of the user's arguments as upper-case switch, value and path."""
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
                f"rustc passes `/{switch}` itself, and with a second one the pipeline would not "
                "find the image",
                hint="set `driver.output-name` to name the image",
            )


def _one_entry_point(driver: Driver, linker: Linker, blame: Blame) -> Iterator[Problem]:
    preset = _of_preset(driver, linker, removing=True)
    by_preset = any(argument.startswith("/ENTRY:") for argument in preset)
    entries = [found for found in _switches(linker, blame) if found[0] == "ENTRY"]
    for index, (_, value, where) in enumerate(entries):
        if by_preset:
            yield Problem(
                where,
                "the preset already sets the entry point, and an image has only one",
                hint=f'set `driver.entry-point = "{value.partition("@")[0]}"`',
                also=(("driver", "entry-point"), blame("preset")),
            )
        elif index:
            yield Problem(
                where,
                "this is a second entry point, and an image has only one",
                hint="keep one of them",
                also=(entries[0][2],),
            )


def _entry_point_is_wdk_builds(linker: Linker, blame: Blame) -> Iterator[Problem]:
    for switch, _, where in _switches(linker, blame):
        if switch == "ENTRY":
            yield Problem(
                where,
                "wdk-build already sets the entry point, and an image has only one",
                hint="remove the argument",
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
                f"Windows does not load a {driver.model.upper()} driver with subsystem `{value}`",
                hint=f"use `/SUBSYSTEM:{name}`, which the presets already set",
                also=(("driver", "model"),),
            )


def _map_is_beside_the_image(driver: Driver, linker: Linker, blame: Blame) -> Iterator[Problem]:
    for switch, value, where in _switches(linker, blame):
        if driver.model == "kmdf" and switch == "MAP" and value:
            yield Problem(
                where,
                "the pipeline expects the map file of a KMDF driver beside the image",
                hint="remove the argument: build.rs passes `/MAP`",
                also=(("driver", "model"),),
            )


def _removed_arguments_are_there(
    driver: Driver,
    linker: Linker,
    blame: Blame,
    by_wdk_build: bool,  # noqa: FBT001 - its only caller has it as a variable
) -> Iterator[Problem]:
    preset = _of_preset(driver, linker, by_wdk_build=by_wdk_build)
    for index, pattern in enumerate(linker.remove):
        if not any(matches(pattern, argument) for argument in preset):
            yield Problem(
                blame("remove", index),
                f"the preset `{linker.preset}` has no argument `{pattern}`",
                hint=f"its arguments: {', '.join(dict.fromkeys(preset)) or 'none'}",
                also=(blame("preset"), ("driver", "model")),
            )


def _of_preset(
    driver: Driver, linker: Linker, *, removing: bool = False, by_wdk_build: bool = False
) -> list[str]:
    """Return the preset's arguments for all targets; with `removing`, without removed ones."""
    remove = linker.remove if removing else ()
    own = {"args": (), "pre_args": (), "remove": remove, "reproducible": False}
    bare = linker.model_copy(update=own)
    by_target = [
        link_arguments(driver, bare, target, by_wdk_build=by_wdk_build) for target in driver.triples
    ]
    return [argument for link in by_target for argument in (*link.pre, *link.post)]
