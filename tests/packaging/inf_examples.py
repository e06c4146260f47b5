"""INF files for the tests: a device and a driver without one."""

from __future__ import annotations

import datetime as dt

from kdrvgen.packaging.inf.parse import parse, parse_text
from kdrvgen.packaging.rules import check
from kdrvgen.report.finding import Finding

TODAY = dt.date(2025, 6, 30)
_VERSION = r"""
[Version]
Signature = "$Windows NT$"
Class = System
ClassGuid = {4d36e97d-e325-11ce-bfc1-08002be10318}
Provider = %Provider%
CatalogFile = hello.cat
DriverVer = 06/30/2025,1.2.3.4
PnpLockdown = 1
"""
DEVICE = (
    _VERSION
    + r"""
[SourceDisksNames]
1 = %Disk%

[SourceDisksFiles]
hello.sys = 1

[DestinationDirs]
DefaultDestDir = 13
Files = 13

[Manufacturer]
%Provider% = Models,NTamd64.10.0...16299

[Models.NTamd64.10.0...16299]
%Device% = Install,Root\hello

[Install.NT]
CopyFiles = Files
AddReg = Registry

[Install.NT.Services]
AddService = hello,0x00000002,Service,Log

[Files]
hello.sys

[Service]
ServiceType = 1
StartType = 3
ErrorControl = 1
ServiceBinary = %13%\hello.sys

[Log]
AddReg = LogRegistry

[LogRegistry]
HKR,,EventMessageFile,0x00020000,"%%SystemRoot%%\System32\IoLogMsg.dll"

[Registry]
HKR,,Answer,0x00010001,42

[Strings]
Provider = "Example"
Device = "Hello"
Disk = "Disk"
"""
)
PRIMITIVE = (
    _VERSION
    + r"""
[SourceDisksNames]
1 = "Disk"

[SourceDisksFiles]
hello.sys = 1

[DestinationDirs]
DefaultDestDir = 13

[DefaultInstall.NTamd64.10.0...18362]
CopyFiles = @hello.sys

[DefaultInstall.NTamd64.10.0...18362.Services]
AddService = hello,,Service

[Service]
ServiceType = 1
StartType = 3
ErrorControl = 1
ServiceBinary = %13%\hello.sys

[Strings]
Provider = "Example"
"""
)


def findings(text: str | bytes) -> list[Finding]:
    """Return the findings for an INF."""
    if isinstance(text, bytes):
        return check(parse(text, "hello.inf"), TODAY)
    return check(parse_text(text, "hello.inf"), TODAY)


def line_of(text: str, part: str) -> int:
    """Return the number of the line with a text."""
    return text[: text.index(part)].count("\n") + 1
