"""The linker arguments of a driver: the presets, and how `[linker]` changes them."""

from __future__ import annotations

import re
from typing import NamedTuple

from kdrvgen.model.driver import Driver, Target
from kdrvgen.model.linker import Linker

__all__ = ["LinkArguments", "link_arguments", "matches"]


class LinkArguments(NamedTuple):
    """Arguments for the linker, in order: `pre` before the objects, `post` after them."""

    pre: tuple[str, ...]
    post: tuple[str, ...]


# Source: wdk-build 0.6.0, `Config::configure_binary_build`, for all three driver models.
_BY_WDK_BUILD = (
    *("/DRIVER", "/DYNAMICBASE", "/ENTRY", "/IGNORE", "/INTEGRITYCHECK", "/KERNEL", "/MANIFEST:NO"),
    *("/NODEFAULTLIB", "/NXCOMPAT", "/OPT:REF,ICF", "/SUBSYSTEM"),
)


def link_arguments(
    driver: Driver, linker: Linker, target: Target, *, by_wdk_build: bool = False
) -> LinkArguments:
    """Return the linker arguments for one target, without those that rustc itself passes.

    With `by_wdk_build`, also without those that the crate wdk-build passes in the build script.
    """
    pre, post = _preset(driver, linker, target)
    left_out = (*linker.remove, *(_BY_WDK_BUILD if by_wdk_build else ()))
    kept = [
        tuple(
            argument
            for argument in arguments
            if not any(matches(pattern, argument) for pattern in left_out)
        )
        for arguments in (pre, post)
    ]
    reproducible = ("/Brepro",) if linker.reproducible else ()
    return LinkArguments(
        pre=(*kept[0], *linker.pre_args),
        post=(*kept[1], *reproducible, *linker.args),
    )


def matches(pattern: str, argument: str) -> bool:
    """Return whether an element of `linker.remove` matches the argument.

    Ignores case, and whether the switch begins with `/` or `-`. A switch without a value matches
    every value.
    """
    wanted, found = (re.sub("^-", "/", text).upper() for text in (pattern, argument))
    return found == wanted or (":" not in wanted and found.startswith(f"{wanted}:"))


def _preset(
    driver: Driver, linker: Linker, target: Target
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    match linker.preset:
        case "kernel":
            return (), _kernel_preset(driver, target)
        case "blog-2020":
            return (
                "/NOLOGO",
                "/NXCOMPAT",
                "/NODEFAULTLIB",
                "/SUBSYSTEM:NATIVE",
                "/DRIVER",
                "/DYNAMICBASE",
                "/MANIFEST:NO",
            ), (
                "/OPT:REF,ICF",
                _entry(driver, target),
                "/MERGE:.edata=.rdata",
                "/MERGE:.rustc=.data",
                "/INTEGRITYCHECK",
            )
        case "none":
            return (), ()


def _kernel_preset(driver: Driver, target: Target) -> tuple[str, ...]:
    """Return the arguments that the WDK's own build passes, without those that rustc passes.

    Source: wdk-build's `Config::configure_binary_build`, and the WDK's MSBuild targets.
    """
    if driver.model == "umdf":
        return (
            "/SUBSYSTEM:WINDOWS",
            "/NODEFAULTLIB:kernel32.lib",
            "/NODEFAULTLIB:user32.lib",
            "/INTEGRITYCHECK",
            "/DYNAMICBASE",
            "/MANIFEST:NO",
            "/RELEASE",
        )
    exported_entry = ("/IGNORE:4216",) if driver.model == "wdm" else ()
    return (
        "/DRIVER",
        "/KERNEL",
        "/SUBSYSTEM:NATIVE",
        _entry(driver, target),
        "/NODEFAULTLIB",
        "/INTEGRITYCHECK",
        "/DYNAMICBASE",
        "/MANIFEST:NO",
        "/RELEASE",
        "/IGNORE:4257",
        *exported_entry,
    )


def _entry(driver: Driver, target: Target) -> str:
    name = "FxDriverEntry" if driver.model == "kmdf" else driver.entry
    # On x86, the name of a stdcall function ends with the size of its two arguments. The linker
    # itself adds the underscore at the start.
    decoration = "@8" if target.startswith("i686") else ""
    return f"/ENTRY:{name}{decoration}"
