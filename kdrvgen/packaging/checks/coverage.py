"""Rules for the content of a catalog: its format, and the files and systems that it covers."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import Catalog
from kdrvgen.packaging.checks.subject import CatalogFile, Package
from kdrvgen.report.finding import Excerpt, Finding, Place, Rule, Severity

__all__ = ["RULES", "check", "violation"]

_CATALOGS = "https://learn.microsoft.com/windows-hardware/drivers/install/catalog-files"

_FORMAT = Rule(
    "catalog-format",
    Severity.ERROR,
    "the file is not a catalog in strict DER",
    "Since October 2020, Windows refuses catalogs that do not follow DER exactly.",
    "https://github.com/mtrojnar/osslsigncode/pull/312",
)
_STALE = Rule(
    "catalog-stale",
    Severity.ERROR,
    "a file changed after the catalog was made",
    "The catalog has another digest of the file, so Windows refuses the package.",
    _CATALOGS,
)
_UNCOVERED = Rule(
    "catalog-uncovered",
    Severity.ERROR,
    "the catalog does not have a file of the package",
    "Windows refuses a package with a file that the catalog does not cover.",
    _CATALOGS,
)
_EXTRA = Rule(
    "catalog-extra-file",
    Severity.WARNING,
    "the catalog has a file that is not in the package",
    "The catalog was made for other files.",
    _CATALOGS,
)
_SYSTEMS = Rule(
    "catalog-systems",
    Severity.WARNING,
    "the catalog is not for an architecture of the INF",
    "The hardware lab kit and Windows Update go by the versions of Windows in the catalog.",
    "https://learn.microsoft.com/windows-hardware/drivers/devtest/inf2cat",
)
RULES = (_FORMAT, _STALE, _UNCOVERED, _EXTRA, _SYSTEMS)
"""The rules of this module."""

_MAKE_AGAIN = "make the package again: `cargo make package` also signs the catalog"
_SIGN_AGAIN = "sign the catalog again, with signtool or with osslsigncode 2.8 or later"


def check(package: Package) -> Iterator[Finding]:
    """Yield what is wrong with the content of a package's catalog; nothing without one."""
    catalog = package.catalog
    if catalog is None:
        return
    if catalog.problem:
        advice = _SIGN_AGAIN if catalog.content else _MAKE_AGAIN
        yield violation(_FORMAT, catalog, catalog.problem, advice)
    if catalog.content is None:
        return
    yield from _files(package, catalog, catalog.content)
    yield from _systems(package, catalog, catalog.content)


def violation(
    rule: Rule, catalog: CatalogFile, value: str, advice: str, message: str = ""
) -> Finding:
    """Return the finding that a catalog breaks a rule.

    Args:
        rule: The rule.
        catalog: The catalog.
        value: What shows it.
        advice: What to do.
        message: What is wrong, if the rule's title does not say it.
    """
    place = Place(str(catalog.path), excerpt=Excerpt(value))
    return rule.violation(place, advice, message=message)


def _files(package: Package, catalog: CatalogFile, content: Catalog) -> Iterator[Finding]:
    name = package.path.name
    named = set(content.names.values())
    elsewhere = _of_other_machines(package)
    paths = {each.path: each.name for each in package.listed}
    found = {name: package.raw} | {
        own: package.files[path] for path, own in paths.items() if path in package.files
    }
    for own, data in found.items():
        if content.has(member_of(own, data)):
            continue
        value = f"{own}: {len(data)} bytes"
        if other := _other_line_ends(own, data, content):
            message = f"the line ends of `{own}` changed after the catalog was made"
            advice = f"give the file {other} line ends again; `*.inf -text` in .gitattributes"
            yield violation(_STALE, catalog, value, f"{advice} stops Git from it", message)
        elif own.lower() in named:
            message = f"`{own}` changed after the catalog was made"
            yield violation(_STALE, catalog, value, _MAKE_AGAIN, message)
        elif own not in elsewhere:
            message = f"the catalog does not have `{own}`"
            yield violation(_UNCOVERED, catalog, value, _MAKE_AGAIN, message)
    for own in sorted(named - {*paths.values(), name.lower(), ""}):
        message = f"the catalog has `{own}`, which the INF does not list"
        yield violation(_EXTRA, catalog, own, _MAKE_AGAIN, message)


def _of_other_machines(package: Package) -> set[str]:
    """Return the files that the INF lists only for architectures that the package is not for."""
    machines = package.machines
    for_these = {each.name for each in package.listed if each.machine in {"", *machines}}
    return {each.name for each in package.listed} - for_these if machines else set()


def _other_line_ends(name: str, data: bytes, content: Catalog) -> str:
    """Return the line ends with which the catalog covers a text file; "" if it does not."""
    if b"\0" in data:
        return ""
    plain = data.replace(b"\r\n", b"\n")
    variants = {"CRLF": plain.replace(b"\n", b"\r\n"), "LF": plain}
    covered = (ends for ends, text in variants.items() if content.has(member_of(name, text)))
    return next(covered, "")


def _systems(package: Package, catalog: CatalogFile, content: Catalog) -> Iterator[Finding]:
    machines = package.machines
    known = {version.machine for version in WINDOWS.values()}
    name = catalog.path.name.lower()
    own = [each for each in package.structure.machines if package.catalog_for(each) == name]
    missing = [each for each in own if each in known and each not in machines]
    if machines and missing:
        message = f"the catalog is not for {', '.join(missing)}"
        advice = (
            "name only the architecture of the driver in the INF, as `$ARCH$` in an INX does; "
            "for a driver of all of them, make the catalog for their versions of Windows too"
        )
        yield violation(_SYSTEMS, catalog, ", ".join(content.systems), advice, message)
