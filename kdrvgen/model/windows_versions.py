"""The versions of Windows that a catalog can name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["WINDOWS", "WindowsVersion"]


class WindowsVersion(NamedTuple):
    """A version of Windows on one architecture.

    Attributes:
        name: Its name for inf2cat's `/os`, such as `10_X64`.
        catalog: Its name in a catalog, such as `_v100_X64`.
        kernel: The version of its kernel in a catalog, such as `10.0`.
        machine: The architecture: `amd64`, `x86` or `arm64`.
        build: The first build number.
    """

    name: str
    catalog: str
    kernel: str
    machine: str
    build: int


_MACHINES = {"X64": "amd64", "X86": "x86", "ARM64": "arm64"}

# Before Windows 10: name, name in a catalog, kernel, architecture, build.
_OLD = (
    WindowsVersion("7_X86", "7X86", "6.1", "x86", 7600),
    WindowsVersion("7_X64", "7X64", "6.1", "amd64", 7600),
    WindowsVersion("Server2008R2_X64", "Server2008R2X64", "6.1", "amd64", 7600),
    WindowsVersion("8_X86", "8X86", "6.2", "x86", 9200),
    WindowsVersion("8_X64", "8X64", "6.2", "amd64", 9200),
    WindowsVersion("Server8_X64", "Server2012X64", "6.2", "amd64", 9200),
    WindowsVersion("6_3_X86", "_v63", "6.3", "x86", 9600),
    WindowsVersion("6_3_X64", "_v63_X64", "6.3", "amd64", 9600),
    WindowsVersion("Server6_3_X64", "_v63_Server_X64", "6.3", "amd64", 9600),
)

# From Windows 10: name without architecture, end of the name in a catalog, build, architectures.
_NEW = (
    ("10", "", 10240, ("X86", "X64")),
    ("Server10", "", 10240, ("X64", "ARM64")),
    ("10_AU", "_RS1", 14393, ("X86", "X64")),
    ("Server2016", "_RS1", 14393, ("X64",)),
    ("10_RS2", "_RS2", 15063, ("X86", "X64")),
    ("10_RS3", "_RS3", 16299, ("X86", "X64", "ARM64")),
    ("10_RS4", "_RS4", 17134, ("X86", "X64", "ARM64")),
    ("10_RS5", "_RS5", 17763, ("X86", "X64", "ARM64")),
    ("ServerRS5", "_RS5", 17763, ("X64", "ARM64")),
    ("10_19H1", "_19H1", 18362, ("X86", "X64", "ARM64")),
    ("10_VB", "_Vb", 19041, ("X86", "X64", "ARM64")),
    ("ServerFE", "_21H2", 20348, ("X64", "ARM64")),
    ("10_CO", "_21H2", 22000, ("X64", "ARM64")),
    ("10_NI", "_22H2", 22621, ("X64", "ARM64")),
    ("10_GE", "_24H2", 26100, ("X64", "ARM64")),
    ("Server2025", "_24H2", 26100, ("X64", "ARM64")),
    ("10_25H2", "_25H2", 26200, ("X64", "ARM64")),
)


def _versions() -> Iterator[WindowsVersion]:
    yield from _OLD
    for name, ending, build, architectures in _NEW:
        server = "Server" if name.startswith("Server") else ""
        for architecture in architectures:
            middle = "" if architecture == "X86" else f"_{architecture}"
            catalog = f"{server}_v100{middle}{ending}"
            machine = _MACHINES[architecture]
            yield WindowsVersion(f"{name}_{architecture}", catalog, "10.0", machine, build)


WINDOWS: Mapping[str, WindowsVersion] = {each.name.lower(): each for each in _versions()}
"""All versions from Windows 7, by their names in lower case, in the order of a catalog.

Source: Microsoft Learn, "Inf2Cat", for the names; catalogs of published drivers for the names in a
catalog, except `_25H2`, which follows the others.
"""
