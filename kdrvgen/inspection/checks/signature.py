"""Rules about the signatures: whether they exist and match the image."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.certificate_table import ENTRY_HEADER_SIZE, foreign_parts
from kdrvgen.inspection.pe.headers import DirectoryIndex, ImageFlag, Machine
from kdrvgen.inspection.signature.assessment import WEAK_DIGESTS
from kdrvgen.inspection.signature.authenticode import Signature
from kdrvgen.inspection.signature.unsigned import described
from kdrvgen.report.finding import Finding, Rule, Severity
from kdrvgen.spelling import quantity

__all__ = ["CHECKS", "signature_evidence"]

MISSING = Rule(
    "signature-missing",
    Severity.ERROR,
    "the image is not signed",
    "Windows for x64 and ARM64 loads kernel code only with a signature, in the file or in a "
    "catalog. Windows for x86 requires one if FORCE_INTEGRITY is set.",
    sources.KERNEL_SIGNING,
)
DIGEST = Rule(
    "signature-digest",
    Severity.ERROR,
    "the file was changed after it was signed",
    "The digest of the file is not the signed digest, and Windows refuses the image (error 577).",
    sources.AUTHENTICODE,
)
INVALID = Rule(
    "signature-invalid",
    Severity.ERROR,
    "the signature is invalid",
    "It does not prove who signed the image, and Windows refuses the image.",
    sources.AUTHENTICODE,
)
WEAK_DIGEST = Rule(
    "signature-weak-digest",
    Severity.ERROR,
    "the digest algorithm is broken",
    "With SHA-1 or MD5, two different files can have the same digest. Windows accepts such a "
    "signature only if a timestamp proves that it is from before 2016.",
    sources.SIGNTOOL,
)
SEVERAL = Rule(
    "signature-several",
    Severity.NOTE,
    "the image has several signatures",
    "Windows 8 and later accept the image if one of them is good. Before Windows 8, only the first "
    "one counts.",
    sources.SIGNTOOL,
)
TABLE = Rule(
    "signature-table",
    Severity.ERROR,
    "the attribute certificate table cannot be read",
    "The table holds the signatures, so Windows finds no signature.",
    sources.PE_SIGNATURE,
)
TRAILING = Rule(
    "signature-trailing-data",
    Severity.WARNING,
    "there is data after the PKCS #7 structure of a signature",
    "No signature covers this data, so anyone can change it. Windows refuses the image if "
    "EnableCertPaddingCheck is set.",
    sources.PE_SIGNATURE,
)

FOREIGN = Rule(
    "signature-foreign-entry",
    Severity.WARNING,
    "the attribute certificate table has a part that is not a signature",
    "No signature covers the table, so anyone can change this part or hide data in it. Windows "
    "reads only PKCS #7 signatures there.",
    sources.PE_SIGNATURE,
)
UNSIGNED = Rule(
    "signature-unsigned-part",
    Severity.WARNING,
    "a part of a signature is not protected",
    "Neither the signer nor a timestamp covers this part, so anyone can change it or hide data in "
    "it. A note is about what timestamp servers add, such as the attribute certificate of a clock.",
    sources.UNSIGNED_ATTRIBUTES,
)
UNUSED = Rule(
    "certificate-unused",
    Severity.NOTE,
    "a certificate belongs to no chain of the signature",
    "Anyone can add certificates to a signature without breaking it, also ones that hold data.",
    sources.UNSIGNED_ATTRIBUTES,
)

CROSS = Rule(
    "certificate-cross",
    Severity.WARNING,
    "a cross-certificate is not from Microsoft",
    "It names Microsoft Code Verification Root as its issuer, but does not have its signature, so "
    "the kernel of Windows ignores it.",
    sources.CROSS_CERTIFICATES,
)

_SIGN = "Sign it: `cargo make sign`, with signing.mode `test` or `certificate`."
_SHOWN = 16  # digits of a digest
_REBUILD = "Build and sign again: `cargo make sign`."


def _missing(subject: Subject) -> Iterator[Finding]:
    if subject.signatures:
        return
    headers = subject.image.headers
    directory = headers.directory(DirectoryIndex.SECURITY)
    value = f"at {directory.address}, {quantity(directory.size, 'byte')}"
    evidence = Evidence("data directory SECURITY", value, directory.offset)
    if directory.size:
        yield violation(TABLE, evidence, _SIGN)
        return
    is_required = subject.expected is not None and subject.expected.signing.mode != "off"
    if subject.is_user_mode and not is_required and not headers.has(ImageFlag.FORCE_INTEGRITY):
        return
    # With signing.mode "off", something else signs it later, or signs a catalog.
    is_off = subject.expected is not None and not is_required
    is_free = headers.machine == Machine.I386 and not headers.has(ImageFlag.FORCE_INTEGRITY)
    severity = Severity.WARNING if is_off or (is_free and not is_required) else None
    evidence = evidence._replace(value="empty")
    yield violation(MISSING, evidence, _SIGN, severity=severity)


def _digests(subject: Subject) -> Iterator[Finding]:
    for signature in subject.signatures:
        if signature.problem:
            evidence = signature_evidence(signature, signature.problem)
            yield violation(INVALID, evidence, _REBUILD)
        elif signature.claimed != signature.computed:
            signed, computed = signature.claimed.hex(), signature.computed.hex()
            # Both fit into one line; --format json has them in full.
            value = f"signed {signed[:_SHOWN]}…, computed {computed[:_SHOWN]}…"
            yield violation(DIGEST, signature_evidence(signature, value), _REBUILD)


def _weak_digests(subject: Subject) -> Iterator[Finding]:
    has_strong = any(
        signature.digest and signature.digest not in WEAK_DIGESTS
        for signature in subject.signatures
    )
    for assessment in subject.assessments:
        signature = assessment.signature
        if signature.digest in WEAK_DIGESTS:
            severity = None
            if has_strong:
                # A weak signature for old systems beside a strong one is common.
                severity = Severity.NOTE
            elif not assessment.is_weak:
                severity = Severity.WARNING
            fix = "Sign with signing.digest sha256, sha384 or sha512."
            evidence = signature_evidence(signature, signature.digest)
            yield violation(WEAK_DIGEST, evidence, fix, severity=severity)


def _several(subject: Subject) -> Iterator[Finding]:
    if len(subject.signatures) > 1:
        names = ", ".join(
            f"{signature.digest or 'unreadable'} by "
            f"{signature.signer.common_name if signature.signer else '?'}"
            for signature in subject.signatures
        )
        evidence = signature_evidence(subject.signatures[1], names)
        fix = "If you do not support old versions of Windows, build again and sign once."
        yield violation(SEVERAL, evidence, fix)


def _trailing(subject: Subject) -> Iterator[Finding]:
    for signature in subject.signatures:
        if signature.trailing and not signature.nested:
            evidence = Evidence(
                "attribute certificate table",
                described("data", signature.trailing),
                signature.offset + ENTRY_HEADER_SIZE + signature.size,
            )
            yield violation(TRAILING, evidence, _REBUILD)


def _foreign(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    for part in foreign_parts(image.headers, image.data):
        value = described(part.kind, part.content)
        evidence = Evidence("attribute certificate table", value, part.offset)
        yield violation(FOREIGN, evidence, _REBUILD)


def _unsigned(subject: Subject) -> Iterator[Finding]:
    for signature in subject.signatures:
        for part in signature.unsigned:
            evidence = signature_evidence(signature, part.text)
            severity = Severity.NOTE if part.is_usual else None
            fix = "Nothing to do: a timestamp server added it." if part.is_usual else _REBUILD
            yield violation(UNSIGNED, evidence, fix, severity=severity)


def _unused(subject: Subject) -> Iterator[Finding]:
    for assessment in subject.assessments:
        for certificate in assessment.unused:
            value = f"{certificate.subject} ({certificate.thumbprint})"
            evidence = signature_evidence(assessment.signature, value, "certificate")
            fix = "Remove it from signing.additional-certificates, and sign again."
            yield violation(UNUSED, evidence, fix)


def _crosses(subject: Subject) -> Iterator[Finding]:
    for assessment in subject.assessments:
        for certificate in assessment.false_cross_certificates:
            value = f"{certificate.subject} ({certificate.thumbprint})"
            evidence = signature_evidence(assessment.signature, value, "certificate")
            fix = "Remove it from signing.additional-certificates, and sign again."
            yield violation(CROSS, evidence, fix)


def signature_evidence(signature: Signature, value: str, part: str = "") -> Evidence:
    """Return evidence in a signature, or in a part of it such as its timestamp."""
    kind = "nested signature" if signature.nested else "signature"
    return Evidence(f"{part} of the {kind}" if part else kind, value, signature.offset)


CHECKS = (
    _missing,
    _digests,
    _weak_digests,
    _several,
    _trailing,
    _foreign,
    _unsigned,
    _unused,
    _crosses,
)
