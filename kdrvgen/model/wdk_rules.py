"""Rules on `[wdk]`: what belongs to each way to locate a kit, and to each driver model."""

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
            hint='such as `path = "C:/Program Files (x86)/Windows Kits/10"`',
            also=(("wdk", "path"),),
        )
    elif wdk.path and wdk.locate != "path":
        yield Problem(
            ("wdk", "path"),
            f'`path` is not looked at with `locate = "{wdk.locate}"`',
            hint='set `locate = "path"`',
            also=(("wdk", "locate"),),
        )
    if wdk.path and not (ntpath.isabs(wdk.path) or posixpath.isabs(wdk.path)):
        yield Problem(("wdk", "path"), "the kit's root is an absolute path")


def _version_is_of_a_kit(wdk: Wdk) -> Iterator[Problem]:
    if wdk.version and wdk.locate == "none":
        yield Problem(
            ("wdk", "version"),
            '`version` chooses a kit, and with `locate = "none"` there is none',
            hint="leave `version` out, or locate a kit",
            also=(("wdk", "locate"),),
        )


def _versions_are_wdk_builds(wdk: Wdk) -> Iterator[Problem]:
    if not wdk.is_wdk_builds:
        return
    own = {
        "version": "wdk-build takes it from the variable Version_Number",
        "framework-version": "[package.metadata.wdk.driver-model] of Cargo.toml has it",
    }
    for field, place in own.items():
        if getattr(wdk, field.replace("-", "_")):
            yield Problem(
                ("wdk", field),
                f'`{field}` is not looked at with `locate = "wdk-build"`',
                hint=f"leave it out; {place}",
                also=(("wdk", "locate"),),
            )


def _frameworks_need_a_kit(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if driver.model != "wdm" and wdk.locate == "none":
        yield Problem(
            ("driver", "model"),
            f"{driver.model.upper()} drivers link the framework's libraries, which the WDK has",
            hint='`model = "wdm"`, or another `wdk.locate`',
            also=(("wdk", "locate"),),
        )


def _framework_is_the_models(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if not wdk.framework_version:
        return
    if driver.model == "wdm":
        yield Problem(
            ("wdk", "framework-version"),
            "a WDM driver uses no framework",
            hint="leave `framework-version` out, or set `driver.model`",
            also=(("driver", "model"),),
        )
        return
    major = FRAMEWORK_MAJORS[driver.model]
    if int(wdk.framework_version.partition(".")[0]) != major:
        yield Problem(
            ("wdk", "framework-version"),
            f"{driver.model.upper()} has no version {wdk.framework_version} that a driver links",
            hint=f"a version of {driver.model.upper()} {major}, such as `{major}.15`",
            also=(("driver", "model"),),
        )


def _wdk_build_builds_it(driver: Driver, wdk: Wdk) -> Iterator[Problem]:
    if not wdk.is_wdk_builds:
        return
    if driver.model == "wdm" and driver.entry != "DriverEntry":
        yield Problem(
            ("driver", "entry-point"),
            f"wdk-build names `DriverEntry` to the linker, and not `{driver.entry}`",
            hint='`entry-point = "DriverEntry"`, and export a function of that name',
            also=(("wdk", "locate"),),
        )
    if "i686-pc-windows-msvc" in driver.triples:
        yield Problem(
            ("driver", "targets" if driver.target is None else "target"),
            "wdk-build builds no driver for i686-pc-windows-msvc",
            hint="leave the target out, or take another `wdk.locate`",
            also=(("wdk", "locate"),),
        )
