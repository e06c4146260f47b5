"""Rules about the signatures themselves: whether they are there, and fit the image."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection import sources
from kdrvgen.inspection.authenticode import Signature
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.headers import DirectoryIndex, ImageFlag
from kdrvgen.inspection.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS", "evidence_of"]

MISSING = Rule(
    "signature-missing",
    Severity.ERROR,
    "it is not signed",
    "Windows for x64 and ARM64 loads no kernel code without a signature: in the file, or in a "
    "catalog beside it. With FORCE_INTEGRITY set, x86 does not either.",
    sources.KERNEL_SIGNING,
)
DIGEST = Rule(
    "signature-digest",
    Severity.ERROR,
    "the file was changed after it was signed",
    "Its digest is not the one that was signed, and Windows refuses the image (error 577).",
    sources.AUTHENTICODE,
)
INVALID = Rule(
    "signature-invalid",
    Severity.ERROR,
    "the signature is none",
    "It does not prove who signed, and Windows refuses the image.",
    sources.AUTHENTICODE,
)
WEAK_DIGEST = Rule(
    "signature-weak-digest",
    Severity.ERROR,
    "the digest algorithm is broken",
    "Two different files can be made with one SHA-1 or MD5 digest: such a signature proves little, "
    "and Windows takes it for old drivers at most.",
    sources.SIGNTOOL,
)
SEVERAL = Rule(
    "signature-several",
    Severity.NOTE,
    "there are several signatures",
    "Windows takes the first one whose algorithms it knows, and before Windows 8 the first one.",
    sources.SIGNTOOL,
)
TABLE = Rule(
    "signature-table",
    Severity.ERROR,
    "the attribute certificate table cannot be read",
    "It holds the signature, and Windows finds none in it.",
    sources.PE_SIGNATURE,
)
TRAILING = Rule(
    "signature-trailing-data",
    Severity.WARNING,
    "there is data behind a signature's structure",
    "No signature covers it: whoever passes the file on can change it. Windows refuses the image "
    "where EnableCertPaddingCheck is set.",
    sources.PE_SIGNATURE,
)

_SIGN = "Sign it: `cargo make sign`, with signing.mode `test` or `certificate`."
_AGAIN = "Build and sign again: `cargo make sign` signs what it has just built."
_WEAK = frozenset({"sha1", "md5", "md2"})


def _missing(subject: Subject) -> Iterator[Finding]:
    if subject.signatures:
        return
    headers = subject.image.headers
    directory = headers.directory(DirectoryIndex.SECURITY)
    value = f"at {directory.address}, {directory.size} bytes"
    evidence = Evidence("data directory SECURITY", value, directory.offset)
    if directory.size:
        yield found(TABLE, evidence, _SIGN)
        return
    is_wanted = subject.asked is not None and subject.asked.signing.mode != "off"
    if subject.is_user_mode and not is_wanted and not headers.has(ImageFlag.FORCE_INTEGRITY):
        return
    # Somebody may sign it later, or in a catalog: signing.mode "off" says so.
    is_off = subject.asked is not None and not is_wanted
    severity = Severity.WARNING if is_off else None
    evidence = evidence._replace(value="empty")
    yield found(MISSING, evidence, _SIGN, severity=severity)


def _digests(subject: Subject) -> Iterator[Finding]:
    for signature in subject.signatures:
        if signature.problem:
            evidence = evidence_of(signature, signature.problem)
            yield found(INVALID, evidence, _AGAIN)
        elif signature.claimed != signature.computed:
            value = f"{signature.claimed.hex()} was signed, {signature.computed.hex()} is there"
            yield found(DIGEST, evidence_of(signature, value), _AGAIN)


def _weak_digests(subject: Subject) -> Iterator[Finding]:
    has_strong = any(each.digest and each.digest not in _WEAK for each in subject.signatures)
    for signature in subject.signatures:
        if signature.digest in _WEAK:
            # One for old systems beside one for those of today.
            severity = Severity.NOTE if has_strong else None
            fix = "Sign with signing.digest sha256, sha384 or sha512."
            evidence = evidence_of(signature, signature.digest)
            yield found(WEAK_DIGEST, evidence, fix, severity=severity)


def _several(subject: Subject) -> Iterator[Finding]:
    if len(subject.signatures) > 1:
        told = (
            f"{each.digest or 'unreadable'} by {each.signer.common_name if each.signer else '?'}"
            for each in subject.signatures
        )
        evidence = evidence_of(subject.signatures[1], ", ".join(told))
        fix = "Keep one where no old Windows is to be served: build again, and sign once."
        yield found(SEVERAL, evidence, fix)


def _trailing(subject: Subject) -> Iterator[Finding]:
    for signature in subject.signatures:
        if signature.trailing and not signature.nested:
            evidence = Evidence(
                "attribute certificate table",
                f"{len(signature.trailing)} bytes",
                signature.offset + 8 + signature.size,
            )
            yield found(TRAILING, evidence, _AGAIN)


def evidence_of(signature: Signature, value: str, part: str = "") -> Evidence:
    """Return evidence in a signature, or in a part of it such as its time stamp."""
    kind = "nested signature" if signature.nested else "signature"
    return Evidence(f"{part} of the {kind}" if part else kind, value, signature.offset)


CHECKS = (_missing, _digests, _weak_digests, _several, _trailing)
