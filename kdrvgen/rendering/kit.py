"""What build.rs is told of the Windows Driver Kit: what to link, and which versions."""

from __future__ import annotations

from typing import Any

from kdrvgen.model import Project
from kdrvgen.model.wdk import FRAMEWORK_MAJORS

__all__ = ["kit_plan"]

_DIGITS_OF_A_KIT = 4


def kit_plan(project: Project) -> dict[str, Any]:
    """Return the variables of build.rs that are about the kit."""
    version = _numbers(project.wdk.version)
    major = str(FRAMEWORK_MAJORS.get(project.driver.model, ""))
    return {
        "kit_libraries": _libraries(project),
        "kit_version": version,
        "kit_is_one": len(version) == _DIGITS_OF_A_KIT,
        "framework_version": _numbers(project.wdk.framework_version or major),
        "has_unsafe_extern": _has_unsafe_extern(project.toolchain.channel),
    }


def _libraries(project: Project) -> tuple[str, ...]:
    """Return the kit's libraries to link, in the driver model's part of the kit.

    Those of a framework are Microsoft's own choice: FxDriverEntry is compiled with /GS, whose
    security cookie BufferOverflowFastFailK has. Rust makes no use of that, so a WDM driver is
    linked with what config.toml says.
    """
    beside = {
        "wdm": (),
        "kmdf": ("BufferOverflowFastFailK", "WdfLdr", "WdfDriverEntry"),
        "umdf": ("WdfDriverStubUm", "ntdll", "OneCoreUAP"),
    }[project.driver.model]
    # The kit has these for kernel mode only.
    kernel = {"ntoskrnl", "hal"} if project.driver.model == "umdf" else set[str]()
    own = (name for name in project.wdk.libraries if name.lower() not in kernel)
    return tuple(dict.fromkeys((*own, *beside)))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".") if number]


def _has_unsafe_extern(channel: str) -> bool:
    """Tell whether the toolchain knows `unsafe extern`: Rust 1.82, nightlies since August 2024.

    Edition 2024 demands it, and a toolchain that is older has no such edition.
    """
    _, _, day = channel.partition("-")
    if day:
        return day > "2024-08-31"
    return channel.isalpha() or _numbers(channel) >= [1, 82]
