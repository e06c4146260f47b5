"""Rules about the layout of the image in memory and in the file."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.certificate_table import certificate_table
from kdrvgen.inspection.pe.headers import DirectoryIndex, Machine
from kdrvgen.report.finding import Finding, Rule, Severity
from kdrvgen.spelling import quantity

__all__ = ["CHECKS"]

ALIGNMENT = Rule(
    "image-section-alignment",
    Severity.ERROR,
    "the sections do not begin at page boundaries",
    "Memory integrity (HVCI) protects whole pages, and refuses an image with two sections in one "
    "page.",
    sources.HVCI,
)
TRUNCATED = Rule(
    "image-truncated",
    Severity.ERROR,
    "the file is truncated",
    "The loader refuses an image whose headers or sections extend beyond the end of the file.",
    sources.PE_FORMAT,
)
GAP = Rule(
    "image-layout",
    Severity.ERROR,
    "the sections are not contiguous in memory",
    "The loader requires the sections in ascending order and without gaps, and SizeOfImage must "
    "match the end of the last one.",
    sources.PE_FORMAT,
)
NOT_LAST = Rule(
    "image-data-after-signature",
    Severity.ERROR,
    "there is data after the signatures",
    "The attribute certificate table must be the last part of the file. Data that is appended "
    "after signing makes the signature invalid.",
    sources.PE_SIGNATURE,
)
OVERLAY = Rule(
    "image-overlay",
    Severity.NOTE,
    "there is data after the last section",
    "Windows never loads it. The signature covers it, but a driver cannot use it.",
    sources.PE_FORMAT,
)

_PAGE_SIZE = 0x1000


def _alignment(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    # Windows for x86 has no memory integrity; its old drivers have sections of 32 or 128 bytes.
    is_x86 = headers.machine == Machine.I386
    if not is_x86 and (headers.section_alignment % _PAGE_SIZE or not headers.section_alignment):
        evidence = Evidence(
            "SectionAlignment", f"0x{headers.section_alignment:X}", headers.optional_offset + 32
        )
        fix = "Remove /ALIGN from linker.args: by default the linker aligns sections to pages."
        yield violation(ALIGNMENT, evidence, fix)


def _truncated(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    size = len(image.data)
    fix = "Build and sign again: the file is incomplete or damaged."
    if image.headers.size_of_headers > size:
        value = f"{image.headers.size_of_headers}, but the file ends at {size}"
        offset = image.headers.optional_offset + 60
        yield violation(TRUNCATED, Evidence("SizeOfHeaders", value, offset), fix)
    if len(image.sections) < image.headers.section_count:
        count = quantity(image.headers.section_count, "section")
        value = f"{count}, but the file has {len(image.sections)}"
        yield violation(
            TRUNCATED, Evidence("section table", value, image.headers.section_table_offset), fix
        )
    for section in image.sections:
        if section.size and section.offset + section.size > size:
            value = f"ends at {section.offset + section.size}, but the file ends at {size}"
            yield violation(
                TRUNCATED, Evidence(f"section {section.name}", value, section.header_offset), fix
            )


def _gaps(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    unit = max(headers.section_alignment, 1)
    fix = "Build again. After linking, change the image only by signing it."
    expected = _round_up(headers.size_of_headers, unit)
    for section in subject.image.sections:
        if section.address != expected:
            value = f"begins at 0x{section.address:X}, expected at 0x{expected:X}"
            evidence = Evidence(f"section {section.name}", value, section.header_offset + 12)
            yield violation(GAP, evidence, fix)
            return
        expected = _round_up(section.address + section.extent, unit)
    if _round_up(headers.size_of_image, unit) != expected:
        value = f"0x{headers.size_of_image:X}, expected 0x{expected:X}"
        yield violation(GAP, Evidence("SizeOfImage", value, headers.optional_offset + 56), fix)


def _appended_data(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    size = len(image.data)
    table = certificate_table(image.headers, size)
    if table and table[1] < size:
        evidence = Evidence("end of file", quantity(size - table[1], "byte"), table[1])
        fix = "Sign last, as `cargo make sign` does: it builds, renames and then signs."
        yield violation(NOT_LAST, evidence, fix)
    end = max(
        (section.offset + section.size for section in image.sections if section.size), default=0
    )
    stop = table[0] if table else size
    # Zeros are padding: of signing to eight bytes, of linking to the file alignment.
    if 0 < end < stop and image.data.count(0, end, stop) < stop - end:
        evidence = Evidence("overlay", quantity(stop - end, "byte"), end)
        fix = "Ship the data in a separate file, or link it into a section; strip debug symbols."
        yield violation(OVERLAY, evidence, fix)


def _security_directory(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    directory = headers.directory(DirectoryIndex.SECURITY)
    if directory.size and certificate_table(headers, len(subject.image.data)) is None:
        value = f"at {directory.address}, {quantity(directory.size, 'byte')}"
        evidence = Evidence("data directory SECURITY", value, directory.offset)
        yield violation(TRUNCATED, evidence, "Sign again: `cargo make sign`.")


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


CHECKS = (_alignment, _truncated, _gaps, _appended_data, _security_directory)
