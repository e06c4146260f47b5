"""Rules about how the image lies in memory and in the file."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.inspection import sources
from kdrvgen.inspection.digest import certificate_table
from kdrvgen.inspection.evidence import Evidence, found
from kdrvgen.inspection.headers import DirectoryIndex
from kdrvgen.inspection.subject import Subject
from kdrvgen.report.finding import Finding, Rule, Severity

__all__ = ["CHECKS"]

ALIGNMENT = Rule(
    "image-section-alignment",
    Severity.ERROR,
    "sections do not begin at pages",
    "Memory integrity (HVCI) protects page by page and refuses an image whose sections share one.",
    sources.HVCI,
)
TRUNCATED = Rule(
    "image-truncated",
    Severity.ERROR,
    "the file ends before its content does",
    "The loader refuses an image whose headers or sections lie beyond the end of the file.",
    sources.PE_FORMAT,
)
GAP = Rule(
    "image-layout",
    Severity.ERROR,
    "the sections do not follow one another in memory",
    "The loader wants them in ascending order, each beginning where the one before it ends, and "
    "SizeOfImage where the last one does.",
    sources.PE_FORMAT,
)
NOT_LAST = Rule(
    "image-data-after-signature",
    Severity.ERROR,
    "there is data behind the signatures",
    "The attribute certificate table has to be the last thing in the file. What was appended after "
    "signing makes the signature invalid.",
    sources.PE_SIGNATURE,
)
OVERLAY = Rule(
    "image-overlay",
    Severity.NOTE,
    "there is data behind the last section",
    "It is never loaded. Signatures cover it, but nothing of a driver belongs there.",
    sources.PE_FORMAT,
)

_PAGE = 0x1000


def _alignment(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    if headers.section_alignment % _PAGE or not headers.section_alignment:
        evidence = Evidence(
            "SectionAlignment", f"0x{headers.section_alignment:X}", headers.optional_offset + 32
        )
        fix = "Take /ALIGN out of linker.args: the linker's own default is a page."
        yield found(ALIGNMENT, evidence, fix)


def _truncated(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    size = len(image.data)
    fix = "Build and sign again: the file was cut off, or damaged on its way."
    if len(image.sections) < image.headers.section_count or image.headers.size_of_headers > size:
        value = f"{image.headers.section_count} sections, of which {len(image.sections)} are there"
        yield found(
            TRUNCATED, Evidence("section table", value, image.headers.section_table_offset), fix
        )
    for section in image.sections:
        if section.size and section.offset + section.size > size:
            value = f"ends at {section.offset + section.size}, the file at {size}"
            yield found(
                TRUNCATED, Evidence(f"section {section.name}", value, section.header_offset), fix
            )


def _gaps(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    unit = max(headers.section_alignment, 1)
    fix = "Build again, and change the image with nothing but the signing tool afterwards."
    expected = _up(headers.size_of_headers, unit)
    for section in subject.image.sections:
        if section.address != expected:
            value = f"begins at 0x{section.address:X}, expected at 0x{expected:X}"
            evidence = Evidence(f"section {section.name}", value, section.header_offset + 12)
            yield found(GAP, evidence, fix)
            return
        expected = _up(section.address + section.extent, unit)
    if _up(headers.size_of_image, unit) != expected:
        value = f"0x{headers.size_of_image:X}, expected 0x{expected:X}"
        yield found(GAP, Evidence("SizeOfImage", value, headers.optional_offset + 56), fix)


def _behind(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    size = len(image.data)
    table = certificate_table(image.headers, size)
    if table and table[1] < size:
        evidence = Evidence("end of file", f"{size - table[1]} bytes", table[1])
        fix = "Sign last: `cargo make sign` builds, renames and signs in this order."
        yield found(NOT_LAST, evidence, fix)
    end = max((each.offset + each.size for each in image.sections if each.size), default=0)
    stop = table[0] if table else size
    # Signing pads the file to eight bytes, linking to the file alignment.
    if 0 < end < stop and image.data[end:stop].strip(b"\0"):
        evidence = Evidence("overlay", f"{stop - end} bytes", end)
        fix = "Ship it as a file of its own, or link it into a section; strip debug symbols."
        yield found(OVERLAY, evidence, fix)


def _security_directory(subject: Subject) -> Iterator[Finding]:
    headers = subject.image.headers
    directory = headers.directory(DirectoryIndex.SECURITY)
    if directory.size and certificate_table(headers, len(subject.image.data)) is None:
        value = f"at {directory.address}, {directory.size} bytes"
        evidence = Evidence("data directory SECURITY", value, directory.offset)
        yield found(TRUNCATED, evidence, "Sign again: `cargo make sign`.")


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


CHECKS = (_alignment, _truncated, _gaps, _behind, _security_directory)
