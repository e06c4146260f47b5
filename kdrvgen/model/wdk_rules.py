"""Rules on `[wdk]`: the keys for each way to locate a kit, and for each driver model."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Iterator

from kdrvgen.model.driver import Driver
from kdrvgen.model.problems import Problem
from kdrvgen.model.wdk import FRAMEWORK_MAJORS, Wdk

__all__ = ["wdk_rules"]


def wdk_rules(driver: Driver | None, wdk: Wdk) -> Iterator[Problem]:
    """Yield the broken rules of `[wdk]`."""
    yield from _path_fits(wdk)
    yield from _version_is_of_a_kit(wdk)
    yield from _versions_are_wdk_builds(wdk)
    if driver:
        yield from _frameworks_need_a_kit(driver, wdk)
        yield from _framework_is_the_models(driver, wdk)
        yield from _wdk_build_builds_it(driver, wdk)


def _path_fits(wdk: Wdk) -> Iterator[Problem]:
    if wdk.locate == "path" and not wdk.path:
        yield Problem(
            ("wdk", "locate"),
            '`locate = "path"` needs `path`',
            hint='add it, such as `path = "C:/Program Files (x86)/Windows Kits/10"`',
            also=(("wdk", "path"),),
        )
    elif wdk.path and wdk.locate != "path":
        yield Problem(
            ("wdk", "path"),
            f'`locate = "{wdk.locate}"` ignores `path`',
            hint='set `locate = "path"`',
            also=(("wdk", "locate"),),
        )
    if wdk.path and not (ntpath.isabs(wdk.path) or posixpath.isabs(wdk.path)):
        yield Problem(("wdk", "path"), "the root of the kit must be an absolute path")


def _version_is_of_a_kit(wdk: Wdk) -> Iterator[Problem]:
    if wdk.version and wdk.locate == "none":
        yield Problem(
            ("wdk", "version"),
            '`version` selects a kit, but `locate = "none"` uses none',
            hint='remove `version`, or set `locate = "auto"`',
            also=(("wdk", "locate"),),
        )


def _versions_are_wdk_builds(wdk: Wdk) -> Iterator[Problem]:
    if not wdk.is_wdk_builds:
        return
    own = {
        "version": "wdk-build reads it from the environment variable Version_Number",
        "framework-version": "set it under [package.metadata.wdk.driver-model] in Cargo.toml",
    }
    for field, place in own.items():
        if getattr(wdk, field.replace("-", "_")):
            yield Problem(
                ("wdk", field),
                f'`locate = "wdk-build"` ignores `{field}`',
                hint=f"remove it; {place}",
                also=(("wdk", "locate"),),
            )


def _frameworks_need_a_kit(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if driver.model != "wdm" and wdk.locate == "none":
        yield Problem(
            ("driver", "model"),
            f"{driver.model.upper()} drivers link the framework's libraries, which are in the WDK",
            hint='set `model = "wdm"`, or use another `wdk.locate`',
            also=(("wdk", "locate"),),
        )


def _framework_is_the_models(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if not wdk.framework_version:
        return
    if driver.model == "wdm":
        yield Problem(
            ("wdk", "framework-version"),
            "a WDM driver does not use a framework",
            hint="remove `framework-version`, or set `driver.model`",
            also=(("driver", "model"),),
        )
        return
    major = FRAMEWORK_MAJORS[driver.model]
    if int(wdk.framework_version.partition(".")[0]) != major:
        yield Problem(
            ("wdk", "framework-version"),
            f"a driver cannot link version {wdk.framework_version} of {driver.model.upper()}",
            hint=f"use a version of {driver.model.upper()} {major}, such as `{major}.15`",
            also=(("driver", "model"),),
        )


def _wdk_build_builds_it(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if not wdk.is_wdk_builds:
        return
    if driver.model == "wdm" and driver.entry != "DriverEntry":
        yield Problem(
            ("driver", "entry-point"),
            f"wdk-build sets the entry point to `DriverEntry`, not to `{driver.entry}`",
            hint='set `entry-point = "DriverEntry"`, and export a function with that name',
            also=(("wdk", "locate"),),
        )
    if "i686-pc-windows-msvc" in driver.triples:
        yield Problem(
            ("driver", "targets" if driver.target is None else "target"),
            "wdk-build cannot build a driver for i686-pc-windows-msvc",
            hint="remove the target, or use another `wdk.locate`",
            also=(("wdk", "locate"),),
        )
