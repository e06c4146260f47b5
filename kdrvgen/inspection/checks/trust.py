"""Rules about who signed, until when that counts, and who vouches for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache

from kdrvgen.inspection import sources
from kdrvgen.inspection.authenticode import Signature
from kdrvgen.inspection.certificates import (
    CODE_SIGNING,
    TIME_STAMPING,
    Certificate,
    Chain,
    chain_of,
)
from kdrvgen.inspection.checks.signature import evidence_of
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.subject import Subject
from kdrvgen.inspection.timestamps import Timestamp
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

USAGE = Rule(
    "certificate-usage",
    Severity.ERROR,
    "the certificate is not for code signing",
    "Windows takes signatures of code only from certificates with that extended key usage.",
    sources.TEST_CERTIFICATE,
)
VALIDITY = Rule(
    "certificate-validity",
    Severity.ERROR,
    "the certificate was not valid when it signed",
    "Without a time stamp that moment is now: a signature ends with its certificate.",
    sources.TIME_STAMPING,
)
WEAK_KEY = Rule(
    "certificate-weak-key",
    Severity.WARNING,
    "the certificate's key is too short",
    "RSA with less than 2048 bits is too short today, and Windows refuses less than 1024.",
    sources.KERNEL_SIGNING,
)
CHAIN = Rule(
    "certificate-chain",
    Severity.ERROR,
    "the chain of certificates leads nowhere",
    "Windows has to get from the signer's certificate to one that it trusts, and the file brings "
    "what lies between.",
    sources.KERNEL_SIGNING,
)
UNTRUSTED = Rule(
    "certificate-untrusted",
    Severity.ERROR,
    "the chain ends in a certificate that is not among those to be trusted",
    "It was signed by somebody else than those that were named.",
    sources.KERNEL_SIGNING,
)
UNKNOWN_ROOT = Rule(
    "certificate-unknown-root",
    Severity.NOTE,
    "nothing was named that the chain should end in",
    "The signature is of the certificate that came with it; whether that one is to be trusted was "
    "not checked.",
    sources.KERNEL_SIGNING,
)
SELF_SIGNED = Rule(
    "certificate-self-signed",
    Severity.NOTE,
    "it is signed with a test certificate",
    "Only a machine in test-signing mode that trusts this certificate loads the driver.",
    sources.TEST_SIGNING,
)
NO_TIMESTAMP = Rule(
    "timestamp-missing",
    Severity.NOTE,
    "there is no time stamp",
    "The signature is valid for as long as the certificate, and no longer.",
    sources.TIME_STAMPING,
)
TIMESTAMP = Rule(
    "timestamp-invalid",
    Severity.ERROR,
    "the time stamp proves nothing",
    "Windows takes such a signature for one without a time stamp, or refuses it.",
    sources.TIME_STAMPING,
)
TIMESTAMP_CHAIN = Rule(
    "timestamp-untrusted",
    Severity.NOTE,
    "nothing was named that the time stamp's chain ends in",
    "Its signature is right; whether the authority is to be trusted was not checked.",
    sources.TIME_STAMPING,
)

_CERTIFICATE = "Take another one: signing.thumbprint, signing.subject or signing.pfx."
_STAMP = "Sign again with another signing.timestamp-url."
_TRUST = "Name the root's file: --trust FILE."
_LEAST_BITS = 2048


def _usages(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        if signer.usages is None:
            value = f"{signer.subject}: no extended key usage, so any"
            yield found(
                USAGE,
                evidence_of(signature, value, "certificate"),
                "Have one made for code signing; signing.mode `test` makes such a one.",
                severity=Severity.WARNING,
            )
        elif CODE_SIGNING not in signer.usages:
            value = f"{signer.subject}: {', '.join(each.dotted_string for each in signer.usages)}"
            yield found(USAGE, evidence_of(signature, value, "certificate"), _CERTIFICATE)


def _keys(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        kind, bits = signer.key
        if kind == "RSA" and bits < _LEAST_BITS:
            value = f"{signer.subject}: RSA with {bits} bits"
            yield found(WEAK_KEY, evidence_of(signature, value, "certificate"), _CERTIFICATE)


def _validity(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        stamped = _stamped_at(signature.timestamp)
        moment = stamped or subject.now
        chain = _chain(subject, signature, signer)
        for certificate in chain.certificates:
            if certificate.is_valid_at(moment):
                continue
            value = (
                f"{certificate.subject}: {_day(certificate.not_before)} to "
                f"{_day(certificate.not_after)}; {'signed' if stamped else 'now'} {_day(moment)}"
            )
            fix = (
                "Renew it and sign again. A time stamp (signing.timestamp-url) keeps a signature "
                "valid when its certificate ends."
            )
            yield found(VALIDITY, evidence_of(signature, value, "certificate"), fix)


def _chains(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        chain = _chain(subject, signature, signer)
        told = " ← ".join(each.subject for each in chain.certificates)
        evidence = evidence_of(signature, told, "chain")
        last = chain.certificates[-1]
        if chain.is_trusted:
            if len(chain.certificates) == 1 and signer.is_self_issued:
                yield _self_signed(subject, evidence)
        elif not chain.is_complete and not subject.trusted and len(chain.certificates) > 1:
            # Roots do not travel with a signature: the last one's issuer is not in the file.
            yield found(UNKNOWN_ROOT, evidence, _TRUST)
        elif not chain.is_complete:
            value = f"{told} ← {last.issuer}, which is not there"
            fix = "Name the missing ones in signing.additional-certificates and sign again."
            yield found(CHAIN, evidence._replace(value=value), fix)
        elif subject.trusted:
            fix = "Sign with a certificate whose root was named, or name this one: --trust FILE."
            yield found(UNTRUSTED, evidence, fix)
        elif len(chain.certificates) == 1:
            # With signing.mode "test" it is what was asked for; whose it is, is compared.
            if subject.asked is None or subject.asked.signing.mode != "test":
                yield _self_signed(subject, evidence)
        else:
            yield found(UNKNOWN_ROOT, evidence, _TRUST)


def _self_signed(subject: Subject, evidence: Evidence) -> Finding:
    is_a_surprise = subject.asked is not None and subject.asked.signing.mode == "certificate"
    return found(
        SELF_SIGNED,
        evidence,
        "`cargo make trust-certificate` on each test machine; for all others a certificate with "
        "signing.mode `certificate`, and Microsoft's signature.",
        severity=Severity.WARNING if is_a_surprise else None,
    )


def _timestamps(subject: Subject) -> Iterator[Finding]:
    for signature, signer in _signed(subject):
        stamp = signature.timestamp
        if stamp is None:
            if subject.asked is None:  # else it is compared with what was asked for
                value = f"{signer.subject} ends {_day(signer.not_after)}"
                yield found(
                    NO_TIMESTAMP, evidence_of(signature, value), "Set signing.timestamp-url."
                )
            continue
        problem = stamp.problem or _stamp_problem(stamp)
        if problem:
            yield found(TIMESTAMP, evidence_of(signature, problem, "time stamp"), _STAMP)
        elif stamp.signer is not None:
            chain = chain_of(stamp.signer, stamp.certificates, subject.trusted)
            if not chain.is_trusted:
                told = " ← ".join(each.subject for each in chain.certificates)
                yield found(TIMESTAMP_CHAIN, evidence_of(signature, told, "time stamp"), _TRUST)


def _stamp_problem(stamp: Timestamp) -> str:
    signer, time = stamp.signer, stamp.time
    if signer is None or time is None:
        return "it names no time"
    if not signer.is_valid_at(time):
        return (
            f"its certificate ({signer.subject}) was not valid at its own time, {_day(time)}: "
            f"{_day(signer.not_before)} to {_day(signer.not_after)}"
        )
    if signer.usages is not None and TIME_STAMPING not in signer.usages:
        return f"its certificate ({signer.subject}) is not for time stamps"
    return ""


def _stamped_at(stamp: Timestamp | None) -> dt.datetime | None:
    """Return when the signature was made, as far as its time stamp proves that."""
    if stamp is None or stamp.problem or _stamp_problem(stamp):
        return None
    return stamp.time


def _signed(subject: Subject) -> Iterator[tuple[Signature, Certificate]]:
    """Yield the signatures that are of the certificate they name."""
    for signature in subject.signatures:
        if signature.signer is not None and not signature.problem:
            yield signature, signature.signer


def _chain(subject: Subject, signature: Signature, signer: Certificate) -> Chain:
    return _chain_once(signer, signature.certificates, subject.trusted)


# Several rules ask for the same one, and each of its links is a signature to verify.
_chain_once = lru_cache(maxsize=8)(chain_of)


def _day(moment: dt.datetime) -> str:
    return f"{moment.date()}"


CHECKS = (_usages, _keys, _validity, _chains, _timestamps)
