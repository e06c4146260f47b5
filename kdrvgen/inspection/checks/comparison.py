"""Rules that compare the image with config.toml, from which it may differ."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.signature import signature_evidence
from kdrvgen.inspection.checks.subject import Expected, Subject
from kdrvgen.inspection.pe.headers import DirectoryIndex, ImageFlag, Machine
from kdrvgen.inspection.signature.certificates import Certificate
from kdrvgen.model import Signing
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

MACHINE = Rule(
    "config-machine",
    Severity.ERROR,
    "the image is for another machine than the configuration",
    "The image does not belong to this project's target, and machines of that target do not load "
    "it.",
    sources.PE_FORMAT,
)
ENTRY_POINT = Rule(
    "config-entry-point",
    Severity.ERROR,
    "the entry point is not the configured function",
    "Windows would call another function first, or one that expects other arguments.",
    sources.PE_FORMAT,
)
DIGEST = Rule(
    "config-digest",
    Severity.ERROR,
    "the signature does not have the configured digest algorithm",
    "The image was signed with other settings than the current ones.",
    sources.SIGNTOOL,
)
CERTIFICATE = Rule(
    "config-certificate",
    Severity.ERROR,
    "the image is not signed with the configured certificate",
    "Machines that trust the configured certificate do not load the image. It is possible that "
    "someone else signed it.",
    sources.SIGNTOOL,
)
UNCHECKED = Rule(
    "config-certificate-unchecked",
    Severity.WARNING,
    "there is no certificate to compare the signer with",
    "Everyone can create a certificate of any name, so the name alone does not show who signed "
    "the image.",
    sources.SIGNTOOL,
)
PAGE_HASHES = Rule(
    "config-page-hashes",
    Severity.ERROR,
    "the signature has no page hashes, but signing.page-hashes is set",
    "Windows cannot verify single pages of the image while the driver runs.",
    sources.SIGNTOOL,
)
TIMESTAMP = Rule(
    "config-timestamp",
    Severity.ERROR,
    "the signature has no timestamp of the configured kind",
    "Without a timestamp the signature expires with the certificate. With another protocol, "
    "fewer systems can read the timestamp.",
    sources.TIMESTAMPING,
)
REPRODUCIBLE = Rule(
    "config-reproducible",
    Severity.ERROR,
    "the image is not reproducible: the header holds the link time",
    "The next build gives another file, so nobody can verify that this file was built from these "
    "sources.",
    sources.REPRODUCIBLE,
)
UNEXPECTED = Rule(
    "config-unasked-signature",
    Severity.NOTE,
    "the image is signed, but signing.mode is off",
    "The signature does not come from this pipeline.",
    sources.SIGNTOOL,
)
INTEGRITY_CHECK = Rule(
    "config-integrity-check",
    Severity.WARNING,
    "FORCE_INTEGRITY is set, but the configuration does not set it",
    "The image was linked with other settings than the current ones.",
    sources.INTEGRITY_CHECK,
)

_MACHINES: dict[Target, Machine] = {
    "x86_64-pc-windows-msvc": Machine.AMD64,
    "i686-pc-windows-msvc": Machine.I386,
    "aarch64-pc-windows-msvc": Machine.ARM64,
}
_REBUILD = "Build and sign it again: `cargo make sign`, with the --profile of this image."


def _machine(subject: Subject, expected: Expected) -> Iterator[Finding]:
    headers = subject.image.headers
    targets = (expected.target,) if expected.target else expected.driver.triples
    if headers.machine not in [_MACHINES[target] for target in targets]:
        value = f"{headers.machine_name}, configured: {', '.join(targets)}"
        evidence = Evidence("Machine", value, headers.coff_offset + 4)
        yield violation(
            MACHINE, evidence, "Add its target to driver.targets, or build for a target there."
        )


def _entry_point(subject: Subject, expected: Expected) -> Iterator[Finding]:
    headers = subject.image.headers
    # The entry point of a KMDF driver is in the framework, that of a UMDF driver in the C runtime.
    if expected.driver.model != "wdm" or not headers.entry_point:
        return
    functions = [
        export
        for export in subject.image.exports
        if export.name.removeprefix("_").partition("@")[0] == expected.driver.entry
    ]
    addresses = {export.address for export in functions}
    offset = headers.optional_offset + 16
    if not functions:
        directory = headers.directory(DirectoryIndex.EXPORT)
        entry = expected.driver.entry
        own = [export for export in subject.image.exports if export.address == headers.entry_point]
        value = f"no {entry}" + (f", but {own[0].name} is at the entry point" if own else "")
        fix = (
            f"Set driver.entry-point to {own[0].name}, or rename the function to {entry}."
            if own
            else f'Declare it as #[unsafe(no_mangle)] pub extern "system" fn {entry}, in the crate '
            "itself and not in a dependency. Then kdrvgen can compare its address."
        )
        evidence = Evidence("export table", value, directory.offset)
        yield violation(ENTRY_POINT, evidence, fix, severity=Severity.WARNING)
    elif headers.entry_point not in addresses:
        places = ", ".join(f"0x{address:X}" for address in sorted(addresses))
        value = f"0x{headers.entry_point:X}, but {expected.driver.entry} is at {places}"
        fix = (
            "Another /ENTRY wins: remove it from linker.args and RUSTFLAGS, and from the build "
            "scripts of dependencies (cargo:rustc-link-arg-cdylib reaches this image too)."
        )
        yield violation(ENTRY_POINT, Evidence("AddressOfEntryPoint", value, offset), fix)


def _integrity_check(subject: Subject, expected: Expected) -> Iterator[Finding]:
    headers = subject.image.headers
    if headers.has(ImageFlag.FORCE_INTEGRITY) and not expected.has_argument("/INTEGRITYCHECK"):
        evidence = Evidence(
            "DllCharacteristics", f"0x{headers.flags:04X}", headers.optional_offset + 70
        )
        yield violation(INTEGRITY_CHECK, evidence, _REBUILD)


def _reproducible(subject: Subject, expected: Expected) -> Iterator[Finding]:
    headers = subject.image.headers
    if expected.linker.reproducible and not subject.image.is_reproducible:
        evidence = Evidence(
            "TimeDateStamp", f"0x{headers.time_date_stamp:08X}", headers.coff_offset + 8
        )
        yield violation(REPRODUCIBLE, evidence, _REBUILD)


def _signature(subject: Subject, expected: Expected) -> Iterator[Finding]:
    if not subject.signatures:
        return
    signature = subject.signatures[0]
    if expected.signing.mode == "off":
        value = signature.signer.subject if signature.signer else signature.problem
        fix = "Set signing.mode to `test` or `certificate`, or delete the signed image."
        yield violation(UNEXPECTED, signature_evidence(signature, value), fix)
    elif not signature.problem:
        yield from _digest(subject, expected)
        yield from _certificate(subject, expected)
        yield from _optional_parts(subject, expected)


def _digest(subject: Subject, expected: Expected) -> Iterator[Finding]:
    signature = subject.signatures[0]
    if signature.digest != expected.signing.digest:
        value = f"{signature.digest}, configured: {expected.signing.digest}"
        yield violation(DIGEST, signature_evidence(signature, value), _REBUILD)


def _certificate(subject: Subject, expected: Expected) -> Iterator[Finding]:
    signature = subject.signatures[0]
    signer, signing = signature.signer, expected.signing
    if signer is None:
        return
    key = _certificate_key(signing)
    if expected.certificate is not None:
        matches, wanted = signer == expected.certificate, expected.certificate.thumbprint
    elif signing.thumbprint and signing.mode == "certificate":
        matches, wanted = signer.thumbprint == signing.thumbprint, signing.thumbprint
    elif signing.mode == "test" or key == "signing.subject":
        matches, wanted = signer.common_name == signing.subject, f"CN={signing.subject}"
        key = "signing.subject"
    else:
        matches, wanted = True, ""
    if not matches:
        # What is wanted comes first: a long line is shortened at its end.
        value = f"{key} is {wanted}, the signer is {signer.subject} ({signer.thumbprint})"
        yield violation(CERTIFICATE, signature_evidence(signature, value, "certificate"), _REBUILD)
    elif not _is_certain(subject, signer, expected):
        value = f"{signer.subject} ({signer.thumbprint})"
        evidence = signature_evidence(signature, value, "certificate")
        yield violation(UNCHECKED, evidence, _how_to_check(expected))


def _certificate_key(signing: Signing) -> str:
    """Return the key that selects the certificate."""
    if signing.mode == "test":
        return "signing.certificate-file"
    keys = {
        "signing.public-certificate": signing.public_certificate,
        "signing.thumbprint": signing.thumbprint,
        "signing.pfx": signing.pfx,
        "signing.dlib": signing.dlib,
    }
    return next((key for key, value in keys.items() if value), "signing.subject")


def _is_certain(subject: Subject, signer: Certificate, expected: Expected) -> bool:
    """Return whether more than a name shows that the signer is the right one."""
    signing, key = expected.signing, _certificate_key(expected.signing)
    if expected.certificate is not None or signer in subject.trusted:
        return True
    chain = subject.assessments[0].chain
    if signing.mode == "test" or chain is None:
        return False
    if key == "signing.subject":  # an authority that is trusted has checked the name
        return chain.is_trusted
    if key == "signing.dlib":  # a service can change its certificate
        return chain.is_trusted and bool(subject.trusted)
    return bool(signing.thumbprint)


def _how_to_check(expected: Expected) -> str:
    key = _certificate_key(expected.signing)
    if expected.signing.mode == "test":
        return (
            f"Keep the exported {expected.driver.stem}.cer beside the image, or verify on the "
            "machine that signed it."
        )
    if key == "signing.subject":
        return "Set signing.thumbprint, or pass the root of its authority: --trust FILE."
    if key == "signing.dlib":
        return "Set signing.public-certificate, or pass the root of its authority: --trust FILE."
    return (
        "Pass a file with the certificate, which needs no password: --trust FILE."
        if expected.signing.pfx
        else "Add the file that signing.public-certificate names."
    )


def _optional_parts(subject: Subject, expected: Expected) -> Iterator[Finding]:
    signature, signing = subject.signatures[0], expected.signing
    if signing.page_hashes and not signature.page_hashes:
        yield violation(
            PAGE_HASHES, signature_evidence(signature, "SpcPeImageData has none"), _REBUILD
        )
    protocol = signature.timestamp.protocol if signature.timestamp else "none"
    if signing.timestamp_server and protocol != signing.timestamp_protocol:
        value = f"{protocol}, configured: {signing.timestamp_protocol}"
        yield violation(TIMESTAMP, signature_evidence(signature, value, "timestamp"), _REBUILD)


_COMPARISONS = (_machine, _entry_point, _integrity_check, _reproducible, _signature)


def _compare(subject: Subject) -> Iterator[Finding]:
    if subject.expected is not None:
        for comparison in _COMPARISONS:
            yield from comparison(subject, subject.expected)


CHECKS = (_compare,)
