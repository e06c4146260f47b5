"""Makes what Microsoft's Partner Center gets: a cabinet of driver packages, and two requests.

Sources: Microsoft Learn, "Attestation sign Windows drivers" and "Manage product submissions".
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kdrvgen.model import Project
from kdrvgen.model.submission import Submission, signatures_for
from kdrvgen.output.regular import MAX_DRIVER_FILE, read_regular
from kdrvgen.packaging import rules
from kdrvgen.packaging.cabinet import MOST, CabinetFile, write_cabinet
from kdrvgen.packaging.checks import coverage
from kdrvgen.packaging.checks import package as of_package
from kdrvgen.packaging.checks.subject import Package
from kdrvgen.report.finding import Finding, Place, Rule, Severity, at_least

__all__ = ["PRODUCT", "RULES", "SUBMISSION", "Made", "build_submission"]

PRODUCT, SUBMISSION = "product.json", "submission.json"
"""The names of the files with the bodies of the requests."""

_ATTESTATION = (
    "https://learn.microsoft.com/windows-hardware/drivers/dashboard/code-signing-attestation"
)
_ARCHITECTURES = Rule(
    "submission-architectures",
    Severity.ERROR,
    "the packages are for different architectures",
    "All drivers in a cabinet must support the same architectures.",
    _ATTESTATION,
)
_NAME = Rule(
    "submission-file-name",
    Severity.ERROR,
    "a file has a name with special characters",
    "Partner Center accepts plain names only.",
    _ATTESTATION,
)
_SYMBOLS = Rule(
    "submission-symbols",
    Severity.WARNING,
    "a driver has no symbols",
    "Microsoft's crash analysis needs the .pdb file.",
    _ATTESTATION,
)
_SIZE = Rule(
    "submission-size",
    Severity.ERROR,
    "the files are too large for a cabinet",
    "A cabinet can have 2 GB.",
    _ATTESTATION,
)
RULES = (_ARCHITECTURES, _NAME, _SYMBOLS, _SIZE)
"""The rules of this module."""

_LONGEST_FOLDER = 39
_PLAIN = re.compile(r"[A-Za-z0-9_.+ -]+(/[A-Za-z0-9_.+ -]+)*")
_FIRST_DAY = dt.date(1980, 1, 1)  # of a cabinet
_LAST_YEAR = 2107
_WINDOWS_10 = 10
_FIRST_WINDOWS_10 = 10240
_CODE = re.compile(r"WINDOWS_(v100)_(SERVER_)?(?:X64_|ARM64_)?(\w+?)_FULL")
_WITHOUT_NAME = frozenset({"TH1", "TH2"})


class Made(NamedTuple):
    """A submission.

    Attributes:
        files: The content of each file by its name: the cabinet and the requests.
        findings: What is wrong. With an error, there are no files.
    """

    files: Mapping[str, bytes]
    findings: tuple[Finding, ...]


def build_submission(project: Project, folders: Sequence[Sequence[Package]]) -> Made:
    """Return the submission of some packages; the same bytes for the same ones.

    Args:
        project: The project, whose `[package.submission]` it follows.
        folders: The packages of each folder: one for each INF.

    Raises:
        FileAccessError: A symbol file cannot be read.
    """
    packages = [package for folder in folders for package in folder]
    findings = [each for package in packages for each in _check(package)]
    findings += _architectures(folders)
    files = list(_cabinet_files(folders))
    findings += _names(packages, files)
    if sum(len(file.data) for file in files) > MOST:
        findings.append(
            _violation(_SIZE, packages[0], _SIZE.title, "submit fewer packages at once")
        )
    unique = tuple(dict.fromkeys(findings))
    if at_least(unique, Severity.ERROR):
        return Made({}, unique)
    stem = project.driver.stem
    product = _product(project, packages)
    requests = {
        PRODUCT: product,
        SUBMISSION: {"name": product["productName"], "type": "initial"},
    }
    texts = {
        name: (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode()
        for name, body in requests.items()
    }
    return Made({f"{stem}.cab": write_cabinet(files, _date(packages)), **texts}, unique)


def _check(package: Package) -> Iterator[Finding]:
    yield from rules.check(package.inf, package.now.date())
    yield from of_package.check(package)
    yield from coverage.check(package)
    for each, _, _ in package.drivers():
        if f"{each.path.rpartition('.')[0]}.pdb" not in package.names:
            message = f"`{each.path}` has no symbols: there is no .pdb beside it"
            yield _violation(_SYMBOLS, package, message, "add the .pdb file to the package")


def _violation(rule: Rule, package: Package, message: str, advice: str) -> Finding:
    return rule.violation(Place(str(package.path)), advice, message=message)


def _architectures(folders: Sequence[Sequence[Package]]) -> Iterator[Finding]:
    expected = _machines(folders[0])
    for folder in folders[1:]:
        machines = _machines(folder)
        if machines != expected:
            message = (
                f"this package is for {', '.join(machines) or 'no architecture'}, and "
                f"{folders[0][0].path} is for {', '.join(expected) or 'none'}"
            )
            advice = "make one submission for each architecture"
            yield _violation(_ARCHITECTURES, folder[0], message, advice)


def _machines(folder: Sequence[Package]) -> list[str]:
    return sorted({machine for package in folder for machine in package.structure.machines})


def _names(packages: Sequence[Package], files: Sequence[CabinetFile]) -> Iterator[Finding]:
    for file in files:
        path = file.path.replace("\\", "/")
        if not _PLAIN.fullmatch(path):
            name = path.partition("/")[2]
            advice = "use letters, digits, `-`, `_`, `+`, `.` and blanks"
            yield _violation(_NAME, packages[0], f"`{name}` has special characters", advice)


def _cabinet_files(folders: Sequence[Sequence[Package]]) -> Iterator[CabinetFile]:
    """Yield the files of the cabinet: a folder for each package, nothing outside of them."""
    taken: set[str] = set()
    for folder in folders:
        name = _folder_name(folder, taken)
        taken.add(name.lower())
        contents: dict[str, bytes] = {}
        for package in folder:
            contents |= package.files
            contents[package.path.name] = package.raw
            if package.catalog:
                contents[package.catalog.path.name] = package.catalog.data
            for each, _, _ in package.drivers():
                symbols = f"{each.path.rpartition('.')[0]}.pdb"
                if symbols in package.names:
                    contents[symbols] = read_regular(package.names[symbols], MAX_DRIVER_FILE)
        for path in sorted(contents, key=str.lower):
            yield CabinetFile(f"{name}\\{path}".replace("/", "\\"), contents[path])


def _folder_name(folder: Sequence[Package], taken: set[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", folder[0].path.stem)
    endings = ("", *(f"-{machine}" for machine in _machines(folder)))
    endings += tuple(f"-{number}" for number in range(2, len(taken) + 3))
    names = (f"{stem[: _LONGEST_FOLDER - len(ending)]}{ending}" for ending in endings)
    return next(name for name in names if name.lower() not in taken)


def _date(packages: Sequence[Package]) -> dt.date:
    """Return the date of the newest driver."""
    found = [_FIRST_DAY]
    for package in packages:
        text = package.inf.text("version", "driverver")
        numbers = re.fullmatch(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", text, re.ASCII)
        if numbers and _FIRST_DAY.year <= int(numbers[3]) <= _LAST_YEAR:
            found.append(dt.date(int(numbers[3]), int(numbers[1]), int(numbers[2])))
    return max(found)


def _product(project: Project, packages: Sequence[Package]) -> dict[str, Any]:
    """Return the body of the request that creates a product."""
    package = project.package
    own = package.submission or Submission()
    codes = own.signatures or tuple(dict.fromkeys(_codes(packages)))
    return {
        "productName": own.name or package.display_name or project.driver.name,
        "testHarness": "attestation",
        "deviceMetadataIds": [],
        "deviceType": own.device_type,
        "isTestSign": own.test_signing,
        "isFlightSign": False,
        "marketingNames": list(own.marketing_names),
        "selectedProductTypes": dict.fromkeys(_families(codes), "Unclassified"),
        "requestedSignatures": list(codes),
        "additionalAttributes": {},
    }


def _codes(packages: Sequence[Package]) -> Iterator[str]:
    """Yield the codes of the versions of Windows that the packages install on."""
    for package in packages:
        decorations = [decoration for _, _, decoration in package.structure.model_names]
        decorations += [install.decoration for install in package.structure.installs]
        oldest: dict[str, int] = {}
        for decoration in decorations:
            major, _, build = decoration.version
            first = build if major >= _WINDOWS_10 else _FIRST_WINDOWS_10
            machine = decoration.machine
            oldest[machine] = min(oldest.get(machine, first), first)
        for machine, build in oldest.items():
            yield from signatures_for(machine, build)


def _families(codes: Sequence[str]) -> Iterator[str]:
    """Yield the operating system family of each code of Windows 10 and later."""
    for code in codes:
        if found := _CODE.fullmatch(code):
            version, server, release = found.groups()
            name = "" if release in _WITHOUT_NAME else f"_{release}"
            yield f"windows_{version}{'Server' if server else ''}{name}"
