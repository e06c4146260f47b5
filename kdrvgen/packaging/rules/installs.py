"""Rules for install sections: devices, drivers without a device, and the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.packaging.inf.document import Section
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.packaging.rules.structure import Decoration, Structure
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "check"]

_VERIFY = "https://learn.microsoft.com/windows-hardware/drivers/devtest/inf-validation-errors-and-warnings"
_PRIMITIVE = (
    "https://learn.microsoft.com/windows-hardware/drivers/develop/creating-a-primitive-driver"
)
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
        "no `[DefaultInstall]` names an architecture",
        "Windows does not install it from the driver store.",
        _PRIMITIVE,
    ),
    1423,
)
_UNDECORATED = InfRule(
    Rule(
        "inf-undecorated",
        Severity.ERROR,
        "`[DefaultInstall]` or `[DefaultUninstall]` has no architecture in its name",
        "Windows does not install it from the driver store. InfVerif also reports 1420 for it.",
        _PRIMITIVE,
    ),
    1421,
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
_UNINSTALL = InfRule(
    Rule(
        "inf-uninstall",
        Severity.ERROR,
        "`[DefaultUninstall]` is not only for old versions of Windows",
        "Windows removes a package without a device itself.",
        _PRIMITIVE,
    ),
    1422,
)
_NO_ARCHITECTURE = InfRule(
    Rule(
        "inf-architecture",
        Severity.WARNING,
        "a models section does not name an architecture",
        "Windows takes it for one for x86.",
        _VERIFY,
    ),
    2010,
)
RULES = (
    _BOTH,
    _NO_DEVICE,
    _NOT_PRIMITIVE,
    _UNDECORATED,
    _UNINSTALL,
    _NO_ARCHITECTURE,
    _FOREIGN_KEY,
)
"""The rules of this module."""


def check(structure: Structure) -> Iterator[Finding]:
    """Yield what is wrong with the install sections."""
    yield from _kind(structure)
    yield from _architectures(structure)
    yield from _uninstall(structure)
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
    decorated = [section for section in installs if _machine_of(section)]
    for section in () if manufacturer else defaults:
        stem, _, rest = section.name.partition(".")
        if not _machine_of(section) and "$" not in rest:
            advice = f"write one section for each architecture, such as `[{stem}.NTamd64]`"
            message = f"`[{section.name}]` does not name an architecture"
            is_only = section in installs and not decorated
            rule = _NOT_PRIMITIVE if is_only else _UNDECORATED
            yield violation(rule, inf, section, message, advice)


def _machine_of(section: Section) -> str:
    """Return the architecture in the name of a `[DefaultInstall]` section; "" for none."""
    rest = section.name.partition(".")[2].lower().removesuffix(".services")
    decoration = Decoration.of(rest) if rest else None
    return decoration.machine if decoration else ""


def _architectures(structure: Structure) -> Iterator[Finding]:
    for field, name, decoration in structure.model_names:
        if not decoration.machine and "$" not in name and structure.inf.section(name):
            message = f"`[{name}]` does not name an architecture"
            advice = "write one models section for each, such as `Models, NTamd64`"
            yield violation(_NO_ARCHITECTURE, structure.inf, field, message, advice)


def _uninstall(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    for section in inf.sections.values():
        name = section.name.lower()
        is_section = re.match(r"defaultuninstall\.nt", name) and not name.endswith(".services")
        entry = section.find("legacyuninstall")
        if is_section and not (entry and inf.expand(entry.values[0].text) == "1"):
            message = f"`[{section.name}]` has no `LegacyUninstall = 1`"
            advice = "add it, or remove the section"
            yield violation(_UNINSTALL, inf, section, message, advice)


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
