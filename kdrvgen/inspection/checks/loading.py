"""Who may load an image, and on which Windows, as far as its signatures show.

docs/loading.md has the table with the sources.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from cryptography.x509 import ObjectIdentifier

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.pe.headers import ImageFlag, Machine
from kdrvgen.inspection.pe.image import Image
from kdrvgen.inspection.signature.assessment import Assessment
from kdrvgen.inspection.signature.certificates import CODE_SIGNING, Certificate
from kdrvgen.inspection.signature.chain import Chain
from kdrvgen.inspection.signature.roots import MICROSOFT_2010

__all__ = ["Loading", "SignedBy", "loading"]


class SignedBy(StrEnum):
    """Who vouches for an image, the most accepted first."""

    WHCP = "Microsoft, after the tests of the Windows Hardware Compatibility Program"
    ATTESTATION = "Microsoft, by attestation"
    CROSS_SIGNED = "a publisher with a cross-certificate of Microsoft"
    PUBLISHER = "a publisher without a valid cross-certificate of Microsoft"
    OWN_AUTHORITY = "an authority that Windows does not know"
    TEST = "a test certificate"
    INVALID = "nobody: no signature is valid"
    NOBODY = "nobody"


class Loading(NamedTuple):
    """Who may load an image.

    Attributes:
        signed_by: Who vouches for it; of several signatures, the most accepted one.
        subject: The signer's subject; "" without a valid signature.
        windows: The versions and settings of Windows that load it.
        reference: The documentation of it.
    """

    signed_by: SignedBy
    subject: str
    windows: str
    reference: str


_HARDWARE_DRIVER = ObjectIdentifier("1.3.6.1.4.1.311.10.3.5")
_ATTESTED_DRIVER = ObjectIdentifier("1.3.6.1.4.1.311.10.3.5.1")
# Windows 10 version 1607 accepts cross-signed drivers of certificates issued before this day.
_LAST_CROSS_SIGNED = dt.datetime(2015, 7, 29, tzinfo=dt.UTC)

_WHCP = (
    "Windows Vista and later, and Windows Server, also with Secure Boot. Windows 7 needs its "
    "update for SHA-2 signatures."
)
_ATTESTATION = (
    "Windows 10 and later, also with Secure Boot. Not Windows Server 2016 and later, and nothing "
    "before Windows 10."
)
_ATTESTATION_AMONG_OTHERS = (
    "Windows 10 and later, also with Secure Boot. Not Windows Server 2016 and later."
)
_FIRST_CROSS = "Windows Vista to Windows 10 version 1511."
_LATER_CROSS = "Windows 8 to Windows 10 version 1511, which do not need the first signature."
# Microsoft, "The Windows Driver Policy"; the announcement to which it links names the versions.
_SINCE_2026 = (
    "With the updates since April 2026, Windows 11 24H2 and later and Windows Server 2025 first "
    "audit such drivers, and then block those that are not on Microsoft's allow list."
)
_OLD_CROSS = f"Later versions too, because its certificate is from before 2015-07-29. {_SINCE_2026}"
_NEW_CROSS = (
    "Later versions only without Secure Boot, or if they were upgraded from an older one. "
    f"{_SINCE_2026}"
)
_PUBLISHER = (
    "No Windows for x64 or ARM64 outside of test-signing mode: its kernel accepts the certificate "
    "of a publisher only with a cross-certificate."
)
_TEST = (
    "Machines in test-signing mode, without Secure Boot. A driver package installs only if they "
    "trust the certificate."
)
_OWN = (
    "Machines in test-signing mode, without Secure Boot. A driver package installs only if they "
    "trust the authority."
)
_NONE = "No Windows for x64 or ARM64, unless a signed catalog lists the driver."
_INVALID = "No Windows for x64 or ARM64."
_X86 = "Windows for x86 loads it regardless of the signature."


def loading(image: Image, assessments: Sequence[Assessment]) -> Loading:
    """Return who may load an image, according to its best signature.

    An attested driver is loaded by older versions of Windows too if a publisher signed it, or if it
    is for x86.
    """
    order = list(SignedBy)
    found = [_of_signature(each, is_first=not index) for index, each in enumerate(assessments)]
    best = min(
        found,
        key=lambda each: order.index(each.signed_by),
        default=Loading(SignedBy.NOBODY, "", _NONE, sources.KERNEL_SIGNING),
    )
    crosses = (
        f"With the signature of {assessment.signature.signer.common_name}: {each.windows}"
        for assessment, each in zip(assessments, found, strict=True)
        if each.signed_by is SignedBy.CROSS_SIGNED and assessment.signature.signer
    )
    cross = next(crosses, "")
    is_free = image.headers.machine == Machine.I386 and not image.headers.has(
        ImageFlag.FORCE_INTEGRITY
    )
    windows = best.windows
    if best.signed_by is SignedBy.ATTESTATION and (cross or is_free):
        windows = _ATTESTATION_AMONG_OTHERS
        if cross:
            windows = f"{windows} {cross}"
    if is_free and best.signed_by is not SignedBy.WHCP:
        windows = f"{windows} {_X86}"
    return best._replace(windows=windows)


def _of_signature(assessment: Assessment, *, is_first: bool) -> Loading:
    signature, chain = assessment.signature, assessment.chain
    signer = signature.signer
    if (
        not signature.is_valid
        or signer is None
        or not (signer.is_for(CODE_SIGNING) and signer.may_sign)
        or chain is None
        or chain.problem
        or chain.expired
    ):
        return Loading(SignedBy.INVALID, "", _INVALID, sources.KERNEL_SIGNING)
    kind, windows, reference = _kind(assessment, signer, chain, is_first=is_first)
    return Loading(kind, signer.subject, windows, reference)


def _kind(
    assessment: Assessment, signer: Certificate, chain: Chain, *, is_first: bool
) -> tuple[SignedBy, str, str]:
    usages = signer.usages or ()
    if chain.root.thumbprint == MICROSOFT_2010 and _HARDWARE_DRIVER in usages:
        if _ATTESTED_DRIVER in usages:
            return SignedBy.ATTESTATION, _ATTESTATION, sources.SIGNING_OFFERINGS
        return SignedBy.WHCP, _WHCP, sources.SIGNING_OFFERINGS
    if len(chain.certificates) == 1 and signer.is_root:
        return SignedBy.TEST, _TEST, sources.TEST_SIGNING
    if not chain.is_trusted:
        return SignedBy.OWN_AUTHORITY, _OWN, sources.TEST_SIGNING
    crosses = list(_cross_certificates(assessment, chain))
    return _publisher(assessment, signer, crosses, _FIRST_CROSS if is_first else _LATER_CROSS)


def _publisher(
    assessment: Assessment, signer: Certificate, crosses: Sequence[Certificate], older: str
) -> tuple[SignedBy, str, str]:
    if not crosses:
        return SignedBy.PUBLISHER, _PUBLISHER, sources.CROSS_CERTIFICATES
    last = max(crosses, key=lambda cross: cross.not_after)
    until, signed = last.not_after.date(), assessment.moment.date()
    if not last.is_valid_at(assessment.moment):
        text = f"Its cross-certificate ended on {until}, and the image was signed on {signed}."
        return SignedBy.PUBLISHER, f"{_PUBLISHER} {text}", sources.CROSS_CERTIFICATES
    later = _OLD_CROSS if signer.not_before < _LAST_CROSS_SIGNED else _NEW_CROSS
    text = f"Signed on {signed}, and its cross-certificate is valid until {until}."
    if assessment.proven is None:
        text = f"Without a trusted timestamp, until {min(until, signer.not_after.date())}."
    return SignedBy.CROSS_SIGNED, f"{older} {later} {text}", sources.CROSS_SIGNING


def _cross_certificates(assessment: Assessment, chain: Chain) -> Iterator[Certificate]:
    """Yield the cross-certificates of Microsoft for an authority of the chain."""
    keys = {(each.subject, each.public_key) for each in chain.certificates[1:]}
    for certificate in assessment.cross_certificates:
        if (certificate.subject, certificate.public_key) in keys:
            yield certificate
