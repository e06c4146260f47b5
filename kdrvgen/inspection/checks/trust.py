"""Rules about the signer's certificate, its validity and its chain, and about timestamps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.signature import signature_evidence
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.signature.authenticode import Signature
from kdrvgen.inspection.signature.certificates import (
    CODE_SIGNING,
    TIME_STAMPING,
    Certificate,
    Chain,
    build_chain,
)
from kdrvgen.inspection.signature.timestamps import Timestamp
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

USAGE = Rule(
    "certificate-usage",
    Severity.ERROR,
    "the certificate is not for code signing",
    "Windows accepts signatures of code only from certificates with the extended key usage for "
    "code signing.",
    sources.TEST_CERTIFICATE,
)
VALIDITY = Rule(
    "certificate-validity",
    Severity.ERROR,
    "the certificate was not valid at the time of signing",
    "Without a timestamp the current time counts, so the signature expires with the certificate.",
    sources.TIMESTAMPING,
)
WEAK_KEY = Rule(
    "certificate-weak-key",
    Severity.WARNING,
    "the key of the certificate is too short",
    "An RSA key needs at least 2048 bits. Windows refuses keys with less than 1024 bits.",
    sources.KERNEL_SIGNING,
)
CHAIN = Rule(
    "certificate-chain",
    Severity.ERROR,
    "the certificate chain is incomplete",
    "Windows must find a chain from the signer's certificate to one that it trusts. The file "
    "must contain the certificates between the two.",
    sources.KERNEL_SIGNING,
)
UNTRUSTED = Rule(
    "certificate-untrusted",
    Severity.ERROR,
    "the certificate chain does not end at a trusted certificate",
    "None of the certificates in --trust issued the signer's certificate, so someone else signed "
    "the image.",
    sources.KERNEL_SIGNING,
)
UNKNOWN_ROOT = Rule(
    "certificate-unknown-root",
    Severity.NOTE,
    "the root of the certificate chain was not checked",
    "The signature matches the certificate in the file. Without --trust, kdrvgen does not check "
    "whether that certificate is trusted.",
    sources.KERNEL_SIGNING,
)
SELF_SIGNED = Rule(
    "certificate-self-signed",
    Severity.NOTE,
    "the image is signed with a test certificate",
    "Only a machine that trusts this certificate and is in test-signing mode loads the driver.",
    sources.TEST_SIGNING,
)
NO_TIMESTAMP = Rule(
    "timestamp-missing",
    Severity.NOTE,
    "the signature has no timestamp",
    "A signature without a timestamp expires with the certificate.",
    sources.TIMESTAMPING,
)
TIMESTAMP = Rule(
    "timestamp-invalid",
    Severity.ERROR,
    "the timestamp is invalid",
    "Windows treats the signature as one without a timestamp, or refuses it.",
    sources.TIMESTAMPING,
)
TIMESTAMP_CHAIN = Rule(
    "timestamp-untrusted",
    Severity.NOTE,
    "the timestamp's certificate chain does not end at a trusted certificate",
    "The signature of the timestamp is valid, but kdrvgen did not check whether its authority is "
    "trusted.",
    sources.TIMESTAMPING,
)

_CERTIFICATE = "Use another certificate: signing.thumbprint, signing.subject or signing.pfx."
_STAMP = "Sign again with another signing.timestamp-url."
_TRUST = "Pass the file with the root certificate: --trust FILE."
_MIN_RSA_BITS = 2048


def _usages(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        if signer.usages is None:
            value = f"{signer.subject}: no extended key usages, which allows any use"
            yield violation(
                USAGE,
                signature_evidence(signature, value, "certificate"),
                "Use a certificate for code signing; signing.mode `test` creates one.",
                severity=Severity.WARNING,
            )
        elif CODE_SIGNING not in signer.usages:
            value = f"{signer.subject}: {', '.join(usage.dotted_string for usage in signer.usages)}"
            yield violation(
                USAGE, signature_evidence(signature, value, "certificate"), _CERTIFICATE
            )


def _keys(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        kind, bits = signer.key
        if kind == "RSA" and bits < _MIN_RSA_BITS:
            value = f"{signer.subject}: RSA with {bits} bits"
            yield violation(
                WEAK_KEY, signature_evidence(signature, value, "certificate"), _CERTIFICATE
            )


def _validity(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        proven = _proven_time(signature.timestamp)
        moment = proven or subject.now
        chain = _chain(subject, signature, signer)
        for certificate in chain.certificates:
            if certificate.is_valid_at(moment):
                continue
            value = (
                f"{certificate.subject}: {_day(certificate.not_before)} to "
                f"{_day(certificate.not_after)}; {'signed' if proven else 'now'} {_day(moment)}"
            )
            fix = (
                "Renew it and sign again. With a timestamp (signing.timestamp-url), a signature is "
                "valid even after its certificate expires."
            )
            yield violation(VALIDITY, signature_evidence(signature, value, "certificate"), fix)


def _chains(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        chain = _chain(subject, signature, signer)
        names = " ← ".join(certificate.subject for certificate in chain.certificates)
        evidence = signature_evidence(signature, names, "chain")
        last = chain.certificates[-1]
        if chain.is_trusted:
            if len(chain.certificates) == 1 and signer.is_self_issued:
                yield _self_signed(subject, evidence)
        elif not chain.is_complete and not subject.trusted and len(chain.certificates) > 1:
            # A signature usually omits the root: the issuer of the last certificate.
            yield violation(UNKNOWN_ROOT, evidence, _TRUST)
        elif not chain.is_complete:
            value = f"{names} ← {last.issuer}, which is missing"
            fix = "Add the missing certificates to signing.additional-certificates, and sign again."
            yield violation(CHAIN, evidence._replace(value=value), fix)
        elif subject.trusted:
            fix = "Sign with a certificate from a trusted root, or trust this one: --trust FILE."
            yield violation(UNTRUSTED, evidence, fix)
        elif len(chain.certificates) == 1:
            # With signing.mode "test" it is expected; the comparison checks which one it is.
            if subject.expected is None or subject.expected.signing.mode != "test":
                yield _self_signed(subject, evidence)
        else:
            yield violation(UNKNOWN_ROOT, evidence, _TRUST)


def _self_signed(subject: Subject, evidence: Evidence) -> Finding:
    is_unexpected = subject.expected is not None and subject.expected.signing.mode == "certificate"
    return violation(
        SELF_SIGNED,
        evidence,
        "Run `cargo make trust-certificate` on each test machine. For other machines, sign with "
        "signing.mode `certificate` and have Microsoft sign the driver.",
        severity=Severity.WARNING if is_unexpected else None,
    )


def _timestamps(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        stamp = signature.timestamp
        if stamp is None:
            if subject.expected is None:  # the comparison covers the other case
                value = f"{signer.subject} expires on {_day(signer.not_after)}"
                yield violation(
                    NO_TIMESTAMP, signature_evidence(signature, value), "Set signing.timestamp-url."
                )
            continue
        problem = stamp.problem or _stamp_problem(stamp)
        if problem:
            yield violation(TIMESTAMP, signature_evidence(signature, problem, "timestamp"), _STAMP)
        elif stamp.signer is not None:
            chain = build_chain(stamp.signer, stamp.certificates, subject.trusted)
            if not chain.is_trusted:
                names = " ← ".join(certificate.subject for certificate in chain.certificates)
                yield violation(
                    TIMESTAMP_CHAIN, signature_evidence(signature, names, "timestamp"), _TRUST
                )


def _stamp_problem(stamp: Timestamp) -> str:
    signer, time = stamp.signer, stamp.time
    if signer is None or time is None:
        return "it contains no time"
    if not signer.is_valid_at(time):
        return (
            f"its certificate ({signer.subject}) was not valid at its time, {_day(time)}: "
            f"it is valid from {_day(signer.not_before)} to {_day(signer.not_after)}"
        )
    if signer.usages is not None and TIME_STAMPING not in signer.usages:
        return f"its certificate ({signer.subject}) is not for timestamps"
    return ""


def _proven_time(stamp: Timestamp | None) -> dt.datetime | None:
    """Return when the image was signed, if a valid timestamp proves it."""
    if stamp is None or stamp.problem or _stamp_problem(stamp):
        return None
    return stamp.time


def _signed(subject: Subject) -> Iterator[tuple[Signature, Certificate]]:
    """Yield the valid signatures, each with its signer."""
    for signature in subject.signatures:
        if signature.signer is not None and not signature.problem:
            yield signature, signature.signer


def _chain(subject: Subject, signature: Signature, signer: Certificate) -> Chain:
    return _cached_chain(signer, signature.certificates, subject.trusted)


# Several rules need the same chain, and each link means to verify a signature.
_cached_chain = lru_cache(maxsize=8)(build_chain)


def _day(moment: dt.datetime) -> str:
    return f"{moment.date()}"


CHECKS = (_usages, _keys, _validity, _chains, _timestamps)
