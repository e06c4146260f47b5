"""Rules for the signature of a catalog. Needs the extra `verify`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kdrvgen.inspection.signature.assessment import Assessment, assess
from kdrvgen.inspection.signature.authenticode import read_signatures as read_image_signatures
from kdrvgen.inspection.signature.certificates import CODE_SIGNING, Certificate
from kdrvgen.inspection.signature.roots import MICROSOFT_2010, Roots
from kdrvgen.packaging.catalog.signature import read_signatures
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
_UNPROTECTED = Rule(
    "catalog-unsigned-part",
    Severity.WARNING,
    "a part of the catalog's signature is not protected",
    "Neither the signer nor a timestamp covers this part, so anyone can change it or hide data in "
    "it.",
    "https://www.rfc-editor.org/rfc/rfc5652#section-5.3",
)
RULES = (_UNSIGNED, _SIGNATURE, _VALIDITY, _SIGNER, _UNTRUSTED, _UNPROTECTED)
"""The rules of this module."""

_SIGN = "sign the catalog, as `cargo make package` does"
_STAMP = "sign the catalog again, with another signing.timestamp-url"
_STRONGER = "sign the catalog with signing.digest sha256, sha384 or sha512"
_SIGN_BOTH = "sign image and catalog with one certificate, as `cargo make package` does"
# Microsoft signs the catalogs of the packages that it accepts, whoever signed the image.
_MICROSOFT = "Microsoft Windows Hardware Compatibility Publisher"


def check(package: Package) -> Iterator[Finding]:
    """Yield what is wrong with the signatures of a package's catalog."""
    catalog = package.catalog
    if catalog is None or catalog.content is None:
        return
    if not catalog.content.is_signed:
        yield violation(_UNSIGNED, catalog, "no signer", _SIGN)
        return
    roots = Roots(package.trusted, of_windows=not package.trusted)
    stamp_roots = Roots(package.trusted, of_windows=True)
    assessments = [
        assess(signature, roots, stamp_roots, package.now)
        for signature in read_signatures(catalog.data)
    ]
    for assessment in assessments:
        # As for images, one good signature suffices.
        suffices = any(each.is_sound for each in assessments if each is not assessment)
        for finding in _findings(package, catalog, assessment):
            yield finding.as_severe_as(Severity.NOTE) if suffices else finding
    yield from _same_signer(package, catalog, assessments)


def _findings(package: Package, catalog: CatalogFile, assessment: Assessment) -> Iterator[Finding]:
    signature, chain = assessment.signature, assessment.chain
    if chain is None or signature.signer is None:
        yield violation(_SIGNATURE, catalog, signature.problem, _SIGN)
        return
    yield from _unprotected(catalog, assessment)
    if problem := _problem(signature.signer) or chain.problem:
        yield violation(_SIGNATURE, catalog, problem, _SIGN)
    if assessment.stamp_problem:
        message = "the timestamp of the catalog is invalid"
        yield violation(_SIGNATURE, catalog, assessment.stamp_problem, _STAMP, message)
    if assessment.is_weak:
        message = "the digest algorithm of the catalog's signature is broken"
        yield violation(_SIGNATURE, catalog, signature.digest, _STRONGER, message)
    for each in chain.expired:
        value = f"{each.subject}: {each.not_before.date()} to {each.not_after.date()}"
        yield violation(_VALIDITY, catalog, value, _SIGN)
    if package.trusted and not chain.is_trusted:
        names = " ← ".join(each.subject for each in chain.certificates)
        advice = "sign with a certificate from a trusted root, or trust this one: --trust FILE"
        yield violation(_UNTRUSTED, catalog, names, advice)


def _problem(signer: Certificate) -> str:
    """Return why a certificate cannot sign code; "" if it can."""
    if signer.is_for(CODE_SIGNING) and signer.may_sign:
        return ""
    return f"its certificate ({signer.subject}) is not for code signing"


def _unprotected(catalog: CatalogFile, assessment: Assessment) -> Iterator[Finding]:
    for part in assessment.signature.unsigned:
        advice = "nothing to do: a timestamp server added it" if part.is_usual else _SIGN
        finding = violation(_UNPROTECTED, catalog, part.text, advice)
        yield finding.as_severe_as(Severity.NOTE) if part.is_usual else finding
    for each in (*assessment.unused, *assessment.false_cross_certificates):
        value = f"{each.subject} ({each.thumbprint})"
        message = "a certificate in the catalog belongs to no chain"
        finding = violation(_UNPROTECTED, catalog, value, _SIGN, message)
        yield finding.as_severe_as(Severity.NOTE)


def _same_signer(
    package: Package, catalog: CatalogFile, assessments: Sequence[Assessment]
) -> Iterator[Finding]:
    own = [each.signature.signer for each in assessments if each.chain and each.signature.signer]
    if not own or any(map(_is_of_microsoft, assessments)):
        return
    for each, headers, data in package.drivers():
        known = [found.signer for found in read_image_signatures(headers, data) if found.signer]
        if known and not set(own) & set(known):
            message = f"`{each.path}` is signed with another certificate than the catalog"
            value = f"{own[0].subject}; the image: {known[0].subject}"
            yield violation(_SIGNER, catalog, value, _SIGN_BOTH, message)


def _is_of_microsoft(assessment: Assessment) -> bool:
    """Return whether it is the signature of a package that Microsoft accepts."""
    signer, chain = assessment.signature.signer, assessment.chain
    is_named = signer is not None and signer.common_name == _MICROSOFT
    return is_named and chain is not None and chain.root.thumbprint == MICROSOFT_2010
