"""The settings of build.rs for the Windows Driver Kit: the libraries and the versions."""

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
    """Return the variables of build.rs for the kit."""
    wdk = project.wdk
    major = str(FRAMEWORK_MAJORS.get(project.driver.model, ""))
    return {
        "kit_locate": f"Path({rust(wdk.path)})" if wdk.locate == "path" else _LOCATE[wdk.locate],
        "kit_libraries": _libraries(project),
        "kit_version": _numbers(wdk.version),
        "framework_version": _numbers(wdk.framework_version or major),
    }


def _libraries(project: Project) -> tuple[str, ...]:
    """Return the libraries to link, from the driver model's part of the kit.

    A framework driver links the same libraries as Microsoft's own build: FxDriverEntry is compiled
    with /GS, and its security cookie is in BufferOverflowFastFailK. Rust does not use the cookie,
    so a WDM driver links only the libraries of config.toml.
    """
    beside = {
        "wdm": (),
        "kmdf": ("BufferOverflowFastFailK", "WdfLdr", "WdfDriverEntry"),
        "umdf": ("WdfDriverStubUm", "ntdll", "OneCoreUAP"),
    }[project.driver.model]
    # The kit has these libraries for kernel mode only.
    kernel = {"ntoskrnl", "hal"} if project.driver.model == "umdf" else set[str]()
    own = (name for name in project.wdk.libraries if name.lower() not in kernel)
    return tuple(dict.fromkeys((*own, *beside)))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".") if number]
