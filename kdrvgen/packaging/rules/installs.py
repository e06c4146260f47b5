"""Rules for install sections: devices, services, registry, and drivers without a device."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.packaging.inf.document import Entry, Field, Section
from kdrvgen.packaging.rules.files import copies
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.packaging.rules.structure import Decoration, Structure
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "check"]

_VERIFY = "https://learn.microsoft.com/windows-hardware/drivers/devtest/inf-validation-errors-and-warnings"
_PRIMITIVE = (
    "https://learn.microsoft.com/windows-hardware/drivers/develop/creating-a-primitive-driver"
)
_SERVICE = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-addservice-directive"
_REGISTRY = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-addreg-directive"

_BOTH = InfRule(
    Rule(
        "inf-two-kinds",
        Severity.ERROR,
        "the file has `[Manufacturer]` and `[DefaultInstall]`",
        "A package is either for a device or without one.",
        _VERIFY,
    ),
    1212,
)
_NO_DEVICE = InfRule(
    Rule("inf-no-device", Severity.ERROR, "the file installs on no device", "", _VERIFY), 1297
)
_NOT_PRIMITIVE = InfRule(
    Rule(
        "inf-primitive",
        Severity.ERROR,
        "`[DefaultInstall]` does not name an architecture",
        "Windows does not install it from the driver store.",
        _PRIMITIVE,
    ),
    1420,
)
_UNDECORATED = InfRule(
    Rule(
        "inf-undecorated",
        Severity.ERROR,
        "`[DefaultInstall]` or `[DefaultUninstall]` has no architecture in its name",
        "Windows does not install it from the driver store.",
        _PRIMITIVE,
    ),
    1421,
)
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
    )
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
_FOREIGN_KEY = InfRule(
    Rule(
        "inf-registry-root",
        Severity.WARNING,
        "a registry entry does not begin with `HKR`",
        "Only entries below `HKR` belong to the driver package.",
        _VERIFY,
    ),
    1304,
)
RULES = (
    *(_BOTH, _NO_DEVICE, _NOT_PRIMITIVE, _UNDECORATED, _NO_SERVICE, _INBOX, _BINARY, _INCOMPLETE),
    _FOREIGN_KEY,
)
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
    """Yield what is wrong with the install sections."""
    yield from _kind(structure)
    yield from _services_of_devices(structure)
    yield from _services(structure)
    yield from _registry(structure)


def _kind(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    manufacturer = inf.section("manufacturer")
    defaults = [
        section
        for section in inf.sections.values()
        if re.match(r"default(un)?install(\.(?=nt)|$)", section.name, re.IGNORECASE)
    ]
    installs = [section for section in defaults if section.name[7:8].lower() == "i"]
    if manufacturer and installs:
        advice = "make two packages, or remove one of the sections"
        message = "the file also has `[Manufacturer]`"
        yield violation(_BOTH, inf, installs[0], message, advice)
    elif manufacturer and not any(structure.hardware_ids()):
        advice = "add a line such as `%Device% = Install, Root\\hello` to the models section"
        yield violation(_NO_DEVICE, inf, manufacturer, "no model has a hardware ID", advice)
    elif not manufacturer and not installs:
        advice = "add `[Manufacturer]` for a device, or `[DefaultInstall.NTamd64]` without one"
        yield violation(_NO_DEVICE, inf, None, "the file installs nothing", advice)
    for section in () if manufacturer else defaults:
        stem, _, rest = section.name.partition(".")
        decoration = Decoration.of(rest.lower().removesuffix(".services")) if rest else None
        if not (decoration and decoration.machine) and "$" not in rest:
            advice = f"write one section for each architecture, such as `[{stem}.NTamd64]`"
            message = f"`[{section.name}]` does not name an architecture"
            rule = _NOT_PRIMITIVE if section in installs and not rest else _UNDECORATED
            yield violation(rule, inf, section, message, advice)


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
        yield violation(_BINARY, inf, entry, message, advice)
    elif name not in copied and not path.startswith("%11%"):
        message = f"nothing copies `{name}`"
        yield violation(_BINARY, inf, entry, message, "add it to a list of `CopyFiles`")


def _registry(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    seen = set()
    for reference in structure.references:
        section = inf.section(reference.name)
        if reference.directive != "addreg" or section is None or section.name in seen:
            continue
        seen.add(section.name)
        for entry in section.entries:
            root = entry.values[0].text.upper()
            if root not in {"HKR", ""} and not reference.source.name.lower().startswith("class"):
                message = f"the entry is below `{root}`"
                advice = "write `HKR`, and read it with IoOpenDeviceRegistryKey or below Parameters"
                yield violation(_FOREIGN_KEY, inf, entry.values[0], message, advice)
