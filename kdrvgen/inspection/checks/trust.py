"""Rules about the signer's certificate, its validity and its chain, and about timestamps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.signature import signature_evidence
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.signature.assessment import Assessment
from kdrvgen.inspection.signature.certificates import CODE_SIGNING, Certificate
from kdrvgen.inspection.signature.chain import Chain
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

USAGE = Rule(
    "certificate-usage",
    Severity.ERROR,
    "the certificate is not for code signing",
    "Windows accepts signatures of code only from certificates for code signing. A certificate "
    "without extended key usages is for any use.",
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
ISSUER = Rule(
    "certificate-issuer",
    Severity.ERROR,
    "the certificate chain violates a constraint",
    "The extensions of an authority limit what it may issue. Windows rejects a chain that violates "
    "them, or that has an unknown critical extension.",
    sources.PATH_VALIDATION,
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
    "the certificate chain ends at an unknown root",
    "The chain ends at no root that Windows trusts by default. Whether a machine trusts it depends "
    "on its own settings.",
    sources.KERNEL_SIGNING,
)
SELF_SIGNED = Rule(
    "certificate-self-signed",
    Severity.NOTE,
    "the image is signed with a test certificate",
    "Windows loads the driver in test-signing mode only, and installs its package only if the "
    "machine trusts the certificate.",
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
    "Anyone can issue such a timestamp, so it does not prove when the image was signed. The "
    "signature expires with its certificate.",
    sources.TIMESTAMPING,
)

_CERTIFICATE = "Use another certificate: signing.thumbprint, signing.subject or signing.pfx."
_STAMP = "Sign again with another signing.timestamp-url."
_TRUST = "Pass the file with the root certificate: --trust FILE."
_MIN_RSA_BITS = 2048


def _usages(subject: Subject) -> Iterator[Finding]:
    for assessment, signer, _ in _signed(subject):
        if signer.usages is None:
            value = f"{signer.subject}: no extended key usages"
            message = "the certificate is for any use, not only for code signing"
            fix = "Use a certificate for code signing; signing.mode `test` creates one."
            # Windows accepts it, but a project can have a better one.
            is_foreign = subject.expected is None
            severity: Severity | None = Severity.NOTE if is_foreign else Severity.WARNING
        elif not signer.is_for(CODE_SIGNING):
            value = f"{signer.subject}: {', '.join(usage.dotted_string for usage in signer.usages)}"
            fix, severity, message = _CERTIFICATE, None, ""
        elif not signer.may_sign:
            value = f"{signer.subject}: its key usage excludes digital signatures"
            fix, severity, message = _CERTIFICATE, None, ""
        else:
            continue
        evidence = signature_evidence(assessment.signature, value, "certificate")
        found = violation(USAGE, evidence, fix, severity=severity, message=message)
        yield _weighed(subject, assessment, found)


def _keys(subject: Subject) -> Iterator[Finding]:
    for assessment, signer, _ in _signed(subject):
        bits = signer.rsa_bits
        if bits is not None and bits < _MIN_RSA_BITS:
            value = f"{signer.subject}: RSA with {bits} bits"
            evidence = signature_evidence(assessment.signature, value, "certificate")
            yield _weighed(subject, assessment, violation(WEAK_KEY, evidence, _CERTIFICATE))


def _validity(subject: Subject) -> Iterator[Finding]:
    for assessment, signer, chain in _signed(subject):
        when = "signed" if assessment.proven else "now"
        for certificate in chain.expired:
            value = (
                f"{certificate.subject}: {_day(certificate.not_before)} to "
                f"{_day(certificate.not_after)}; {when} {_day(assessment.moment)}"
            )
            if signer.is_for_lifetime_signing:
                value += "; its usage is lifetime signing, so no timestamp counts"
            elif assessment.signature.timestamp and not assessment.proven:
                value += "; its timestamp is not from a trusted authority"
            fix = (
                "Renew it and sign again. With a timestamp (signing.timestamp-url), a signature is "
                "valid even after its certificate expires."
            )
            evidence = signature_evidence(assessment.signature, value, "certificate")
            message = "" if assessment.proven else _not_now(certificate, assessment.moment)
            found = violation(VALIDITY, evidence, fix, message=message)
            yield _weighed(subject, assessment, found)


def _not_now(certificate: Certificate, now: dt.datetime) -> str:
    """Return what is wrong with a certificate if nothing proves when it signed."""
    is_early = now < certificate.not_before
    return "the certificate is not valid yet" if is_early else "the certificate has expired"


def _chains(subject: Subject) -> Iterator[Finding]:
    for assessment, signer, chain in _signed(subject):
        names = _names(chain)
        if chain.problem:
            fix = "Sign with a certificate from an authority that may issue it."
            problem = signature_evidence(assessment.signature, chain.problem, "chain")
            yield _weighed(subject, assessment, violation(ISSUER, problem, fix))
        evidence = signature_evidence(assessment.signature, names, "chain")
        if len(chain.certificates) == 1 and signer.is_root:
            yield from _self_signed(subject, assessment, evidence)
        elif chain.is_trusted:
            continue
        elif not chain.is_complete and (subject.trusted or len(chain.certificates) == 1):
            value = f"{names} ← {chain.root.issuer}, which is missing"
            fix = "Add the missing certificates to signing.additional-certificates, and sign again."
            missing = evidence._replace(value=value)
            yield _weighed(subject, assessment, violation(CHAIN, missing, fix))
        elif subject.trusted:
            fix = "Sign with a certificate from a trusted root, or trust this one: --trust FILE."
            yield _weighed(subject, assessment, violation(UNTRUSTED, evidence, fix))
        else:
            yield violation(UNKNOWN_ROOT, evidence, _TRUST)


def _self_signed(subject: Subject, assessment: Assessment, evidence: Evidence) -> Iterator[Finding]:
    chain, expected = assessment.chain, subject.expected
    if subject.trusted and not (chain and chain.is_trusted):
        fix = "Sign with a certificate from a trusted root, or trust this one: --trust FILE."
        yield _weighed(subject, assessment, violation(UNTRUSTED, evidence, fix))
        return
    # With signing.mode "test" it is expected; the comparison checks which one it is.
    if expected is not None and expected.signing.mode == "test" and not subject.trusted:
        return
    is_unexpected = expected is not None and expected.signing.mode == "certificate"
    yield violation(
        SELF_SIGNED,
        evidence,
        "Turn test signing on: `bcdedit /set testsigning on`. To install a package, also run "
        "`cargo make trust-certificate`. For other machines, have Microsoft sign the driver.",
        severity=Severity.WARNING if is_unexpected else None,
    )


def _timestamps(subject: Subject) -> Iterator[Finding]:
    for assessment, signer, _ in _signed(subject):
        stamp, chain = assessment.signature.timestamp, assessment.stamp_chain
        if stamp is None:
            if subject.expected is None:  # the comparison covers the other case
                value = f"{signer.subject} expires on {_day(signer.not_after)}"
                evidence = signature_evidence(assessment.signature, value)
                yield violation(NO_TIMESTAMP, evidence, "Set signing.timestamp-url.")
        elif assessment.stamp_problem:
            evidence = signature_evidence(
                assessment.signature, assessment.stamp_problem, "timestamp"
            )
            yield _weighed(subject, assessment, violation(TIMESTAMP, evidence, _STAMP))
        elif chain is not None and not chain.is_trusted:
            evidence = signature_evidence(assessment.signature, _names(chain), "timestamp")
            yield violation(TIMESTAMP_CHAIN, evidence, _TRUST)


def _signed(subject: Subject) -> Iterator[tuple[Assessment, Certificate, Chain]]:
    """Yield what the valid signatures prove, each with its signer and the signer's chain."""
    for assessment in subject.assessments:
        if assessment.signature.signer is not None and assessment.chain is not None:
            yield assessment, assessment.signature.signer, assessment.chain


def _weighed(subject: Subject, assessment: Assessment, finding: Finding) -> Finding:
    """Return a finding about a signature; only as a note if another signature suffices."""
    if subject.has_other_sound_signature(assessment.signature):
        return finding.as_severe_as(Severity.NOTE)
    return finding


def _names(chain: Chain) -> str:
    names = " ← ".join(certificate.subject for certificate in chain.certificates)
    # Nothing verified a last certificate without an issuer, so name its contents too.
    return names if chain.is_complete else f"{names} (SHA-1 {chain.root.thumbprint})"


def _day(moment: dt.datetime) -> str:
    return f"{moment.date()}"


CHECKS = (_usages, _keys, _validity, _chains, _timestamps)
