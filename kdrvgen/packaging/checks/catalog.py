"""Rules for the catalog of a package: its format, the files that it covers, its signature."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from kdrvgen.inspection.signature.authenticode import read_signatures
from kdrvgen.inspection.signature.certificates import Certificate, build_chain
from kdrvgen.inspection.signature.timestamps import Timestamp
from kdrvgen.model.windows_versions import WINDOWS
from kdrvgen.packaging.catalog.member import member_of
from kdrvgen.packaging.catalog.read import Catalog
from kdrvgen.packaging.checks.subject import Package, SignedCatalog
from kdrvgen.report.finding import Excerpt, Finding, Place, Rule, Severity

__all__ = ["RULES", "check"]

_LEARN = "https://learn.microsoft.com/windows-hardware/drivers/install"
_CATALOGS = f"{_LEARN}/catalog-files"
_SIGNING = f"{_LEARN}/test-signing-a-catalog-file"
_RELEASE = f"{_LEARN}/release-signing-a-driver-package-s-catalog-file"

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
_UNSIGNED = Rule(
    "catalog-unsigned",
    Severity.ERROR,
    "the catalog is not signed",
    "Windows does not install an unsigned package.",
    _SIGNING,
)
_SIGNATURE = Rule(
    "catalog-signature",
    Severity.ERROR,
    "the signature of the catalog is invalid",
    "Windows treats the package as an unsigned one.",
    _SIGNING,
)
_VALIDITY = Rule(
    "catalog-validity",
    Severity.ERROR,
    "the certificate of the catalog was not valid at the time of signing",
    "Without a timestamp the current time counts, so the signature expires with the certificate.",
    _RELEASE,
)
_SIGNER = Rule(
    "catalog-signer",
    Severity.WARNING,
    "the catalog and the image are signed with different certificates",
    "A machine that trusts one of them refuses either the package or the driver.",
    _SIGNING,
)
_UNTRUSTED = Rule(
    "catalog-untrusted",
    Severity.ERROR,
    "the certificate chain of the catalog does not end at a trusted certificate",
    "None of the certificates in --trust issued the signer's certificate.",
    _RELEASE,
)
RULES = (
    *(_FORMAT, _STALE, _UNCOVERED, _EXTRA, _SYSTEMS),
    *(_UNSIGNED, _SIGNATURE, _VALIDITY, _SIGNER, _UNTRUSTED),
)
"""The rules of this module."""

_SIGN_AGAIN = "sign it again, with signtool or with osslsigncode 2.8 or later"
_MAKE_AGAIN = "make the package again with `kdrvgen package`, and sign the catalog"
# Microsoft signs the catalogs of the packages that it accepts, whoever signed the image.
_MICROSOFT = "Microsoft Windows Hardware Compatibility Publisher"


def check(package: Package) -> Iterator[Finding]:
    """Yield what is wrong with the catalog of a package; nothing without one."""
    catalog = package.catalog
    if catalog is None:
        return
    if catalog.problem:
        yield _violation(_FORMAT, catalog, catalog.problem, _MAKE_AGAIN)
    if catalog.content is None:
        return
    yield from _files(package, catalog, catalog.content)
    yield from _systems(package, catalog, catalog.content)
    yield from _signature(package, catalog, catalog.content)


def _violation(
    rule: Rule, catalog: SignedCatalog, value: str, advice: str, message: str = ""
) -> Finding:
    return Finding(
        rule.id,
        message or rule.title,
        Place(str(catalog.path), excerpt=Excerpt(value)),
        rule.severity,
        advice,
        why=rule.why,
        reference=rule.reference,
    )


def _files(package: Package, catalog: SignedCatalog, content: Catalog) -> Iterator[Finding]:
    name = package.path.name
    named = set(content.names.values())
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
            yield _violation(_STALE, catalog, value, f"{advice} stops Git from it", message)
        elif own.lower() in named:
            message = f"`{own}` changed after the catalog was made"
            yield _violation(_STALE, catalog, value, _MAKE_AGAIN, message)
        else:
            message = f"the catalog does not have `{own}`"
            yield _violation(_UNCOVERED, catalog, value, _MAKE_AGAIN, message)
    for own in sorted(named - {*paths.values(), name.lower(), ""}):
        message = f"the catalog has `{own}`, which the INF does not list"
        yield _violation(_EXTRA, catalog, own, _MAKE_AGAIN, message)


def _other_line_ends(name: str, data: bytes, content: Catalog) -> str:
    """Return the line ends with which the catalog covers a text file; "" if it does not."""
    if b"\0" in data:
        return ""
    plain = data.replace(b"\r\n", b"\n")
    variants = {"CRLF": plain.replace(b"\n", b"\r\n"), "LF": plain}
    covered = (ends for ends, text in variants.items() if content.has(member_of(name, text)))
    return next(covered, "")


def _systems(package: Package, catalog: SignedCatalog, content: Catalog) -> Iterator[Finding]:
    known = {version.catalog: version.machine for version in WINDOWS.values()}
    machines = {known[each] for each in content.systems if each in known}
    wanted = [each for each in package.structure.machines if each in known.values()]
    missing = [each for each in wanted if each not in machines]
    if machines and missing:
        message = f"the catalog is not for {', '.join(missing)}"
        advice = "add its versions of Windows to `package.operating-systems`, and make it again"
        yield _violation(_SYSTEMS, catalog, ", ".join(content.systems), advice, message)


def _signature(package: Package, catalog: SignedCatalog, content: Catalog) -> Iterator[Finding]:
    signature = catalog.signature
    if not content.is_signed or signature is None:
        yield _violation(_UNSIGNED, catalog, "no signer", _SIGN_AGAIN.replace(" again", ""))
        return
    if signature.problem or signature.signer is None:
        yield _violation(_SIGNATURE, catalog, signature.problem, _SIGN_AGAIN)
        return
    signer = signature.signer
    moment = _proven_time(signature.timestamp) or package.now
    if not signer.is_valid_at(moment):
        value = f"{signer.subject}: {signer.not_before.date()} to {signer.not_after.date()}"
        yield _violation(_VALIDITY, catalog, value, _SIGN_AGAIN)
    yield from _same_signer(package, catalog, signer)
    if package.trusted:
        chain = build_chain(signer, signature.certificates, package.trusted)
        if not chain.is_trusted:
            names = " ← ".join(each.subject for each in chain.certificates)
            advice = "sign with a certificate from a trusted root, or trust this one: --trust FILE"
            yield _violation(_UNTRUSTED, catalog, names, advice)


def _proven_time(stamp: Timestamp | None) -> dt.datetime | None:
    return stamp.time if stamp and not stamp.problem else None


def _same_signer(
    package: Package, catalog: SignedCatalog, signer: Certificate
) -> Iterator[Finding]:
    if signer.common_name == _MICROSOFT:
        return
    for each, headers, data in package.drivers():
        signers = [signature.signer for signature in read_signatures(headers, data)]
        known = [own for own in signers if own]
        if known and signer not in known:
            message = f"`{each.path}` is signed with another certificate than the catalog"
            value = f"{signer.subject}; the image: {known[0].subject}"
            yield _violation(_SIGNER, catalog, value, _SIGN_AGAIN, message)
