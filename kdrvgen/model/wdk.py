"""`[wdk]`: which Windows Driver Kit the image is linked against."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from kdrvgen.model.base import Filled, Table, Text, problem

__all__ = ["FRAMEWORK_MAJORS", "Wdk"]

FRAMEWORK_MAJORS = {"kmdf": 1, "umdf": 2}
"""The major version of each framework that a kit of Windows 10 and later links.

UMDF 1 was a set of COM interfaces; no library of it is linked.
"""


def _kit_version(value: str) -> str:
    if value and not re.fullmatch(r"\d{1,5}(\.\d{1,5}){1,3}", value, re.ASCII):
        raise problem(f"`{value}` is no version of the WDK", hint="such as `10.0.26100.0`")
    return value


def _framework_version(value: str) -> str:
    if value and not re.fullmatch(r"\d{1,3}\.\d{1,3}", value, re.ASCII):
        raise problem(
            f"`{value}` is no version of a driver framework",
            hint="major and minor, such as `1.15` for KMDF or `2.15` for UMDF",
        )
    return value


def _library(value: str) -> str:
    bare = value[:-4] if value.lower().endswith(".lib") else value
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", bare):
        raise problem(
            f"`{value}` is no library name", hint="the name alone, such as `ntoskrnl`; no folder"
        )
    if bare != value:
        raise problem("the name comes without its ending", hint=f"write `{bare}`")
    return value


class Wdk(Table):
    """The Windows Driver Kit."""

    locate: Literal["auto", "registry", "env", "path", "none", "wdk-build"] = "auto"
    """Where to look for it.

    `env`: the folder that WDKContentRoot names (a kit, the eWDK's, or NuGet's packages), else the
    kit below MicrosoftKitRoot. `registry`: what the installers wrote. `auto`: both, in this order;
    a WDM driver is built without a kit where there is none, with a warning on Windows. `path`:
    `path` alone. `none`: no kit, all imports are by `raw-dylib`. `wdk-build`: Microsoft's crate of
    that name finds it, a build dependency in Cargo.toml. It also passes most arguments of the
    preset by itself; they are then not passed twice.

    Change: To `none` for a driver that imports by `raw-dylib` alone, to `path` where the build
        shall depend on nothing else.
    Without: `auto`.
    Source: https://learn.microsoft.com/windows-hardware/drivers/download-the-wdk;
        https://learn.microsoft.com/windows-hardware/drivers/install-the-wdk-using-nuget
    """

    path: Text = ""
    """The kit's root, with `locate = "path"`: the folder that holds `Lib`.

    A NuGet package of the WDK, or a folder of such packages, will do.

    Change: Together with `locate = "path"`.
    Without: The kit is looked for.
    """

    version: Annotated[Text, AfterValidator(_kit_version)] = ""
    """Version of the kit's libraries: `10.0.26100.0`, or its first numbers.

    Empty for the newest that has libraries for the driver model and the architecture; with
    `locate` at `auto` or `env`, the version in the variable Version_Number goes before that. Of a
    kit that has not the version asked for, no other is taken.

    Change: When a build shall use the same kit on every machine.
    Without: The newest that fits, by its numbers.
    Source: https://learn.microsoft.com/windows-hardware/drivers/other-wdk-downloads
    """

    framework_version: Annotated[Text, AfterValidator(_framework_version)] = ""
    """Version of KMDF or UMDF to link, such as `1.15`; empty for the kit's newest.

    It decides on which versions of Windows the driver loads: those that have this framework or a
    newer one.

    Change: To the framework of the oldest Windows that the driver is for.
    Without: The kit's newest, which older versions of Windows do not have.
    Source: https://learn.microsoft.com/windows-hardware/drivers/wdf/kmdf-version-history
    """

    libraries: tuple[Annotated[Filled, AfterValidator(_library)], ...] = ("ntoskrnl", "hal")
    """Import libraries of the kit to link.

    The framework's own are added, and `arm64rt` on ARM64. A UMDF driver runs in user mode and is
    not linked with `ntoskrnl` and `hal`. A WDM driver with objects of C compiled with /GS, as is
    usual, needs `BufferOverflowFastFailK` too. With `locate = "wdk-build"` the crate wdk-sys names
    the libraries.

    Change: For a driver that calls further modules: `fltmgr`, `ndis`, `wmilib`.
    Without: The kernel and the hardware abstraction layer.
    Source: https://learn.microsoft.com/windows-hardware/drivers/kernel
    """

    @property
    def is_wdk_builds(self) -> bool:
        """Whether the crate wdk-build finds the kit and tells the linker."""
        return self.locate == "wdk-build"
