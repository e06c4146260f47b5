"""Reads the folder of a package and checks it. Needs the extra `verify`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from kdrvgen.errors import UsageError
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.packaging import rules
from kdrvgen.packaging.catalog.signature import read_signatures
from kdrvgen.packaging.checks import coverage, signature
from kdrvgen.packaging.checks import package as of_package
from kdrvgen.packaging.checks.contents import files_in
from kdrvgen.packaging.checks.subject import Package, read_packages
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "CheckedInf", "PackageInspection", "as_data", "inspect_package"]

RULES: tuple[Rule, ...] = (
    *(each.rule for each in rules.RULES),
    *of_package.RULES,
    *coverage.RULES,
    *signature.RULES,
)
"""All rules for packages, in the order of the documentation."""

JsonObject: TypeAlias = dict[str, object]


class CheckedInf(NamedTuple):
    """An INF of a package, and the catalog that it names.

    Attributes:
        path: The file.
        driver_ver: Date and version, as in `DriverVer`; "" without it.
        machines: The architectures that it is for, such as `amd64`.
        files: The listed files that exist, by their paths from the folder in lower case.
        catalog: The catalog; None if it is not in the folder.
        systems: The versions of Windows in the catalog, such as `_v100_X64`.
        signer: The certificate of the catalog's signer; None without one.
    """

    path: Path
    driver_ver: str
    machines: tuple[str, ...]
    files: tuple[str, ...]
    catalog: Path | None
    systems: tuple[str, ...]
    signer: Certificate | None


class PackageInspection(NamedTuple):
    """A package, and the findings about it.

    Attributes:
        path: The folder.
        infs: The INF files in it, each once for each of its catalogs.
        findings: The rules that it breaks, the worst first.
    """

    path: Path
    infs: tuple[CheckedInf, ...]
    findings: tuple[Finding, ...]


def inspect_package(
    folder: Path, *, trusted: Iterable[Certificate] = (), now: dt.datetime | None = None
) -> PackageInspection:
    """Check the package in a folder: its INF files, the files that they list, and the catalogs.

    Args:
        folder: The folder.
        trusted: Certificates at which the chain of a catalog may end; without any, trust is not
            checked.
        now: The time at which certificates must be valid; by default the current time.

    Raises:
        FileAccessError: A file cannot be read.
        UsageError: The folder has no INF.
    """
    names = files_in(folder)
    moment = now or dt.datetime.now(dt.UTC)
    infs = [path for key, path in names.items() if key.endswith(".inf") and "/" not in key]
    if not infs:
        raise UsageError(f"{folder} contains no *.inf, so it is not a driver package.")
    packages = tuple(
        package for path in infs for package in read_packages(path, names, moment, tuple(trusted))
    )
    findings = [each for package in packages for each in _check(package)]
    findings += of_package.unlisted(packages)
    order = list(Severity)
    unique = dict.fromkeys(findings)  # several INF files can have one catalog
    return PackageInspection(
        folder,
        tuple(map(_checked, packages)),
        tuple(sorted(unique, key=lambda each: order.index(each.severity))),
    )


def as_data(inspection: PackageInspection) -> JsonObject:
    """Return the package as JSON data; the findings are reported separately."""
    return {
        "path": str(inspection.path),
        "infs": [_as_data(inf) for inf in inspection.infs],
    }


def _as_data(inf: CheckedInf) -> JsonObject:
    return {
        "path": str(inf.path),
        "driver-ver": inf.driver_ver,
        "machines": list(inf.machines),
        "files": list(inf.files),
        "catalog": str(inf.catalog) if inf.catalog else None,
        "systems": list(inf.systems),
        "subject": inf.signer.subject if inf.signer else None,
        "thumbprint": inf.signer.thumbprint if inf.signer else None,
    }


def _checked(package: Package) -> CheckedInf:
    catalog = package.catalog
    content = catalog.content if catalog else None
    version = package.inf.find("version", "driverver")
    return CheckedInf(
        package.path,
        ",".join(package.inf.expand(field.text) for field in version.values) if version else "",
        package.structure.machines,
        tuple(sorted(package.files)),
        catalog.path if catalog else None,
        content.systems if content else (),
        read_signatures(catalog.data)[0].signer
        if catalog and content and content.is_signed
        else None,
    )


def _check(package: Package) -> Iterable[Finding]:
    yield from rules.check(package.inf, package.now.date())
    yield from of_package.check(package)
    yield from coverage.check(package)
    yield from signature.check(package)
