"""Makes the files of a driver package in memory: INF, catalog, and the given files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kdrvgen.inspection.pe.certificate_table import certificate_table
from kdrvgen.inspection.pe.headers import Machine, read_headers
from kdrvgen.model import Project
from kdrvgen.model.driver import Target
from kdrvgen.model.package import MACHINES
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import Member, member_of
from kdrvgen.packaging.catalog.read import read_catalog
from kdrvgen.packaging.catalog.write import Content, identifier_for, write_catalog
from kdrvgen.packaging.checks import package as of_package
from kdrvgen.packaging.checks.subject import Package
from kdrvgen.packaging.generated import framework_version, inf_text
from kdrvgen.packaging.inf.document import Field, Inf
from kdrvgen.packaging.inf.parse import parse, parse_decoded
from kdrvgen.packaging.inf.stamp import Stamp, stamp
from kdrvgen.packaging.inf.text import decode, encode
from kdrvgen.packaging.rules import check
from kdrvgen.packaging.rules.structure import Structure
from kdrvgen.report.finding import Finding, Place, Severity

__all__ = ["Ingredients", "Made", "build", "is_signed", "target_of", "uncovered"]

_TARGETS: Mapping[int, Target] = {
    Machine.AMD64: "x86_64-pc-windows-msvc",
    Machine.I386: "i686-pc-windows-msvc",
    Machine.ARM64: "aarch64-pc-windows-msvc",
}


class Ingredients(NamedTuple):
    """What a package is made from.

    Attributes:
        project: The project.
        target: The target triple of the image.
        files: The content of the image and of all other given files, by their names in the package.
        version: The version of the driver: four numbers.
        date: The date of the driver.
        today: The date in UTC.
        inx: The name and the content of the project's own INF; None to generate one.
        inf_name: The name of the INF for findings.
    """

    project: Project
    target: Target
    files: Mapping[str, bytes]
    version: str
    date: dt.date
    today: dt.date
    inx: tuple[str, bytes] | None
    inf_name: str


class Made(NamedTuple):
    """A package.

    Attributes:
        files: The content of each file by its name.
        findings: What is wrong. With an error, the package is not usable.
    """

    files: Mapping[str, bytes]
    findings: tuple[Finding, ...]


def target_of(image: bytes) -> Target | None:
    """Return the target triple that an image is for; None if it is not a driver for Windows."""
    headers = read_headers(image)
    return _TARGETS.get(headers.machine) if headers else None


def is_signed(image: bytes) -> bool:
    """Return whether an image has a signature, valid or not."""
    headers = read_headers(image)
    return headers is not None and certificate_table(headers, len(image)) is not None


def build(given: Ingredients) -> Made:
    """Return the package for these ingredients; the same for the same ingredients."""
    stem = given.project.driver.stem
    stamped = _inf(given)
    inf = stamped.inf
    files = {**given.files, f"{stem}.inf": stamped.data}
    findings = [*check(inf, given.today), *_of_package(given, stamped), *_unlisted(given, inf)]
    structure = Structure(inf)
    listed = _listed(inf, given.target)
    names = {name.lower(): name for name in files}
    members = [member_of(f"{stem}.inf", stamped.data)]
    members += [member_of(each, files[names[each]]) for each in listed if each in names]
    unique = tuple(dict.fromkeys(members))
    ids = tuple(inf.expand(field.text) for _, field in structure.hardware_ids())
    systems = set(given.project.package.systems_for(given.target))
    catalog = write_catalog(
        Content(
            unique,
            tuple(version for version in WINDOWS.values() if version.name in systems),
            ids,
            identifier_for(unique),
            dt.datetime.combine(given.date, dt.time(), dt.UTC),
        )
    )
    found = tuple(_moved(each, stamped) for each in findings)
    return Made({**files, f"{stem}.cat": catalog}, found)


def uncovered(files: Mapping[str, bytes], stem: str, target: Target) -> list[str]:
    """Return the files of a package whose digests are not in its catalog.

    Raises:
        ValueError: The catalog is damaged.
    """
    catalog = read_catalog(files[f"{stem}.cat"])
    inf = parse(files[f"{stem}.inf"], f"{stem}.inf")
    names = {name.lower(): name for name in files}
    needed = [f"{stem}.inf", *(names[each] for each in _listed(inf, target) if each in names)]
    found: list[Member] = [member_of(name, files[name]) for name in needed]
    return [member.name for member in found if not catalog.has(member)]


class _Stamped(NamedTuple):
    """The INF of a package.

    Attributes:
        data: Its bytes.
        inf: It, with the encoding of the file that it was made from.
        last: The last line of `[Version]`, after which all lines have moved.
        added: How many lines were added to `[Version]`.
    """

    data: bytes
    inf: Inf
    last: int = 0
    added: int = 0


def _inf(given: Ingredients) -> _Stamped:
    project = given.project
    if given.inx is None:
        data = encode(inf_text(project, given.target, given.version, given.date))
        return _Stamped(data, parse(data, given.inf_name))
    name, content = given.inx
    decoded = decode(content)
    values = Stamp(
        given.version,
        given.date,
        MACHINES[given.target],
        f"{project.driver.stem}.cat",
        framework_version(project),
    )
    text = stamp(decoded.text, values)
    inf = parse_decoded(decoded._replace(text=text), name)
    if decoded.is_ansi and any("\ufffd" in field.text for _, field in inf.fields()):
        inf = replace(inf, encoding_flaw="the file has characters that Windows-1252 does not have")
    version = inf.section("version")
    last = version.entries[-1] if version and version.entries else None
    return _Stamped(
        encode(text, as_utf_16=not decoded.is_ansi),
        inf,
        (inf.place(last).line or 0) if last else 0,
        text.count("\n") - decoded.text.count("\n"),
    )


def _moved(finding: Finding, stamped: _Stamped) -> Finding:
    """Return the finding with its line in the file before it was stamped."""
    place = finding.place
    if place is None or place.line is None or place.line <= stamped.last:
        return finding
    return finding._replace(place=place._replace(line=place.line - stamped.added))


def _listed(inf: Inf, target: Target) -> dict[str, Field]:
    """Return the names in `[SourceDisksFiles]` for a target, in lower case, with their places."""
    found = {}
    for key in ("sourcedisksfiles", f"sourcedisksfiles.{MACHINES[target]}"):
        section = inf.section(key)
        for entry in section.entries if section else ():
            name = entry.key or entry.values[0]
            found[inf.expand(name.text).lower()] = name
    return found


def _of_package(given: Ingredients, stamped: _Stamped) -> Iterator[Finding]:
    """Yield what `kdrvgen verify` would find in the package, with advice for its author."""
    stem, inf = given.project.driver.stem, stamped.inf
    catalog = f"{stem}.cat"
    files = {name.lower(): data for name, data in given.files.items()}
    files[f"{stem}.inf".lower()] = stamped.data
    names = {name: Path(name) for name in (*files, catalog.lower())}
    now = dt.datetime.combine(given.today, dt.time(), dt.UTC)
    path, machines = Path(inf.source.name), frozenset({MACHINES[given.target]})
    package = Package(inf, path, stamped.data, files, names, None, (), now, machines)
    for finding in of_package.check(package):
        advice = {
            "package-file-missing": "add the file to `package.extra-files`, which puts it beside "
            "the INF, not into a folder; or remove it from `[SourceDisksFiles]`",
            "package-catalog-missing": f"remove the directive, or write `{catalog}`",
        }.get(finding.rule, finding.help)
        yield finding._replace(help=advice)


def _unlisted(given: Ingredients, inf: Inf) -> Iterator[Finding]:
    elsewhere = {name for target in _TARGETS.values() for name in _listed(inf, target)}
    for path in given.project.package.extra_files:
        name = path.rpartition("/")[2].lower()
        if name not in elsewhere:
            yield Finding(
                "package-file-unlisted",
                f"the INF does not list `{name}`, so the catalog does not cover it",
                Place(inf.source.name),
                Severity.WARNING,
                f"add `{name} = 1` to `[SourceDisksFiles]`",
            )
