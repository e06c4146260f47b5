"""Rules for the services that a package installs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.packaging.inf.document import Entry, Field, Section
from kdrvgen.packaging.rules.files import copies
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.packaging.rules.structure import Structure
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "check"]

_VERIFY = "https://learn.microsoft.com/windows-hardware/drivers/devtest/inf-validation-errors-and-warnings"
_SERVICE = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-addservice-directive"
_DIRS = "https://learn.microsoft.com/windows-hardware/drivers/install/using-dirids"
_ISOLATION = "https://learn.microsoft.com/windows-hardware/drivers/develop/driver-package-isolation"

_NO_SERVICE = InfRule(
    Rule(
        "inf-service-missing",
        Severity.ERROR,
        "no service is assigned to a device",
        "The device then has no driver.",
        _VERIFY,
    ),
    1296,
)
_INBOX = InfRule(
    Rule(
        "inf-service-inbox",
        Severity.WARNING,
        "a service of Windows is defined again",
        "Windows maintains its own services.",
        _VERIFY,
    ),
    2084,
)
_BINARY = InfRule(
    Rule(
        "inf-service-binary",
        Severity.ERROR,
        "the file of a service is not one that the package installs",
        "The service cannot start.",
        _SERVICE,
    ),
    2084,
)
_INCOMPLETE = InfRule(
    Rule(
        "inf-service-incomplete",
        Severity.ERROR,
        "a service lacks `ServiceType`, `StartType`, `ErrorControl` or `ServiceBinary`",
        "Windows does not create the service.",
        _SERVICE,
    )
)
_PATH = InfRule(
    Rule(
        "inf-service-path",
        Severity.ERROR,
        "the path of a service does not begin with a directory identifier",
        "Windows does not know which folder is meant.",
        _DIRS,
    ),
    2085,
)
_REGISTRY = InfRule(
    Rule(
        "inf-service-registry",
        Severity.NOTE,
        "a registry entry of a service is not below `Parameters`",
        "A Windows Driver has its own values only there (InfVerif /w).",
        _ISOLATION,
    ),
    1323,
)
RULES = (_NO_SERVICE, _INBOX, _BINARY, _PATH, _INCOMPLETE, _REGISTRY)
"""The rules of this module."""

_INCLUDES = {
    "wudfrd.sys": ("wudfrd.inf", "WUDFRD.NT.Services"),
    "winusb.sys": ("winusb.inf", "WINUSB.NT.Services"),
    "usbser.sys": ("usbser.inf", "UsbSerial.Services"),
    "mshidumdf.sys": ("MsHidUmdf.inf", "MsHidUmdf.NT.Services"),
    "mshidkmdf.sys": ("MsHidKmdf.inf", "MsHidKmdf.NT.Services"),
}
_REQUIRED = ("ServiceType", "StartType", "ErrorControl", "ServiceBinary")
_ASSOCIATED = 2  # SPSVCINST_ASSOCSERVICE
_CLASSES_WITHOUT_SERVICE = frozenset(
    {"extension", "softwarecomponent", "monitor", "firmware", "printer"}
    | {"netclient", "netservice", "nettrans"}
)


def check(structure: Structure) -> Iterator[Finding]:
    """Yield what is wrong with the services."""
    yield from _services_of_devices(structure)
    yield from _services(structure)


def _services_of_devices(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    if inf.text("version", "class").lower() in _CLASSES_WITHOUT_SERVICE:
        return
    seen = set()
    for install in structure.installs:
        section = install.section
        if install.is_primitive or section.name in seen or _includes(section):
            continue
        seen.add(section.name)
        services = structure.below(section, "services")
        if services and (_includes(services) or any(map(_assigns, services.all("addservice")))):
            continue
        message = f"`[{section.name}.Services]` assigns no service to the device"
        advice = (
            f"add `AddService = NAME, 0x00000002, SECTION` to `[{section.name}.Services]`; "
            "`AddService = ,2` is for a device without a driver"
        )
        yield violation(_NO_SERVICE, inf, services or section, message, advice)


def _includes(section: Section) -> bool:
    return section.find("include") is not None or section.find("needs") is not None


def _assigns(entry: Entry) -> bool:
    """Return whether an `AddService` makes its service the device's."""
    flags = entry.value(1)
    if flags is None:
        return False
    number = _number(flags.text)
    return number is None or bool(number & _ASSOCIATED)  # a string token can be any number


def _number(text: str) -> int | None:
    if re.fullmatch(r"0x[0-9a-f]{1,8}", text, re.IGNORECASE):
        return int(text, 16)
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


def _services(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    copied = {copy.target.lower() for copy in copies(structure)}
    seen = set()
    for reference in structure.references:
        service = inf.section(reference.name)
        if (
            service is None
            or reference.directive != "addservice"
            or service.name in seen
            or _is_event_log(reference.source, reference.field)
        ):
            continue
        seen.add(service.name)
        for name in _REQUIRED:
            if service.find(name.lower()) is None:
                message = f"`[{service.name}]` has no `{name}`"
                yield violation(_INCOMPLETE, inf, service, message, f"add `{name}`")
        if entry := service.find("servicebinary"):
            path = inf.expand(entry.values[0].text)
            yield from _binary(structure, service, path, copied)
        yield from _registry(structure, service)


def _is_event_log(section: Section, field: Field) -> bool:
    """Return whether a value of an `AddService` names the section for the event log."""
    return any(entry.value(3) == field for entry in section.all("addservice"))


def _binary(
    structure: Structure, service: Section, path: str, copied: set[str]
) -> Iterator[Finding]:
    inf = structure.inf
    entry = service.find("servicebinary")
    name = path.rpartition("\\")[2].lower()
    if name in _INCLUDES:
        file, needs = _INCLUDES[name]
        message = f"`{name}` is a service of Windows"
        advice = f"write `Include = {file}` and `Needs = {needs}` in place of `AddService`"
        yield violation(_INBOX, inf, entry, message, advice)
    elif not re.match(r"%-?\d+%\\", path, re.ASCII):
        message = f"`{path}` does not begin with a directory identifier"
        advice = f"write `ServiceBinary = %13%\\{name or 'NAME.sys'}`"
        yield violation(_PATH, inf, entry, message, advice)
    elif name not in copied and not path.startswith("%11%"):
        message = f"nothing copies `{name}`"
        yield violation(_BINARY, inf, entry, message, "add it to a list of `CopyFiles`")


def _registry(structure: Structure, service: Section) -> Iterator[Finding]:
    inf = structure.inf
    for directive in service.all("addreg"):
        for field in directive.values:
            section = inf.section(inf.expand(field.text))
            for entry in section.entries if section else ():
                below = entry.value(1)
                key = inf.expand(below.text).lower() if below else ""
                is_relative = entry.values[0].text.upper() == "HKR"
                if is_relative and key.partition("\\")[0] != "parameters":
                    message = (
                        f"the entry is in the key `{below.text if below else 'of the service'}`"
                    )
                    advice = 'write `HKR,"Parameters",…`'
                    yield violation(_REGISTRY, inf, entry, message, advice)
