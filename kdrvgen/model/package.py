"""`[package]`: the INF file, the catalog, and the other files of the driver package."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Filled, Table, Text, problem
from kdrvgen.model.driver import Driver, Target
from kdrvgen.model.names import RelativePath
from kdrvgen.model.submission import Submission
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.spelling import nearest

__all__ = ["MACHINES", "Package"]

MACHINES = {
    "x86_64-pc-windows-msvc": "amd64",
    "i686-pc-windows-msvc": "x86",
    "aarch64-pc-windows-msvc": "arm64",
}
"""The name of each target's architecture in an INF file."""

_LARGEST_PART = 0xFFFF
_LONGEST_TEXT = 255
_OLDEST_BUILD = 7600
_FIRST_YEAR = 2000


def _inf_text(value: str) -> str:
    if bad := sorted({'"', "%"}.intersection(value)):
        listed = " and ".join(f"`{each}`" for each in bad)
        raise problem(f"{listed} cannot be written in a text of an INF file")
    if len(value) > _LONGEST_TEXT:
        raise problem(f"a text of an INF file can have at most {_LONGEST_TEXT} characters here")
    return value


_InfText = Annotated[Filled, AfterValidator(_inf_text)]


def _provider(value: str) -> str:
    if value.lower() in {"microsoft", "microsoft corporation"}:
        raise problem(
            "only Microsoft itself can be the provider `Microsoft`",
            hint="write the name of your organization",
        )
    return value


def _hardware_id(value: str) -> str:
    if not value.isascii() or re.search(r"[\s,\"%;]", value):
        raise problem(
            'a hardware ID has ASCII characters only, without blanks, commas, `;`, `%` and `"`',
            hint=r"write an ID such as `Root\hello` or `PCI\VEN_1234&DEV_5678`",
        )
    return value


def _guid(value: str) -> str:
    if not re.fullmatch(r"\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}", value):
        raise problem(
            f"`{value}` is not a GUID",
            hint="write it with braces, such as `{4d36e97d-e325-11ce-bfc1-08002be10318}`",
        )
    return value.lower()


def _class_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,31}", value):
        raise problem(
            f"`{value}` is not a valid name of a device setup class",
            hint="use letters, digits and `_`, at most 31, such as `System`",
        )
    return value


def _version(value: str) -> str:
    parts = value.split(".")
    if not re.fullmatch(r"\d{1,5}(\.\d{1,5}){3}", value, re.ASCII) or any(
        int(part) > _LARGEST_PART for part in parts
    ):
        raise problem(
            f"`{value}` is not a valid version of a driver",
            hint=f"write four numbers up to {_LARGEST_PART}, such as `1.2.3.0`",
        )
    return ".".join(str(int(part)) for part in parts)


def _date(value: str) -> str:
    try:
        known = dt.date.fromisoformat(value).year >= _FIRST_YEAR
    except ValueError:
        known = False
    if not known:
        raise problem(f"`{value}` is not a date", hint="write `YYYY-MM-DD`")
    return value


def _altitude(value: str) -> str:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,20})?", value, re.ASCII):
        raise problem(f"`{value}` is not an altitude", hint="write a number such as `370030`")
    return value


def _inx(value: str) -> str:
    if not value.lower().endswith((".inx", ".inf")):
        raise problem(f"`{value}` is not an INX file", hint="write a path such as `hello.inx`")
    return value


def _operating_system(value: str) -> str:
    if value.lower() not in WINDOWS:
        near = nearest(value.lower(), list(WINDOWS))
        names = "use a name of inf2cat's `/os`, such as `10_X64` or `10_RS5_ARM64`"
        raise problem(
            f"`{value}` is not a version of Windows that kdrvgen knows",
            hint=f"did you mean `{WINDOWS[near].name}`?" if near else names,
        )
    return WINDOWS[value.lower()].name


class Package(Table):
    """The driver package that `kdrvgen package` makes: INF, catalog, image and symbols."""

    kind: Literal["device", "primitive", "minifilter", "umdf"] | None = None
    """What the package installs.

    `device`: the driver of a device. `primitive`: a driver without a device, from Windows 10
    version 1903. `minifilter`: a filter of a file system. `umdf`: a UMDF driver of a device, from
    Windows 11.

    Change: To make a driver package from this file alone.
    Without: `kdrvgen package` needs an INX file of your own: `inx`.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/install/overview-of-inf-files
    """

    inx: Annotated[RelativePath, AfterValidator(_inx)] | None = None
    """Your own INF, which `kdrvgen package` stamps with version, date, catalog and architecture.

    It can contain the variables of stampinf, such as `$ARCH$` and `$KMDFVERSION$`.

    Change: When a generated INF is not enough.
    Without: kdrvgen generates the INF from the keys of this table.
    Source:
        https://learn.microsoft.com/windows-hardware/drivers/wdf/using-inx-files-to-create-inf-files
    """

    tool: Literal["kdrvgen", "wdk"] = "kdrvgen"
    """What makes the INF and the catalog in `cargo make package`.

    `kdrvgen`: the task calls `kdrvgen package`, which gives the same bytes on every host. `wdk`:
    stampinf and inf2cat of the Windows Driver Kit, on Windows only, from your own `inx`.

    Change: When a package must be made by Microsoft's own tools.
    Without: The task needs kdrvgen on the PATH, and no kit.
    Source: https://learn.microsoft.com/windows-hardware/drivers/devtest/inf2cat
    """

    provider: Annotated[_InfText, AfterValidator(_provider)] | None = None
    """Who provides the driver: the name of your organization, as the device manager shows it.

    Change: Together with `kind`.
    Without: An error, if `kind` is set.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/inf-version-section
    """

    display_name: _InfText | None = None
    """The name of the device, or of the service of a driver without one.

    Change: For a name that people read, such as `Hello Virtual Device`.
    Without: The driver's name.
    """

    hardware_ids: tuple[Annotated[_InfText, AfterValidator(_hardware_id)], ...] = ()
    r"""The hardware IDs of the devices that the driver is for, such as `PCI\VEN_1234&DEV_5678`.

    Change: For a driver of real devices.
    Without: `Root\NAME`: a device that is made by software, with the driver's name.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/hardware-ids
    """

    device_class: Annotated[Text, AfterValidator(_class_name)] | None = None
    """The device setup class.

    Change: To the class that your device belongs to, such as `HIDClass` or `Net`.
    Without: `System`; for a minifilter, the class of its load order group.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/system-defined-device-setup-classes-available-to-vendors
    """

    class_guid: Annotated[Text, AfterValidator(_guid)] | None = None
    """The GUID of the class, in braces.

    Change: For a class that kdrvgen does not know.
    Without: kdrvgen knows the GUIDs of the classes of Windows.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/system-defined-device-setup-classes-available-to-vendors
    """

    minimum_build: Annotated[int, Field(strict=True, ge=_OLDEST_BUILD, le=99999)] | None = None
    """The build number of the oldest Windows that the package installs on, such as `19041`.

    From 16299 (Windows 10 version 1709), and for a minifilter from 25952, the driver runs in the
    driver store. For an older Windows, the package copies it to `System32\\drivers`.

    Change: For an older Windows, or when the driver needs a newer one.
    Without: 16299 for a device, 18362 for a driver without a device, 22000 for UMDF.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/inf-manufacturer-section
    """

    operating_systems: tuple[Annotated[Text, AfterValidator(_operating_system)], ...] = ()
    """The versions of Windows in the catalog, as for inf2cat's `/os`: `10_X64`, `10_VB_X64`.

    Change: When Microsoft, or a customer, asks for certain versions.
    Without: The oldest Windows that `minimum-build` allows, for the target's architecture.
    Source: https://learn.microsoft.com/windows-hardware/drivers/devtest/inf2cat
    """

    version: Annotated[Text, AfterValidator(_version)] | None = None
    """The version of the driver in the INF: four numbers.

    Change: When the package has another version than the crate.
    Without: The version in Cargo.toml with a fourth number 0.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/inf-driverver-directive
    """

    date: Annotated[Text, AfterValidator(_date)] | None = None
    """The date of the driver in the INF: `YYYY-MM-DD`.

    Change: For packages with the same bytes on every day.
    Without: The date in SOURCE_DATE_EPOCH, otherwise the current date in UTC.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/inf-driverver-directive
    """

    start_type: Literal["demand", "auto", "system", "boot"] = "demand"
    """When Windows starts the driver.

    The driver of a device starts with its device, so `demand` is right for most devices.

    Change: To `boot` for a driver that Windows needs to start, to `auto` or `system` for a driver
        without a device.
    Without: Windows starts the driver when its device appears, or on request.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/specifying-driver-load-order
    """

    altitude: Annotated[Text, AfterValidator(_altitude)] | None = None
    """The altitude of a minifilter, which Microsoft assigns, such as `370030`.

    Change: With `kind = "minifilter"`.
    Without: An error for a minifilter.
    Source: https://learn.microsoft.com/windows-hardware/drivers/ifs/load-order-groups-and-altitudes-for-minifilter-drivers
    """

    load_order_group: Filled | None = None
    """The load order group of a minifilter, such as `FSFilter Activity Monitor`.

    Change: With `kind = "minifilter"`.
    Without: An error for a minifilter.
    Source: https://learn.microsoft.com/windows-hardware/drivers/ifs/load-order-groups-and-altitudes-for-minifilter-drivers
    """

    extra_files: tuple[RelativePath, ...] = ()
    """More files of the package, from the project folder. They are installed beside the driver.

    Change: For firmware, or a DLL that the driver needs.
    Without: The package has the driver, the INF, the catalog, the symbols and the certificate.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/inf-copyfiles-directive
    """

    submission: Submission | None = None
    """What Microsoft's Partner Center asks about the driver."""

    @property
    def is_described(self) -> bool:
        """Whether the configuration describes a driver package."""
        return self.kind is not None or self.inx is not None

    def ids_for(self, driver: Driver) -> tuple[str, ...]:
        r"""Return the hardware IDs: by default `Root\NAME`."""
        return self.hardware_ids or (f"Root\\{driver.name}",)

    @property
    def oldest_build(self) -> int:
        """The build number of the oldest Windows."""
        if self.minimum_build is not None:
            return self.minimum_build
        return {"primitive": 18362, "minifilter": 18362, "umdf": 22000}.get(self.kind or "", 16299)

    def systems_for(self, target: Target) -> tuple[str, ...]:
        """Return the versions of Windows in the catalog, as for inf2cat's `/os`."""
        machine = MACHINES[target]
        named = [WINDOWS[name.lower()] for name in self.operating_systems]
        own = tuple(version.name for version in named if version.machine == machine)
        fitting = [version for version in WINDOWS.values() if version.machine == machine]
        oldest = [version for version in fitting if version.build <= self.oldest_build]
        clients = [version for version in oldest if not version.name.startswith("Server")]
        return own or ((clients or fitting[-1:])[-1].name,)
