"""Rules for a package as a whole: its files, the images among them, and the version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.inspection.pe.headers import Machine
from kdrvgen.inspection.pe.version import file_version
from kdrvgen.packaging.checks.subject import Package
from kdrvgen.packaging.inf.document import Entry, Field
from kdrvgen.report.finding import Finding, Place, Rule, Severity

__all__ = ["RULES", "check"]

_LEARN = "https://learn.microsoft.com/windows-hardware/drivers/install"
_FILES = f"{_LEARN}/inf-sourcedisksfiles-section"
_PACKAGES = f"{_LEARN}/components-of-a-driver-package"
_MODELS = f"{_LEARN}/inf-models-section"

_FILE_MISSING = Rule(
    "package-file-missing",
    Severity.ERROR,
    "the INF lists a file that is not in the package",
    "Windows does not install an incomplete package.",
    _FILES,
)
_UNLISTED = Rule(
    "package-file-unlisted",
    Severity.WARNING,
    "the INF does not list a file of the package, so the catalog does not cover it",
    "Windows does not copy the file to the driver store.",
    _FILES,
)
_CATALOG_MISSING = Rule(
    "package-catalog-missing",
    Severity.ERROR,
    "the catalog that the INF names is not in the package",
    "The catalog carries the signature of the package.",
    _PACKAGES,
)
_MACHINE = Rule(
    "package-machine",
    Severity.ERROR,
    "a driver is for another architecture than the INF",
    "Windows installs the package, but does not load the driver.",
    _MODELS,
)
_VERSION = Rule(
    "package-version",
    Severity.WARNING,
    "the version in `DriverVer` is not the file version of the driver",
    "Windows and people then see two versions of one driver.",
    f"{_LEARN}/inf-driverver-directive",
)
RULES = (_FILE_MISSING, _UNLISTED, _CATALOG_MISSING, _MACHINE, _VERSION)
"""The rules of this module."""

_MACHINES = {Machine.AMD64: "amd64", Machine.I386: "x86", Machine.ARM64: "arm64"}
# What is in a folder beside the files of a package.
_BESIDE = frozenset({"inf", "cat", "pdb", "cer", "map", "txt", "md", "htm", "html", "rtf", "json"})
_PARTS = 4


def check(package: Package) -> Iterator[Finding]:
    """Yield what is wrong with a package, except with its INF and its catalog."""
    yield from _files(package)
    yield from _catalog(package)
    yield from _machines(package)
    yield from _versions(package)


def unlisted(packages: tuple[Package, ...]) -> Iterator[Finding]:
    """Yield the files of a folder that none of its INF files lists."""
    known = {each.path for package in packages for each in package.listed}
    for path, file in packages[0].names.items() if packages else ():
        ending = path.rpartition(".")[2]
        if "/" not in path and path not in known and ending not in _BESIDE:
            message = f"the INF does not list `{file.name}`, so the catalog does not cover it"
            advice = f"add `{file.name} = 1` to `[SourceDisksFiles]`, or remove the file"
            yield _UNLISTED.violation(Place(str(file)), advice, message=message)


def _violation(
    rule: Rule, package: Package, where: Field | Entry | None, message: str, advice: str
) -> Finding:
    place = package.inf.place(where) if where else Place(str(package.path))
    return rule.violation(place, advice, message=message)


def _files(package: Package) -> Iterator[Finding]:
    seen: set[str] = set()
    for each in package.listed:
        is_needed = not (each.machine and package.machines) or each.machine in package.machines
        if is_needed and each.name and each.path not in {*package.files, *seen}:
            seen.add(each.path)
            message = f"`{each.path}` is not in the package"
            advice = "add the file, or remove it from `[SourceDisksFiles]`"
            yield _violation(_FILE_MISSING, package, each.field, message, advice)


def _catalog(package: Package) -> Iterator[Finding]:
    for entry in package.catalog_entries:
        name = package.inf.expand(entry.values[0].text)
        if name.lower() not in package.names:
            message = f"the catalog `{name}` is not in the package"
            advice = "`cargo make package` makes and signs it"
            yield _violation(_CATALOG_MISSING, package, entry, message, advice)


def _machines(package: Package) -> Iterator[Finding]:
    for each, headers, _ in package.drivers():
        machine = _MACHINES.get(Machine(headers.machine)) if _is_known(headers.machine) else None
        own = {other.machine for other in package.listed if other.path == each.path}
        wanted = package.structure.machines if "" in own else tuple(sorted(own))
        if machine and wanted and machine not in wanted:
            message = f"`{each.path}` is for {machine}, and the INF is for {', '.join(wanted)}"
            advice = "make one package for each architecture, or list the file for its own one"
            yield _violation(_MACHINE, package, each.field, message, advice)


def _is_known(machine: int) -> bool:
    return machine in set(Machine)


def _versions(package: Package) -> Iterator[Finding]:
    entry = package.inf.find("version", "driverver")
    field = entry.value(1) if entry else None
    if field is None:
        return
    text = package.inf.expand(field.text)
    if not re.fullmatch(r"\d{1,5}(\.\d{1,5}){0,3}", text, re.ASCII):
        return
    numbers = [int(part) for part in text.split(".")]
    numbers += [0] * (_PARTS - len(numbers))
    for each, headers, data in package.drivers():
        version = file_version(headers, data)
        if version and list(version) != numbers:
            shown = ".".join(map(str, version))
            message = f"the version is {text}, and the file version of `{each.path}` is {shown}"
            advice = "build the driver again, and make the package again"
            yield _violation(_VERSION, package, field, message, advice)
