"""Rules for the signature of a catalog. Needs the extra `verify`."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.signature.assessment import proven_time
from kdrvgen.inspection.signature.authenticode import read_signatures
from kdrvgen.inspection.signature.certificates import CODE_SIGNING, Certificate
from kdrvgen.inspection.signature.chain import build_chain
from kdrvgen.inspection.signature.roots import Roots
from kdrvgen.packaging.catalog.signature import read_signature
from kdrvgen.packaging.checks.coverage import violation
from kdrvgen.packaging.checks.subject import CatalogFile, Package
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["RULES", "check"]

_LEARN = "https://learn.microsoft.com/windows-hardware/drivers/install"
_SIGNING = f"{_LEARN}/test-signing-a-catalog-file"
_RELEASE = f"{_LEARN}/release-signing-a-driver-package-s-catalog-file"

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
    "Without a timestamp of a trusted authority the current time counts, so the signature expires "
    "with the certificate.",
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
RULES = (_UNSIGNED, _SIGNATURE, _VALIDITY, _SIGNER, _UNTRUSTED)
"""The rules of this module."""

_SIGN = "sign the catalog, as `cargo make package` does"
_SIGN_BOTH = "sign image and catalog with one certificate, as `cargo make package` does"
# Microsoft signs the catalogs of the packages that it accepts, whoever signed the image.
_MICROSOFT = "Microsoft Windows Hardware Compatibility Publisher"


def check(package: Package) -> Iterator[Finding]:
    """Yield what is wrong with the signature of a package's catalog."""
    catalog = package.catalog
    if catalog is None or catalog.content is None:
        return
    if not catalog.content.is_signed:
        yield violation(_UNSIGNED, catalog, "no signer", _SIGN)
        return
    signature = read_signature(catalog.data)
    if signature.problem or signature.signer is None:
        yield violation(_SIGNATURE, catalog, signature.problem, _SIGN)
        return
    signer = signature.signer
    stamp_roots = Roots(package.trusted, of_windows=True)
    moment = proven_time(signature.timestamp, stamp_roots) or package.now
    if not signer.is_valid_at(moment):
        value = f"{signer.subject}: {signer.not_before.date()} to {signer.not_after.date()}"
        yield violation(_VALIDITY, catalog, value, _SIGN)
    yield from _same_signer(package, catalog, signer)
    if package.trusted:
        roots = Roots(package.trusted, of_windows=False)
        chain = build_chain(signer, signature.certificates, roots, CODE_SIGNING, moment)
        if not chain.is_trusted or chain.problem:
            names = " ← ".join(each.subject for each in chain.certificates)
            advice = "sign with a certificate from a trusted root, or trust this one: --trust FILE"
            yield violation(_UNTRUSTED, catalog, names, advice)


def _same_signer(package: Package, catalog: CatalogFile, signer: Certificate) -> Iterator[Finding]:
    if signer.common_name == _MICROSOFT:
        return
    for each, headers, data in package.drivers():
        signers = [signature.signer for signature in read_signatures(headers, data)]
        known = [own for own in signers if own]
        if known and signer not in known:
            message = f"`{each.path}` is signed with another certificate than the catalog"
            value = f"{signer.subject}; the image: {known[0].subject}"
            yield violation(_SIGNER, catalog, value, _SIGN_BOTH, message)
