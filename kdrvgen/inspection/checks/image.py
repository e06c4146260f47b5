"""Rules about the headers: what kind of image this is, and what the loader is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kdrvgen.inspection import sources
from kdrvgen.inspection.digest import checksum
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.headers import (
    Characteristic,
    DirectoryIndex,
    ImageFlag,
    Machine,
    Subsystem,
)
from kdrvgen.inspection.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

MACHINE = Rule(
    "image-machine",
    Severity.ERROR,
    "the machine is none that Windows loads drivers for",
    "Windows loads drivers of its own machine only: x86, x64 or ARM64.",
    sources.PE_FORMAT,
)
SUBSYSTEM = Rule(
    "image-subsystem",
    Severity.ERROR,
    "the subsystem is not what the driver model needs",
    "The kernel loads images of the NATIVE subsystem; UMDF's host process those of WINDOWS.",
    sources.DRIVER,
)
ENTRY_POINT = Rule(
    "image-entry-point",
    Severity.ERROR,
    "there is no entry point in executable code",
    "Windows calls the entry point first. At another place it executes nothing, or data, and the "
    "system stops.",
    sources.PE_FORMAT,
)
CHECKSUM = Rule(
    "image-checksum",
    Severity.ERROR,
    "the checksum is wrong",
    "Windows checks it for boot-start drivers, Windows 7 for all of them, and refuses the image.",
    sources.PE_FORMAT,
)
CHECKSUM_MISSING = Rule(
    "image-checksum-missing",
    Severity.WARNING,
    "there is no checksum",
    "Windows refuses such an image as a boot-start driver, Windows 7 as any driver.",
    sources.PE_FORMAT,
)
RELOCATIONS = Rule(
    "image-relocations",
    Severity.ERROR,
    "the relocations were stripped",
    "The kernel loads a driver wherever there is room, and cannot move an image without them.",
    sources.PE_FORMAT,
)
DYNAMIC_BASE = Rule(
    "image-dynamic-base",
    Severity.WARNING,
    "DYNAMIC_BASE is not set",
    "Without it the image is not laid out anew at each start, which helps attackers.",
    sources.DYNAMIC_BASE,
)
NX_COMPAT = Rule(
    "image-nx-compat",
    Severity.WARNING,
    "NX_COMPAT is not set",
    "It says that the image never executes data. Policies may refuse one that does not say so.",
    sources.NX_COMPAT,
)
INTEGRITY_CHECK = Rule(
    "image-integrity-check",
    Severity.WARNING,
    "FORCE_INTEGRITY is not set",
    "ObRegisterCallbacks and PsSetCreateProcessNotifyRoutineEx refuse callers in an image without "
    "it, and Windows recommends it for every driver.",
    sources.INTEGRITY_CHECK,
)
TLS = Rule(
    "image-tls",
    Severity.ERROR,
    "there is a TLS directory",
    "The kernel sets up no thread local storage: what uses it reads another one's memory.",
    sources.PE_FORMAT,
)
CLR = Rule(
    "image-clr",
    Severity.ERROR,
    "there is a CLR header",
    "This is a .NET assembly, and no driver is one.",
    sources.PE_FORMAT,
)
PDB_PATH = Rule(
    "image-pdb-path",
    Severity.WARNING,
    "the path of the PDB names a folder of the machine that it was built on",
    "Everybody who gets the driver reads it, often with the name of a user; and the image differs "
    "from machine to machine.",
    sources.PDB_PATH,
)

_MACHINES = frozenset(Machine)


def _machine(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    if headers.machine not in _MACHINES:
        evidence = Evidence("Machine", headers.machine_name, headers.coff_offset + 4)
        yield found(MACHINE, evidence, "Set driver.targets to a target of Windows and build again.")


def _subsystem(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    evidence = Evidence("Subsystem", headers.subsystem_name, headers.optional_offset + 68)
    if subject.is_user_mode:
        if headers.subsystem not in (Subsystem.WINDOWS_GUI, Subsystem.WINDOWS_CUI):
            fix = "Link with /SUBSYSTEM:WINDOWS, as linker.preset does for driver.model umdf."
            yield found(SUBSYSTEM, evidence, fix)
    elif headers.subsystem != Subsystem.NATIVE:
        fix = (
            "Link with /SUBSYSTEM:NATIVE and /DRIVER, as linker.preset does. A RUSTFLAGS in the "
            'environment replaces them; linker.emit = "build-script" survives it.'
        )
        yield found(SUBSYSTEM, evidence, fix)


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
        fix = "Name a function of the driver in driver.entry-point, which /ENTRY is made from."
        yield found(ENTRY_POINT, evidence, fix)


def _checksum(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    right = checksum(headers, subject.image.data)
    fix = (
        "Link with /RELEASE, as linker.preset does, and sign: both write it. Nothing may change "
        "the file afterwards."
    )
    if not headers.checksum:
        evidence = Evidence("CheckSum", "0", headers.checksum_offset)
        yield found(CHECKSUM_MISSING, evidence, fix)
    elif headers.checksum != right:
        value = f"0x{headers.checksum:X}, and 0x{right:X} would be right"
        yield found(CHECKSUM, Evidence("CheckSum", value, headers.checksum_offset), fix)


def _relocations(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    if headers.relocations_stripped:
        evidence = Evidence("Characteristics", "RELOCS_STRIPPED", headers.coff_offset + 22)
        fix = "Take /FIXED out of linker.args, and keep /DYNAMICBASE, which linker.preset passes."
        yield found(RELOCATIONS, evidence, fix)


def _flags(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    evidence = Evidence(
        "DllCharacteristics", f"0x{headers.flags:04X}", headers.optional_offset + 70
    )
    if not headers.has(ImageFlag.DYNAMIC_BASE):
        yield found(DYNAMIC_BASE, evidence, "Keep /DYNAMICBASE, which linker.preset passes.")
    if not headers.has(ImageFlag.NX_COMPAT):
        yield found(NX_COMPAT, evidence, "Take /NXCOMPAT:NO out of linker.args: rustc sets it.")
    # Who links without it has asked for that.
    is_expected = subject.asked is None or subject.asked.argument("/INTEGRITYCHECK")
    if not headers.has(ImageFlag.FORCE_INTEGRITY) and is_expected:
        yield found(INTEGRITY_CHECK, evidence, "Link with /INTEGRITYCHECK, as linker.preset does.")


def _foreign_directories(subject: Subject) -> Iterator[Finding]:
    for rule, index, fix in (
        (TLS, DirectoryIndex.TLS, "Use no thread_local! and link no library that does."),
        (CLR, DirectoryIndex.CLR, "Build the driver with rustc for one of driver.targets."),
    ):
        directory = subject.image.headers.directory(index)
        is_present = directory.address and directory.size
        if is_present and not (subject.is_user_mode and rule is TLS):
            value = f"0x{directory.address:X}, {directory.size} bytes"
            evidence = Evidence(f"data directory {index.name}", value, directory.offset)
            yield found(rule, evidence, fix)


def _pdb_path(subject: Subject) -> Iterator[Finding]:
    path = subject.image.pdb
    if re.match(r"[A-Za-z]:[\\/]|[\\/]", path):
        is_of_a_user = re.search(r"[\\/](users|home|root)[\\/]", path, re.IGNORECASE)
        yield found(
            PDB_PATH,
            Evidence("debug record CODEVIEW", path),
            "Take /PDBALTPATH out of linker.args: rustc passes one that keeps the name alone.",
            severity=None if is_of_a_user else Severity.NOTE,
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
