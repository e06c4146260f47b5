"""Rules for `[Version]`: signature, class, provider, catalog, version and date."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from kdrvgen.model.device_classes import CLASS_GUIDS, RESERVED_CLASSES
from kdrvgen.packaging.inf.document import Entry, Field, Inf, Section
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "check"]

_VERSION = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-version-section"
_DRIVER_VER = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-driverver-directive"
_VERIFY = "https://learn.microsoft.com/windows-hardware/drivers/devtest/inf-validation-errors-and-warnings"
_CLASSES = (
    "https://learn.microsoft.com/windows-hardware/drivers/install/"
    "system-defined-device-setup-classes-available-to-vendors"
)
_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

_SIGNATURE = InfRule(
    Rule(
        "inf-signature",
        _ERROR,
        '`[Version]` is missing, or has another `Signature` than `"$Windows NT$"`',
        "Windows does not accept the file as an INF.",
        _VERSION,
    ),
    1001,
)
_PROVIDER = InfRule(
    Rule("inf-provider", _ERROR, "the provider is Microsoft", "The name is Microsoft's.", _VERIFY),
    1204,
)
_CATALOG_MISSING = InfRule(
    Rule(
        "inf-catalog-missing",
        _ERROR,
        "`CatalogFile` is missing",
        "Without a catalog, the package cannot be signed.",
        _VERIFY,
    ),
    1233,
)
_DIRECTIVE_MISSING = InfRule(
    Rule(
        "inf-directive-missing",
        _ERROR,
        "`Class`, `ClassGuid`, `Provider` or `DriverVer` is missing",
        "Windows needs it to install or to rank the driver.",
        _VERSION,
    ),
    1234,
)
_CATALOG_NAME = InfRule(
    Rule(
        "inf-catalog-name",
        _ERROR,
        "the catalog's name is not a plain file name that ends in `.cat`",
        "Windows looks for the catalog beside the INF.",
        _VERSION,
    ),
    1214,
)
_CATALOG_TWICE = InfRule(
    Rule(
        "inf-catalog-twice",
        _ERROR,
        "one `CatalogFile` directive has two values",
        "Windows uses only the first.",
        _VERSION,
    )
)
_NUMBER = InfRule(
    Rule(
        "inf-driver-version",
        _ERROR,
        "the version in `DriverVer` is not `w.x.y.z` with numbers up to 65535",
        "Windows compares versions to find the best driver.",
        _DRIVER_VER,
    ),
    1217,
)
_DATE = InfRule(
    Rule(
        "inf-driver-date",
        _ERROR,
        "the date in `DriverVer` is not `MM/DD/YYYY`",
        "Windows ranks drivers by their dates.",
        _DRIVER_VER,
    ),
    1218,
)
_FUTURE = InfRule(
    Rule(
        "inf-date-future",
        _ERROR,
        "the date in `DriverVer` is in the future",
        "Microsoft's inf2cat refuses the package (22.9.7).",
        _DRIVER_VER,
    )
)
_GUID = InfRule(
    Rule("inf-class-guid", _ERROR, "`ClassGuid` is not a GUID in braces", "", _CLASSES), 1234
)
_MISMATCH = InfRule(
    Rule(
        "inf-class-mismatch",
        _ERROR,
        "`Class` and `ClassGuid` are not of the same class",
        "Windows goes by the GUID, people by the name.",
        _CLASSES,
    ),
    1281,
)
_RESERVED = InfRule(
    Rule("inf-class-reserved", _ERROR, "the class is Microsoft's own", "", _CLASSES), 1284
)
_CLASS_INSTALL = InfRule(
    Rule(
        "inf-class-install",
        _ERROR,
        "`[ClassInstall32]` changes a class of Windows",
        "Only Microsoft can install its classes.",
        _VERIFY,
    ),
    1285,
)
_LOCKDOWN = InfRule(
    Rule(
        "inf-pnp-lockdown",
        _WARNING,
        "`PnpLockdown = 1` is missing",
        "Other programs can then change the installed files.",
        _VERSION,
    ),
    1324,
)
RULES = (
    *(_SIGNATURE, _PROVIDER, _CATALOG_MISSING, _DIRECTIVE_MISSING, _CATALOG_NAME, _CATALOG_TWICE),
    *(_NUMBER, _DATE, _FUTURE, _GUID, _MISMATCH, _RESERVED, _CLASS_INSTALL, _LOCKDOWN),
)
"""The rules of this module."""

_GUID_TEXT = re.compile(r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}", re.IGNORECASE)
_PARTS = 4
_LARGEST_PART = 0xFFFF


def check(inf: Inf, today: dt.date) -> Iterator[Finding]:
    """Yield what is wrong in `[Version]`.

    Args:
        inf: The file.
        today: The date in UTC.
    """
    version = inf.section("version")
    if version is None:
        advice = 'begin the file with `[Version]` and `Signature = "$Windows NT$"`'
        yield violation(_SIGNATURE, inf, None, "there is no section `[Version]`", advice)
        return
    yield from _signature(inf, version)
    yield from _required(inf, version)
    yield from _class(inf, version)
    yield from _catalogs(inf, version)
    if entry := version.find("driverver"):
        yield from _driver_ver(inf, entry, today)
    lockdown = version.find("pnplockdown")
    if inf.text("version", "pnplockdown") != "1":
        advice = "add `PnpLockdown = 1` to `[Version]`"
        yield violation(_LOCKDOWN, inf, lockdown or version, "`PnpLockdown` is not 1", advice)


def _signature(inf: Inf, version: Section) -> Iterator[Finding]:
    text = inf.text("version", "signature").lower()
    if text != "$windows nt$":
        old = text == "$chicago$"
        found = violation(
            _SIGNATURE,
            inf,
            version.find("signature") or version,
            "the signature is for Windows 9x" if old else "`Signature` is not `$Windows NT$`",
            'write `Signature = "$Windows NT$"`',
        )
        yield found.as_severe_as(_WARNING if old else _ERROR)


def _required(inf: Inf, version: Section) -> Iterator[Finding]:
    for name in ("Class", "ClassGuid", "Provider", "DriverVer"):
        if not inf.text("version", name.lower()):
            advice = f"add `{name}` to `[Version]`"
            where = version.find(name.lower()) or version
            yield violation(_DIRECTIVE_MISSING, inf, where, f"`{name}` is missing", advice)
    provider = inf.text("version", "provider")
    if provider.lower() in {"microsoft", "microsoft corporation"}:
        entry = version.find("provider")
        advice = "write the name of your organization"
        yield violation(_PROVIDER, inf, entry, f"the provider is `{provider}`", advice)


def _class(inf: Inf, version: Section) -> Iterator[Finding]:
    name, guid = inf.text("version", "class"), inf.text("version", "classguid")
    where = version.find("classguid")
    if guid and not _GUID_TEXT.fullmatch(guid):
        advice = "write a GUID such as `{4d36e97d-e325-11ce-bfc1-08002be10318}`"
        yield violation(_GUID, inf, where, f"`{guid}` is not a GUID", advice)
        return
    if name.lower() in RESERVED_CLASSES:
        advice = "use a class of Windows, such as `System`, or define your own"
        message = f"the class `{name}` is reserved for Microsoft"
        yield violation(_RESERVED, inf, version.find("class"), message, advice)
    names = {known.lower(): known for known in CLASS_GUIDS}
    guids = {known: title for title, known in CLASS_GUIDS.items()}
    expected = CLASS_GUIDS.get(names.get(name.lower(), ""))
    if expected and guid and guid.lower() != expected:
        message = f"`{guid}` is not the GUID of the class `{name}`"
        yield violation(_MISMATCH, inf, where, message, f"write `ClassGuid = {expected}`")
    elif not expected and name and guid.lower() in guids:
        title = guids[guid.lower()]
        message = f"the GUID is that of the class `{title}`, not of `{name}`"
        yield violation(_MISMATCH, inf, version.find("class"), message, f"write `Class = {title}`")
    if guid.lower() in guids:
        for key, section in inf.sections.items():
            if key.partition(".")[0] == "classinstall32":
                message = f"`{guids[guid.lower()]}` is a class of Windows, and cannot be changed"
                yield violation(_CLASS_INSTALL, inf, section, message, "remove the section")


def _catalogs(inf: Inf, version: Section) -> Iterator[Finding]:
    entries = [
        entry
        for entry in version.entries
        if entry.key and entry.key.text.lower().partition(".")[0] == "catalogfile"
    ]
    if not entries:
        advice = "add `CatalogFile = NAME.cat` to `[Version]`"
        yield violation(_CATALOG_MISSING, inf, version, "`CatalogFile` is missing", advice)
    seen: dict[str, Entry] = {}
    for entry in entries:
        name = inf.expand(entry.values[0].text)
        if not re.fullmatch(r"[^\\/:*?\"<>|]+\.cat", name, re.IGNORECASE):
            message = f"`{name}` is not the name of a catalog"
            advice = "write a file name without a folder, such as `driver.cat`"
            yield violation(_CATALOG_NAME, inf, entry, message, advice)
        key = entry.key.text.lower() if entry.key else ""
        if key in seen and inf.expand(seen[key].values[0].text).lower() != name.lower():
            message = f"`{key}` has a second value"
            yield violation(_CATALOG_TWICE, inf, entry, message, "keep one of them")
        seen.setdefault(key, entry)


def _driver_ver(inf: Inf, entry: Entry, today: dt.date) -> Iterator[Finding]:
    first, second = entry.values[0], entry.value(1)
    date = _date(inf.expand(first.text))
    if first.text and date is None:
        message = f"`{first.text}` is not a date"
        yield violation(_DATE, inf, first, message, "write `MM/DD/YYYY`, such as `12/31/2025`")
    elif date and date > today:
        message = f"{date.isoformat()} is in the future: in UTC it is {today.isoformat()}"
        yield violation(_FUTURE, inf, first, message, "use the date in UTC")
    yield from _version_number(inf, entry, second)


def _date(text: str) -> dt.date | None:
    found = re.fullmatch(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", text, re.ASCII)
    try:
        return dt.date(int(found[3]), int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def _version_number(inf: Inf, entry: Entry, field: Field | None) -> Iterator[Finding]:
    if field is None:
        advice = "add it after the date, such as `DriverVer = 12/31/2025,1.0.0.0`"
        yield violation(_NUMBER, inf, entry, "`DriverVer` has no version", advice)
        return
    parts = inf.expand(field.text).split(".")
    numbers = [int(part[:9]) for part in parts if re.fullmatch(r"\d+", part, re.ASCII)]
    if len(numbers) != len(parts) or len(parts) > _PARTS or max(numbers) > _LARGEST_PART:
        message = f"`{field.text}` is not a version"
        advice = f"write four numbers up to {_LARGEST_PART}, such as `1.0.0.0`"
        yield violation(_NUMBER, inf, field, message, advice)
