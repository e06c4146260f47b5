"""Rules about the headers: the kind of the image, its checksum, its flags and its directories."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.headers import (
    Characteristic,
    DirectoryIndex,
    ImageFlag,
    Machine,
    Subsystem,
    checksum,
)
from kdrvgen.inspection.pe.image import Image, Section
from kdrvgen.report.finding import Finding, Rule, Severity
from kdrvgen.spelling import quantity

__all__ = ["CHECKS"]

MACHINE = Rule(
    "image-machine",
    Severity.ERROR,
    "Windows does not load drivers for the image's machine type",
    "Windows loads drivers for its own machine type only: x86, x64 or ARM64.",
    sources.PE_FORMAT,
)
ARM32 = Rule(
    "image-arm",
    Severity.NOTE,
    "the image is for 32-bit ARM",
    "Only Windows RT and Windows 10 IoT Core load such a driver.",
    sources.PE_FORMAT,
)
SUBSYSTEM = Rule(
    "image-subsystem",
    Severity.ERROR,
    "the subsystem does not match the driver model",
    "The kernel loads images with the subsystem NATIVE. UMDF's host process loads images with a "
    "WINDOWS subsystem.",
    sources.DRIVER,
)
ENTRY_POINT = Rule(
    "image-entry-point",
    Severity.ERROR,
    "the entry point is not in executable code",
    "Windows calls the entry point first. If there is no code at its address, the system stops.",
    sources.PE_FORMAT,
)
CHECKSUM = Rule(
    "image-checksum",
    Severity.ERROR,
    "the checksum is wrong",
    "Windows verifies the checksum of boot-start drivers, and Windows 7 that of all drivers. If "
    "it is wrong, Windows refuses the image.",
    sources.PE_FORMAT,
)
CHECKSUM_MISSING = Rule(
    "image-checksum-missing",
    Severity.WARNING,
    "the checksum is missing",
    "Windows refuses a boot-start driver without a checksum, and Windows 7 refuses any driver "
    "without one.",
    sources.PE_FORMAT,
)
RELOCATIONS = Rule(
    "image-relocations",
    Severity.ERROR,
    "the relocations are stripped",
    "The kernel loads a driver at any free address. Without relocations it cannot move the image "
    "there.",
    sources.PE_FORMAT,
)
DYNAMIC_BASE = Rule(
    "image-dynamic-base",
    Severity.NOTE,
    "DYNAMIC_BASE is not set",
    "The kernel loads a driver at any free address, with or without the flag. Linkers set it by "
    "default, so the image comes from old tools or unusual arguments. In user mode, an image "
    "without the flag has a predictable address.",
    sources.DYNAMIC_BASE,
)
NX_COMPAT = Rule(
    "image-nx-compat",
    Severity.NOTE,
    "NX_COMPAT is not set",
    "The flag declares that the image never executes data. The kernel does not read it in drivers. "
    "rustc sets it, so the image comes from old tools or unusual arguments.",
    sources.NX_COMPAT,
)
INTEGRITY_CHECK = Rule(
    "image-integrity-check",
    Severity.NOTE,
    "FORCE_INTEGRITY is not set",
    "ObRegisterCallbacks and PsSetCreateProcessNotifyRoutineEx fail with STATUS_ACCESS_DENIED in "
    "an image without the flag.",
    sources.OB_CALLBACKS,
)
TLS = Rule(
    "image-tls",
    Severity.ERROR,
    "the image has a TLS directory",
    "The kernel does not set up thread-local storage. Code that uses it accesses memory that it "
    "does not own.",
    sources.PE_FORMAT,
)
CLR = Rule(
    "image-clr",
    Severity.ERROR,
    "the image has a CLR header",
    "The file is a .NET assembly, which Windows cannot load as a driver.",
    sources.PE_FORMAT,
)
PDB_PATH = Rule(
    "image-pdb-path",
    Severity.WARNING,
    "the path of the PDB contains a folder of the build machine",
    "Everyone who has the driver can read the path, and it often contains a user name. It also "
    "makes the image differ from machine to machine.",
    sources.PDB_PATH,
)

_MACHINES = frozenset(Machine)
_64_BIT = frozenset({Machine.AMD64, Machine.ARM64})
_NEED_INTEGRITY_CHECK = frozenset(
    {
        "ObRegisterCallbacks",
        "PsSetCreateProcessNotifyRoutineEx",
        "PsSetCreateProcessNotifyRoutineEx2",
    }
)


def _machine(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    evidence = Evidence("Machine", headers.machine_name, headers.coff_offset + 4)
    if headers.machine == Machine.ARMNT:
        fix = "For today's machines with ARM, build for aarch64-pc-windows-msvc."
        yield violation(ARM32, evidence, fix)
    elif headers.machine not in _MACHINES:
        yield violation(
            MACHINE, evidence, "Set driver.targets to Windows targets, and build again."
        )
    if headers.machine in _MACHINES and headers.is_64_bit != (headers.machine in _64_BIT):
        bits = 64 if headers.is_64_bit else 32
        value = f"{headers.machine_name}, with headers for {bits} bits"
        found = evidence._replace(value=value)
        message = "the headers do not fit the image's machine type"
        yield violation(MACHINE, found, "Build the image again.", message=message)


def _subsystem(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    evidence = Evidence("Subsystem", headers.subsystem_name, headers.optional_offset + 68)
    if subject.is_user_mode:
        if headers.subsystem not in (Subsystem.WINDOWS_GUI, Subsystem.WINDOWS_CUI):
            fix = "Link with /SUBSYSTEM:WINDOWS, as linker.preset does for driver.model umdf."
            yield violation(SUBSYSTEM, evidence, fix)
    elif headers.subsystem != Subsystem.NATIVE:
        fix = (
            "Link with /SUBSYSTEM:NATIVE and /DRIVER, as linker.preset does. RUSTFLAGS in the "
            'environment replaces them, but not those of linker.emit = "build-script".'
        )
        yield violation(SUBSYSTEM, evidence, fix)


def _entry_point(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    if subject.is_user_mode and not image.headers.entry_point:
        return
    section = image.section_at(image.headers.entry_point)
    if section is None or not section.has(Characteristic.EXECUTE):
        place = f" in {section.name} ({section.access})" if section else ""
        evidence = Evidence(
            "AddressOfEntryPoint",
            f"0x{image.headers.entry_point:X}{place}",
            image.headers.optional_offset + 16,
        )
        yield violation(ENTRY_POINT, evidence, _entry_point_fix(image, section))


def _entry_point_fix(image: Image, section: Section | None) -> str:
    """Return what to do, depending on what the address of the entry point is."""
    address = image.headers.entry_point
    if not address:
        return (
            "The image was linked with /NOENTRY, or without an entry point. Remove /NOENTRY from "
            "linker.args: driver.entry-point becomes /ENTRY."
        )
    if section is None:
        return "The address is outside of all sections. The image is damaged: build it again."
    if section.has(Characteristic.CODE):
        return (
            f"The section {section.name} has code but is not executable. Correct its /SECTION in "
            "linker.args, or remove it."
        )
    return (
        "The address is that of data. Set driver.entry-point to a function, not to a static, and "
        "remove other /ENTRY and /MERGE arguments from linker.args."
    )


def _checksum(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    expected = checksum(headers, subject.image.data)
    fix = (
        "Link with /RELEASE, as linker.preset does, and sign: both write it. Do not change the "
        "file afterwards."
    )
    if not headers.checksum:
        evidence = Evidence("CheckSum", "0", headers.checksum_offset)
        yield violation(CHECKSUM_MISSING, evidence, fix)
    elif headers.checksum != expected:
        value = f"0x{headers.checksum:X}, expected 0x{expected:X}"
        yield violation(CHECKSUM, Evidence("CheckSum", value, headers.checksum_offset), fix)


def _relocations(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    if headers.relocations_stripped:
        evidence = Evidence("Characteristics", "RELOCS_STRIPPED", headers.coff_offset + 22)
        fix = "Remove /FIXED from linker.args, and keep /DYNAMICBASE, which linker.preset passes."
        yield violation(RELOCATIONS, evidence, fix)


def _flags(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    evidence = Evidence(
        "DllCharacteristics", f"0x{headers.flags:04X}", headers.optional_offset + 70
    )
    if not headers.has(ImageFlag.DYNAMIC_BASE):
        yield violation(
            DYNAMIC_BASE,
            evidence,
            "Keep /DYNAMICBASE, which linker.preset passes.",
            severity=Severity.WARNING if subject.is_user_mode else None,
        )
    if not headers.has(ImageFlag.NX_COMPAT):
        yield violation(NX_COMPAT, evidence, "Remove /NXCOMPAT:NO from linker.args: rustc sets it.")
    yield from _integrity_check(subject, evidence)


def _integrity_check(subject: Subject, evidence: Evidence) -> Iterator[Finding]:
    if subject.image.headers.has(ImageFlag.FORCE_INTEGRITY):
        return
    fix = "Link with /INTEGRITYCHECK, as linker.preset does."
    needed = sorted(subject.image.imported() & _NEED_INTEGRITY_CHECK)
    if needed:
        value = f"{evidence.value}, and the image imports {', '.join(needed)}"
        found = evidence._replace(value=value)
        yield violation(INTEGRITY_CHECK, found, fix, severity=Severity.ERROR)
    elif subject.expected is None:
        yield violation(INTEGRITY_CHECK, evidence, fix)
    elif subject.expected.has_argument("/INTEGRITYCHECK"):
        # A configuration without the argument leaves the flag out on purpose.
        yield violation(INTEGRITY_CHECK, evidence, fix, severity=Severity.WARNING)


def _foreign_directories(subject: Subject) -> Iterator[Finding]:
    for rule, index, fix in (
        (TLS, DirectoryIndex.TLS, "Do not use thread_local!, nor link a library that uses it."),
        (CLR, DirectoryIndex.CLR, "Build the driver with rustc for one of driver.targets."),
    ):
        directory = subject.image.headers.directory(index)
        is_present = directory.address and directory.size
        if is_present and not (subject.is_user_mode and rule is TLS):
            value = f"0x{directory.address:X}, {quantity(directory.size, 'byte')}"
            evidence = Evidence(f"data directory {index.name}", value, directory.offset)
            yield violation(rule, evidence, fix)


def _pdb_path(subject: Subject) -> Iterator[Finding]:
    path = subject.image.pdb
    if re.match(r"[A-Za-z]:[\\/]|[\\/]", path):
        names_a_user = re.search(r"[\\/](users|home|root)[\\/]", path, re.IGNORECASE)
        yield violation(
            PDB_PATH,
            Evidence("debug record CODEVIEW", path),
            "Remove /PDBALTPATH from linker.args: rustc passes one that keeps only the file name.",
            severity=None if names_a_user else Severity.NOTE,
        )


CHECKS = (
    _machine,
    _subsystem,
    _entry_point,
    _checksum,
    _relocations,
    _flags,
    _foreign_directories,
    _pdb_path,
)
