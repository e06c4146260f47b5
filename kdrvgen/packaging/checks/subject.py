"""What the rules about a whole package work on: the INF, the files that it lists, the catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kdrvgen.inspection.pe.headers import Headers, read_headers
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.output.regular import MAX_DRIVER_FILE, read_regular
from kdrvgen.packaging.catalog.read import Catalog, read_catalog
from kdrvgen.packaging.catalog.strict import demand_strict
from kdrvgen.packaging.checks.contents import Listed, listed
from kdrvgen.packaging.inf.document import Entry, Inf
from kdrvgen.packaging.inf.parse import MAX_SIZE, parse
from kdrvgen.packaging.rules.structure import Structure

if TYPE_CHECKING:
    from kdrvgen.inspection.signature.certificates import Certificate  # needs the extra `verify`

__all__ = ["CatalogFile", "Package", "read_packages"]


@dataclass(frozen=True)
class CatalogFile:
    """A catalog in the folder of a package, signed or not.

    Attributes:
        path: The file.
        data: Its bytes.
        content: The files and the systems in it; None if they cannot be read.
        problem: Why it is not in strict DER; "" if it is.
    """

    path: Path
    data: bytes
    content: Catalog | None
    problem: str


@dataclass(frozen=True)
class Package:
    """A package: one INF and one catalog, with all files of the folder.

    Attributes:
        inf: The INF.
        path: Its file.
        raw: Its content.
        files: The content of the listed files that exist, by their paths in lower case.
        names: All files of the folder, by their paths in lower case.
        catalog: A catalog that the INF names; None if none is in the folder.
        trusted: Certificates at which a chain may end; without any, trust is not checked.
        now: The current time.
        machines: The architectures that the package is for, such as `amd64`; empty if unknown.
    """

    inf: Inf
    path: Path
    raw: bytes
    files: Mapping[str, bytes]
    names: Mapping[str, Path]
    catalog: CatalogFile | None
    trusted: tuple[Certificate, ...]
    now: dt.datetime
    machines: frozenset[str] = frozenset()

    @cached_property
    def structure(self) -> Structure:
        """The structure of the INF."""
        return Structure(self.inf)

    @cached_property
    def listed(self) -> tuple[Listed, ...]:
        """The files that the INF lists."""
        return listed(self.inf)

    @cached_property
    def catalog_entries(self) -> tuple[Entry, ...]:
        """The `CatalogFile` entries of `[Version]`, also those for single platforms."""
        version = self.inf.section("version")
        return tuple(
            entry
            for entry in (version.entries if version else ())
            if entry.key and entry.key.text.lower().partition(".")[0] == "catalogfile"
        )

    def catalog_for(self, machine: str) -> str:
        """Return the name of the catalog for an architecture, in lower case; "" without one.

        Source: Microsoft Learn, "INF Version Section": the most specific `CatalogFile` counts.
        """
        keys = (f"catalogfile.nt{machine}", "catalogfile.nt", "catalogfile")
        names = (self.inf.text("version", key) for key in keys)
        return next(filter(None, names), "").lower()

    def drivers(self) -> Iterator[tuple[Listed, Headers, bytes]]:
        """Yield the images that services start, with their headers and contents."""
        names = {
            self.inf.expand(entry.values[0].text).lower().rpartition("\\")[2]
            for section in self.inf.sections.values()
            for entry in section.all("servicebinary")
        }
        for each in self.listed:
            data = self.files.get(each.path, b"")
            headers = read_headers(data)
            if headers and each.name in names:
                yield each, headers, data


def read_packages(
    path: Path,
    names: Mapping[str, Path],
    now: dt.datetime,
    trusted: tuple[Certificate, ...] = (),
) -> tuple[Package, ...]:
    """Return the package of an INF, once for each catalog that it names; at least one.

    Args:
        path: The INF.
        names: All files of its folder, by their paths in lower case.
        now: The current time.
        trusted: Certificates at which a chain may end.

    Raises:
        FileAccessError: A file cannot be read.
    """
    raw = read_regular(path, MAX_SIZE)
    inf = parse(raw, str(path))
    wanted = {each.path for each in listed(inf)}
    files = {
        each: read_regular(names[each], MAX_DRIVER_FILE) for each in sorted(wanted & names.keys())
    }
    package = Package(inf, path, raw, files, names, None, trusted, now)
    named = (inf.expand(entry.values[0].text).lower() for entry in package.catalog_entries)
    catalogs = [_catalog(names[name]) for name in dict.fromkeys(named) if name in names]
    found = (replace(package, catalog=each, machines=_machines(each.content)) for each in catalogs)
    return tuple(found) or (package,)


def _machines(content: Catalog | None) -> frozenset[str]:
    known = {version.catalog: version.machine for version in WINDOWS.values()}
    systems = content.systems if content else ()
    return frozenset(known[each] for each in systems if each in known)


def _catalog(path: Path) -> CatalogFile:
    data = read_regular(path, MAX_DRIVER_FILE)
    try:
        content = read_catalog(data)
    except ValueError as error:
        return CatalogFile(path, data, None, str(error))
    try:
        demand_strict(data)
    except ValueError as error:
        return CatalogFile(path, data, content, str(error))
    return CatalogFile(path, data, content, "")
