"""Rules for the files of a package: what is copied, from which disk, and to which folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kdrvgen.packaging.inf.document import Entry, Field, Section
from kdrvgen.packaging.rules.rule import InfRule, violation
from kdrvgen.packaging.rules.structure import Install, Structure
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["DRIVER_STORE", "RULES", "Copy", "check", "copies", "source_files"]

_FILES = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-sourcedisksfiles-section"
_NAMES = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-sourcedisksnames-section"
_COPY = "https://learn.microsoft.com/windows-hardware/drivers/install/inf-copyfiles-directive"
_DIRS = "https://learn.microsoft.com/windows-hardware/drivers/install/using-dirids"
_ISOLATION = "https://learn.microsoft.com/windows-hardware/drivers/develop/driver-package-isolation"

_UNLISTED = InfRule(
    Rule(
        "inf-file-unlisted",
        Severity.ERROR,
        "a file is copied, but `[SourceDisksFiles]` does not list it",
        "The file is then not in the catalog.",
        _FILES,
    ),
    1230,
)
_NOT_COPIED = InfRule(
    Rule(
        "inf-file-unused",
        Severity.WARNING,
        "`[SourceDisksFiles]` lists a file that nothing copies",
        "",
        _FILES,
    )
)
_DISK = InfRule(
    Rule(
        "inf-disk-undefined",
        Severity.ERROR,
        "`[SourceDisksNames]` does not define a disk",
        "",
        _NAMES,
    ),
    1273,
)
_LISTED_CATALOG = InfRule(
    Rule(
        "inf-catalog-listed",
        Severity.ERROR,
        "`[SourceDisksFiles]` lists a catalog",
        "Only `CatalogFile` names the catalog.",
        _FILES,
    ),
    1213,
)
_NO_FOLDER = InfRule(
    Rule(
        "inf-folder-missing",
        Severity.ERROR,
        "`[DestinationDirs]` has no folder for a file",
        "Windows does not know where to copy it.",
        _DIRS,
    ),
    1275,
)
_CONFLICT = InfRule(
    Rule(
        "inf-file-conflict",
        Severity.ERROR,
        "two files are copied to the same place",
        "One of them overwrites the other.",
        _COPY,
    ),
    1330,
)
_FOLDER = InfRule(
    Rule(
        "inf-folder",
        Severity.ERROR,
        "a file is copied to a folder that a driver package must not write to",
        "Microsoft does not sign such a package.",
        _DIRS,
    ),
    1340,
)
_NOT_ISOLATED = InfRule(
    Rule(
        "inf-isolation",
        Severity.NOTE,
        "a file is copied out of the driver store",
        "A Windows Driver runs its files from there (InfVerif /w).",
        _ISOLATION,
    ),
    1322,
)
_TOO_OLD = InfRule(
    Rule(
        "inf-driver-store",
        Severity.ERROR,
        "a section that uses the driver store (13) is not only for Windows 10 build 16299 or later",
        "Older versions of Windows do not know it.",
        _DIRS,
    ),
    1199,
)
RULES = (
    *(_UNLISTED, _NOT_COPIED, _LISTED_CATALOG, _DISK, _CONFLICT),
    *(_NO_FOLDER, _FOLDER, _NOT_ISOLATED, _TOO_OLD),
)
"""The rules of this module."""

DRIVER_STORE = "13"
"""The directory identifier of the driver store."""

# InfVerif /h, as of Windows 11.
_FOLDERS = frozenset(
    {"10", "11", "12", DRIVER_STORE, "23", "51", "52", "55", "16422", "16425", "16426", "16427"}
    | {"16428", "66000", "66001", "66002", "66003", "66004"}
)
_FIRST_WITH_STORE = (10, 0, 16299)


class Copy(NamedTuple):
    """A file that an install section copies.

    Attributes:
        install: The install section.
        field: The place.
        target: The name of the copy.
        source: The name in the package.
        folder: The directory identifier and subfolder, such as `12` or `10,System32`.
        entry: The entry of `[DestinationDirs]`; None for no entry.
    """

    install: Install
    field: Field
    target: str
    source: str
    folder: str
    entry: Entry | None


def check(structure: Structure) -> Iterator[Finding]:
    """Yield what is wrong with the lists of files."""
    found = list(copies(structure))
    yield from _listed(structure, found)
    yield from _disks(structure)
    yield from _conflicts(structure, found)
    yield from _folders(structure, found)
    yield from _old_windows(structure, found)


def copies(structure: Structure) -> Iterator[Copy]:
    """Yield the files that the install sections copy."""
    inf = structure.inf
    for install in structure.installs:
        sections = [install.section, structure.below(install.section, "coinstallers")]
        for section in sections:
            for entry in section.all("copyfiles") if section else ():
                for field in entry.values:
                    name = inf.expand(field.text)
                    if name.startswith("@"):
                        folder, place = _folder(structure, "")
                        yield Copy(install, field, name[1:], name[1:], folder, place)
                    elif files := inf.section(name):
                        yield from _of_list(structure, install, files)


def _of_list(structure: Structure, install: Install, files: Section) -> Iterator[Copy]:
    folder, place = _folder(structure, files.name)
    for entry in files.entries:
        target, source = entry.values[0], entry.value(1)
        if target.text:
            name = structure.inf.expand(target.text)
            origin = structure.inf.expand(source.text) if source else name
            yield Copy(install, target, name, origin, folder, place)


def _folder(structure: Structure, section: str) -> tuple[str, Entry | None]:
    entry = structure.inf.find("destinationdirs", section.lower()) if section else None
    entry = entry or structure.inf.find("destinationdirs", "defaultdestdir")
    values = (
        [structure.inf.expand(field.text).strip("\\") for field in entry.values] if entry else []
    )
    return ",".join(values[:2]).rstrip(",").lower(), entry


def source_files(structure: Structure) -> Mapping[str, tuple[Field, Field]]:
    """Return the places of each name in `[SourceDisksFiles]`, in lower case, and of its disk."""
    found: dict[str, tuple[Field, Field]] = {}
    for key, section in structure.inf.sections.items():
        if key.partition(".")[0] == "sourcedisksfiles":
            for entry in section.entries:
                name = entry.key or entry.values[0]
                found.setdefault(structure.inf.expand(name.text).lower(), (name, entry.values[0]))
    return found


def _listed(structure: Structure, found: list[Copy]) -> Iterator[Finding]:
    inf = structure.inf
    listed = source_files(structure)
    reported = set()
    for copy in found:
        source = copy.source.lower()
        if source and source not in listed and source not in reported:
            reported.add(source)
            message = f"`{copy.source}` is not in `[SourceDisksFiles]`"
            advice = f"add `{copy.source} = 1` to it, with the number of a disk"
            yield violation(_UNLISTED, inf, copy.field, message, advice)
    named = {copy.source.lower() for copy in found}
    for key, section in inf.sections.items():
        if not key.startswith("sourcedisks") and key in structure.used:
            for entry in section.entries:
                named |= {inf.expand(field.text).lower().lstrip("@") for field in entry.values}
    for name, (field, _) in listed.items():
        if name.endswith(".cat"):
            advice = "remove it: `CatalogFile` in `[Version]` names the catalog"
            yield violation(_LISTED_CATALOG, inf, field, f"`{name}` is a catalog", advice)
        elif name not in named:
            message = f"nothing copies `{name}`"
            yield violation(_NOT_COPIED, inf, field, message, "add it to a list of `CopyFiles`")


def _disks(structure: Structure) -> Iterator[Finding]:
    inf = structure.inf
    disks = {
        inf.expand(entry.key.text)
        for key, section in inf.sections.items()
        if key.partition(".")[0] == "sourcedisksnames"
        for entry in section.entries
        if entry.key
    }
    for name, (_, disk) in source_files(structure).items():
        if inf.expand(disk.text) not in disks:
            message = f"`{name}` is on disk `{disk.text}`, which `[SourceDisksNames]` does not have"
            advice = f'add `{disk.text} = "Installation media"` to `[SourceDisksNames]`'
            yield violation(_DISK, inf, disk, message, advice)


def _conflicts(structure: Structure, found: list[Copy]) -> Iterator[Finding]:
    taken: dict[tuple[str, str, str], str] = {}
    for copy in found:
        place = (copy.install.section.name, copy.folder, copy.target.lower())
        other = taken.setdefault(place, copy.source.lower())
        if other != copy.source.lower():
            message = f"`{copy.source}` and `{other}` are both copied to `{copy.target}`"
            advice = "give one of them another name"
            yield violation(_CONFLICT, structure.inf, copy.field, message, advice)


def _folders(structure: Structure, found: list[Copy]) -> Iterator[Finding]:
    seen = set()
    for copy in found:
        identifier = copy.folder.partition(",")[0]
        where = copy.entry or copy.field
        if where.extent in seen:
            continue
        seen.add(where.extent)
        if not identifier:
            message = f"`{copy.target}` has no folder in `[DestinationDirs]`"
            advice = f"add `DefaultDestDir = {DRIVER_STORE}` to `[DestinationDirs]`"
            yield violation(_NO_FOLDER, structure.inf, where, message, advice)
        elif identifier not in _FOLDERS:
            message = f"a driver package cannot copy files to directory `{identifier}`"
            advice = f"use {DRIVER_STORE}, the driver store"
            yield violation(_FOLDER, structure.inf, where, message, advice)
        elif identifier != DRIVER_STORE:
            message = f"`{copy.target}` is copied to directory `{identifier}`"
            advice = f"use {DRIVER_STORE}, the driver store, on Windows 10 build 16299 or later"
            yield violation(_NOT_ISOLATED, structure.inf, where, message, advice)


def _old_windows(structure: Structure, found: list[Copy]) -> Iterator[Finding]:
    seen = set()
    for copy in found:
        install = copy.install
        where = install.origin or install.section
        if (
            copy.folder.partition(",")[0] == DRIVER_STORE
            and install.decoration.version < _FIRST_WITH_STORE
            and where.extent not in seen
        ):
            seen.add(where.extent)
            message = "this also installs on Windows before build 16299, which has no directory 13"
            advice = "end the decoration with `.10.0...16299`, such as `NTamd64.10.0...16299`"
            yield violation(_TOO_OLD, structure.inf, where, message, advice)
