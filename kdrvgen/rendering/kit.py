"""What build.rs is told of the Windows Driver Kit: what to link, and which versions."""

from __future__ import annotations

from typing import Any

from kdrvgen.model import Project
from kdrvgen.model.wdk import FRAMEWORK_MAJORS
from kdrvgen.rendering.quoting import rust

__all__ = ["kit_plan"]

_LOCATE = {
    "auto": "Auto",
    "env": "Environment",
    "registry": "Registry",
    "none": "Nowhere",
    "wdk-build": "Nowhere",
}


def kit_plan(project: Project) -> dict[str, Any]:
    """Return the variables of build.rs that are about the kit."""
    wdk = project.wdk
    major = str(FRAMEWORK_MAJORS.get(project.driver.model, ""))
    return {
        "kit_locate": f"Path({rust(wdk.path)})" if wdk.locate == "path" else _LOCATE[wdk.locate],
        "kit_libraries": _libraries(project),
        "kit_version": _numbers(wdk.version),
        "framework_version": _numbers(wdk.framework_version or major),
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
