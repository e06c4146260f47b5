"""`[package.submission]`: what Microsoft's Partner Center asks about a driver."""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from kdrvgen.model.base import Filled, Table, Text, problem

__all__ = ["SIGNATURES", "Submission", "WindowsSignature", "signatures_for"]

_LONGEST_NAME = 255


class WindowsSignature(NamedTuple):
    """A signature that Partner Center gives a driver: one version of Windows for one architecture.

    Attributes:
        code: Its operating system code.
        machine: The architecture: `amd64`, `x86` or `arm64`.
        build: The first build number of the version.
    """

    code: str
    machine: str
    build: int


# The client versions; attestation is not for servers. Source: Microsoft Learn, "Get product data".
_RELEASES = (
    ("TH1", 10240, ("x86", "amd64")),
    ("TH2", 10586, ("x86", "amd64")),
    ("RS1", 14393, ("x86", "amd64")),
    ("RS2", 15063, ("x86", "amd64")),
    ("RS3", 16299, ("x86", "amd64", "arm64")),
    ("RS4", 17134, ("x86", "amd64", "arm64")),
    ("RS5", 17763, ("x86", "amd64")),
    ("19H1", 18362, ("x86", "amd64", "arm64")),
    ("VB", 19041, ("x86", "amd64", "arm64")),
    ("CO", 22000, ("amd64", "arm64")),
    ("NI", 22621, ("amd64", "arm64")),
    ("GE", 26100, ("amd64", "arm64")),
)
_IN_CODES = {"x86": "", "amd64": "X64_", "arm64": "ARM64_"}
SIGNATURES: tuple[WindowsSignature, ...] = tuple(
    WindowsSignature(f"WINDOWS_v100_{_IN_CODES[machine]}{name}_FULL", machine, build)
    for name, build, machines in _RELEASES
    for machine in machines
)
"""The signatures that kdrvgen knows, the oldest version of Windows first."""


def signatures_for(machine: str, oldest_build: int) -> tuple[str, ...]:
    """Return the codes of the versions of Windows that a package installs on.

    Args:
        machine: The architecture: `amd64`, `x86` or `arm64`.
        oldest_build: The build number of the oldest Windows.
    """
    fitting = [each for each in SIGNATURES if each.machine == machine]
    return tuple(each.code for each in fitting if each.build >= oldest_build)


def _signature(value: str) -> str:
    if not re.fullmatch(r"WINDOWS_[A-Za-z0-9_]{1,60}", value, re.ASCII):
        raise problem(
            f"`{value}` is not an operating system code of Partner Center",
            hint="write a code such as `WINDOWS_v100_X64_GE_FULL`",
        )
    return value


def _name(value: str) -> str:
    if len(value) > _LONGEST_NAME:
        raise problem(f"a name can have at most {_LONGEST_NAME} characters here")
    return value


_Name = Annotated[Filled, AfterValidator(_name)]


class Submission(Table):
    """What Microsoft's Partner Center asks about a driver, for `kdrvgen submission`."""

    name: _Name | None = None
    """The name of the product in Partner Center.

    Change: For a name that distinguishes the drivers of your organization.
    Without: `package.display-name`, or the driver's name.
    Source: https://learn.microsoft.com/windows-hardware/drivers/dashboard/create-a-new-product
    """

    signatures: tuple[Annotated[Text, AfterValidator(_signature)], ...] = ()
    """The versions of Windows that Microsoft signs the driver for, as operating system codes.

    Change: For a version that is newer than this kdrvgen, or for fewer versions.
    Without: All versions from `minimum-build` that kdrvgen knows, for the architecture.
    Source: https://learn.microsoft.com/windows-hardware/drivers/dashboard/get-product-data
    """

    device_type: Literal["internal", "external", "internalExternal"] = "internalExternal"
    """Whether the device is inside of the computer, connected to it, or both.

    Change: For a driver of a real device.
    Without: Both, which also fits a driver without a device.
    Source: https://learn.microsoft.com/windows-hardware/drivers/dashboard/get-product-data
    """

    marketing_names: tuple[_Name, ...] = ()
    """Other names of the product.

    Change: When the device is sold under several names.
    Without: None.
    Source: https://learn.microsoft.com/windows-hardware/drivers/dashboard/get-product-data
    """

    test_signing: Annotated[bool, Field(strict=True)] = False
    """Ask for a test signature, which Windows accepts in test-signing mode only?

    Change: To try the way to Microsoft with a driver that is not finished.
    Without: Microsoft signs the driver for all machines.
    Source: https://learn.microsoft.com/windows-hardware/drivers/install/whql-test-signature-program
    """
