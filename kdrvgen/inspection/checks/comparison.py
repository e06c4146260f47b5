"""Rules about what config.toml asks for: an image that is older than it, or made otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection import sources
from kdrvgen.inspection.checks.signature import evidence_of
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.headers import DirectoryIndex, ImageFlag, Machine
from kdrvgen.inspection.subject import Asked, Subject
from kdrvgen.model.driver import Target
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

MACHINE = Rule(
    "config-machine",
    Severity.ERROR,
    "it is for another machine than was asked for",
    "It is not the image of this project's target, and machines of that target do not load it.",
    sources.PE_FORMAT,
)
ENTRY_POINT = Rule(
    "config-entry-point",
    Severity.ERROR,
    "the entry point is not the function that was asked for",
    "Windows would call something else first, or a function that expects other arguments.",
    sources.PE_FORMAT,
)
DIGEST = Rule(
    "config-digest",
    Severity.ERROR,
    "the signature has another digest algorithm than was asked for",
    "The image was signed with other settings than today's.",
    sources.SIGNTOOL,
)
CERTIFICATE = Rule(
    "config-certificate",
    Severity.ERROR,
    "it is signed with another certificate than was asked for",
    "Machines that trust the one asked for do not load it; or somebody else has signed it.",
    sources.SIGNTOOL,
)
PAGE_HASHES = Rule(
    "config-page-hashes",
    Severity.ERROR,
    "there are no page hashes, and they were asked for",
    "Windows cannot check the image page by page while it runs.",
    sources.SIGNTOOL,
)
TIMESTAMP = Rule(
    "config-timestamp",
    Severity.ERROR,
    "there is no time stamp of the kind that was asked for",
    "The signature ends with its certificate, or is read by fewer systems than it should.",
    sources.TIME_STAMPING,
)
REPRODUCIBLE = Rule(
    "config-reproducible",
    Severity.ERROR,
    "its time stamps are of the clock",
    "The next build gives another file, and nobody can check that this one is of these sources.",
    sources.REPRODUCIBLE,
)
UNASKED = Rule(
    "config-unasked-signature",
    Severity.NOTE,
    "it is signed, and signing.mode is off",
    "The signature is not of this pipeline.",
    sources.SIGNTOOL,
)
INTEGRITY_CHECK = Rule(
    "config-integrity-check",
    Severity.WARNING,
    "FORCE_INTEGRITY is set, and was not asked for",
    "The image was linked with other settings than today's.",
    sources.INTEGRITY_CHECK,
)

_MACHINES: dict[Target, Machine] = {
    "x86_64-pc-windows-msvc": Machine.AMD64,
    "i686-pc-windows-msvc": Machine.I386,
    "aarch64-pc-windows-msvc": Machine.ARM64,
}
_AGAIN = "Build and sign it again: `cargo make sign`, with the --profile that this image is of."


def _machine(subject: Subject, asked: Asked) -> Iterator[Finding]:
    headers = subject.image.headers
    targets = (asked.target,) if asked.target else asked.driver.triples
    if headers.machine not in [_MACHINES[each] for each in targets]:
        value = f"{headers.machine_name}, asked for: {', '.join(targets)}"
        evidence = Evidence("Machine", value, headers.coff_offset + 4)
        yield found(MACHINE, evidence, "Add its target to driver.targets, or build for one there.")


def _entry_point(subject: Subject, asked: Asked) -> Iterator[Finding]:
    headers = subject.image.headers
    # The entry point of KMDF is the framework's own, UMDF's the C runtime's.
    if asked.driver.model != "wdm" or not headers.entry_point:
        return
    named = [
        each
        for each in subject.image.exports
        if each.name.removeprefix("_").partition("@")[0] == asked.driver.entry
    ]
    addresses = {each.address for each in named}
    offset = headers.optional_offset + 16
    fix = "Give the function the name in driver.entry-point, with #[unsafe(no_mangle)] and pub."
    if not named:
        directory = headers.directory(DirectoryIndex.EXPORT)
        evidence = Evidence("export table", f"no {asked.driver.entry}", directory.offset)
        yield found(ENTRY_POINT, evidence, fix, severity=Severity.WARNING)
    elif headers.entry_point not in addresses:
        told = ", ".join(f"0x{address:X}" for address in sorted(addresses))
        value = f"0x{headers.entry_point:X}, and {asked.driver.entry} is at {told}"
        yield found(ENTRY_POINT, Evidence("AddressOfEntryPoint", value, offset), fix)


def _integrity_check(subject: Subject, asked: Asked) -> Iterator[Finding]:
    headers = subject.image.headers
    if headers.has(ImageFlag.FORCE_INTEGRITY) and not asked.argument("/INTEGRITYCHECK"):
        evidence = Evidence(
            "DllCharacteristics", f"0x{headers.flags:04X}", headers.optional_offset + 70
        )
        yield found(INTEGRITY_CHECK, evidence, _AGAIN)


def _reproducible(subject: Subject, asked: Asked) -> Iterator[Finding]:
    headers = subject.image.headers
    if asked.linker.reproducible and not subject.image.is_reproducible:
        evidence = Evidence(
            "TimeDateStamp", f"0x{headers.time_date_stamp:08X}", headers.coff_offset + 8
        )
        yield found(REPRODUCIBLE, evidence, _AGAIN)


def _signature(subject: Subject, asked: Asked) -> Iterator[Finding]:
    if not subject.signatures:
        return
    signature = subject.signatures[0]
    if asked.signing.mode == "off":
        value = signature.signer.subject if signature.signer else signature.problem
        fix = "Set signing.mode, or keep signed images out of this folder."
        yield found(UNASKED, evidence_of(signature, value), fix)
    elif not signature.problem:
        yield from _digest(subject, asked)
        yield from _certificate(subject, asked)
        yield from _extras(subject, asked)


def _digest(subject: Subject, asked: Asked) -> Iterator[Finding]:
    signature = subject.signatures[0]
    if signature.digest != asked.signing.digest:
        value = f"{signature.digest}, asked for: {asked.signing.digest}"
        yield found(DIGEST, evidence_of(signature, value), _AGAIN)


def _certificate(subject: Subject, asked: Asked) -> Iterator[Finding]:
    signature = subject.signatures[0]
    signer, signing = signature.signer, asked.signing
    if signer is None:
        return
    if asked.certificate is not None:
        differs = "" if signer == asked.certificate else asked.certificate.thumbprint
        is_test = signing.mode == "test"
        key = "signing.certificate-file" if is_test else "signing.public-certificate"
    elif signing.thumbprint:
        differs = "" if signer.thumbprint == signing.thumbprint else signing.thumbprint
        key = "signing.thumbprint"
    elif not (signing.pfx or signing.public_certificate):
        differs = "" if signer.common_name == signing.subject else f"CN={signing.subject}"
        key = "signing.subject"
    else:
        return
    if differs:
        value = f"{signer.subject} ({signer.thumbprint}), asked for by {key}: {differs}"
        yield found(CERTIFICATE, evidence_of(signature, value, "certificate"), _AGAIN)


def _extras(subject: Subject, asked: Asked) -> Iterator[Finding]:
    signature, signing = subject.signatures[0], asked.signing
    if signing.page_hashes and not signature.page_hashes:
        yield found(PAGE_HASHES, evidence_of(signature, "SpcPeImageData has none"), _AGAIN)
    protocol = signature.timestamp.protocol if signature.timestamp else "none"
    if signing.timestamp_server and protocol != signing.timestamp_protocol:
        value = f"{protocol}, asked for: {signing.timestamp_protocol}"
        yield found(TIMESTAMP, evidence_of(signature, value, "time stamp"), _AGAIN)


_COMPARISONS = (_machine, _entry_point, _integrity_check, _reproducible, _signature)


def _compared(subject: Subject) -> Iterator[Finding]:
    if subject.asked is not None:
        for each in _COMPARISONS:
            yield from each(subject, subject.asked)


CHECKS = (_compared,)
