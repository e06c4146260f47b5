"""`[wdk]`: the Windows Driver Kit that the image is linked with."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from kdrvgen.model.base import Filled, Table, Text, problem

__all__ = ["FRAMEWORK_MAJORS", "Wdk"]

FRAMEWORK_MAJORS = {"kmdf": 1, "umdf": 2}
"""The major version of each framework in the kits for Windows 10 and later.

UMDF 1 was a set of COM interfaces without a library to link.
"""


def _kit_version(value: str) -> str:
    if value and not re.fullmatch(r"\d{1,5}(\.\d{1,5}){1,3}", value, re.ASCII):
        raise problem(
            f"`{value}` is not a valid WDK version", hint="write a version such as `10.0.26100.0`"
        )
    return value


def _framework_version(value: str) -> str:
    if value and not re.fullmatch(r"\d{1,3}\.\d{1,3}", value, re.ASCII):
        raise problem(
            f"`{value}` is not a valid version of a driver framework",
            hint="write major and minor version, such as `1.15` for KMDF or `2.15` for UMDF",
        )
    return value


def _library(value: str) -> str:
    bare = value[:-4] if value.lower().endswith(".lib") else value
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", bare):
        raise problem(
            f"`{value}` is not a valid library name",
            hint="write the name without a folder, such as `ntoskrnl`",
        )
    if bare != value:
        raise problem("write the name without its extension", hint=f"write `{bare}`")
    return value


class Wdk(Table):
    """The Windows Driver Kit."""

    locate: Literal["auto", "registry", "env", "path", "none", "wdk-build"] = "auto"
    """Where build.rs looks for the kit.

    `env`: the folder in WDKContentRoot (a kit, an eWDK, or NuGet packages), or else the kit below
    MicrosoftKitRoot. `registry`: the folder that the installers recorded. `auto`: `env`, then
    `registry`; if there is no kit, a WDM driver is built without one, with a warning on Windows.
    `path`: only `path`. `none`: no kit, all imports are by `raw-dylib`. `wdk-build`: Microsoft's
    crate of that name finds the kit; it is a build dependency in Cargo.toml. That crate also passes
    most arguments of the preset, and kdrvgen does not pass them again.

    Change: To `none` for a driver that imports only by `raw-dylib`, to `path` if the build must
        depend on nothing else.
    Without: `auto`.
    Source: https://learn.microsoft.com/windows-hardware/drivers/download-the-wdk;
        https://learn.microsoft.com/windows-hardware/drivers/install-the-wdk-using-nuget
    """

    path: Text = ""
    """The kit's root, with `locate = "path"`: the folder that holds `Lib`.

    A NuGet package of the WDK, or a folder of such packages, works too.

    Change: Together with `locate = "path"`.
    Without: build.rs looks for the kit as `locate` says.
    """

    version: Annotated[Text, AfterValidator(_kit_version)] = ""
    """Version of the kit's libraries: `10.0.26100.0`, or its first numbers.

    Empty for the newest version that has libraries for the driver model and the architecture. With
    `locate` at `auto` or `env`, the variable Version_Number selects the version. build.rs never
    uses another version of a kit than the selected one.

    Change: When builds must use the same kit version on every machine.
    Without: The newest version that fits, compared as numbers.
    Source: https://learn.microsoft.com/windows-hardware/drivers/other-wdk-downloads
    """

    framework_version: Annotated[Text, AfterValidator(_framework_version)] = ""
    """Version of KMDF or UMDF to link, such as `1.15`; empty for the kit's newest.

    The driver loads only on versions of Windows that have this framework version or a newer one.

    Change: To the framework version of the oldest Windows that the driver supports.
    Without: The kit's newest version, which older versions of Windows do not have.
    Source: https://learn.microsoft.com/windows-hardware/drivers/wdf/kmdf-version-history
    """

    libraries: tuple[Annotated[Filled, AfterValidator(_library)], ...] = ("ntoskrnl", "hal")
    """Import libraries of the kit to link.

    kdrvgen adds the framework's own libraries, and `arm64rt` on ARM64. A UMDF driver runs in user
    mode and is not linked with `ntoskrnl` and `hal`. A WDM driver with C objects needs
    `BufferOverflowFastFailK` too, unless they are compiled without /GS. With `locate = "wdk-build"`
    the crate wdk-sys names the libraries.

    Change: For a driver that calls other modules: `fltmgr`, `ndis`, `wmilib`.
    Without: The kernel and the hardware abstraction layer.
    Source: https://learn.microsoft.com/windows-hardware/drivers/kernel
    """

    def framework_for(self, model: str) -> str:
        """Return the framework's version for an INF, such as `1.15` or `2.15.0`; "" for WDM.

        Args:
            model: `driver.model`.
        """
        if model == "wdm":
            return ""
        version = self.framework_version or {"kmdf": "1.15", "umdf": "2.15"}[model]
        return f"{version}.0" if model == "umdf" else version

    @property
    def is_wdk_builds(self) -> bool:
        """Whether the crate wdk-build finds the kit and passes it to the linker."""
        return self.locate == "wdk-build"
