"""Rules about the layout of the image in memory and in the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kdrvgen.inspection.checks import sources
from kdrvgen.inspection.checks.evidence import Evidence, violation
from kdrvgen.inspection.checks.subject import Subject
from kdrvgen.inspection.pe.certificate_table import certificate_table
from kdrvgen.inspection.pe.headers import Characteristic, Directory, DirectoryIndex, Machine
from kdrvgen.inspection.pe.image import Image
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
LAYOUT = Rule(
    "image-layout",
    Severity.ERROR,
    "the layout of the image is invalid",
    "The loader requires aligned headers, sections without gaps in memory and without overlaps in "
    "the file, and tables inside of the image. It refuses an image that breaks this, or maps other "
    "bytes than the tools show.",
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
_SECTOR, _LARGEST_UNIT = 0x200, 0x10000
_BASE_UNIT = 0x10000
_BLOCK_HEADER = 8  # address of the page, size of the block
_SECTION_HEADER = 40
_DAMAGED = "Build again. After linking, change the image only by signing it."


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
    expected = _round_up(headers.size_of_headers, unit)
    for section in subject.image.sections:
        if section.address != expected:
            value = f"begins at 0x{section.address:X}, expected at 0x{expected:X}"
            evidence = Evidence(f"section {section.name}", value, section.header_offset + 12)
            yield violation(LAYOUT, evidence, _DAMAGED)
            return
        expected = _round_up(section.address + section.extent, unit)
    if _round_up(headers.size_of_image, unit) != expected:
        value = f"0x{headers.size_of_image:X}, expected 0x{expected:X}"
        evidence = Evidence("SizeOfImage", value, headers.optional_offset + 56)
        yield violation(LAYOUT, evidence, _DAMAGED)


def _fields(subject: Subject) -> Iterator[Finding]:
    """Yield the fields of the headers that the loader refuses."""
    headers = subject.image.headers
    if not headers.is_executable:
        evidence = Evidence("Characteristics", "without EXECUTABLE_IMAGE", headers.coff_offset + 22)
        yield violation(LAYOUT, evidence, _DAMAGED)
    unit, place = headers.file_alignment, headers.optional_offset
    is_power = unit > 0 and unit & (unit - 1) == 0
    # The sections of an old driver for x86 can be smaller than a page, and so as in memory.
    is_small = unit == headers.section_alignment < _PAGE_SIZE
    if not is_power or not (is_small or _SECTOR <= unit <= _LARGEST_UNIT):
        value = f"0x{unit:X}, not a power of 2 from 0x{_SECTOR:X} to 0x{_LARGEST_UNIT:X}"
        yield violation(LAYOUT, Evidence("FileAlignment", value, place + 36), _DAMAGED)
    elif unit > headers.section_alignment:
        value = f"0x{unit:X}, larger than SectionAlignment 0x{headers.section_alignment:X}"
        yield violation(LAYOUT, Evidence("FileAlignment", value, place + 36), _DAMAGED)
    if headers.image_base % _BASE_UNIT:
        value = f"0x{headers.image_base:X}, not a multiple of 0x{_BASE_UNIT:X}"
        at = place + (24 if headers.is_64_bit else 28)
        yield violation(LAYOUT, Evidence("ImageBase", value, at), _DAMAGED)
    end = headers.section_table_offset + _SECTION_HEADER * headers.section_count
    if headers.size_of_headers < end:
        value = f"0x{headers.size_of_headers:X}, but the section table ends at 0x{end:X}"
        yield violation(LAYOUT, Evidence("SizeOfHeaders", value, place + 60), _DAMAGED)
    for section in subject.image.sections:
        # Windows rounds the offset down, and so maps other bytes.
        step = min(unit or _SECTOR, _SECTOR)
        if section.size and section.offset % step:
            value = (
                f"begins at offset 0x{section.offset:X} of the file, not a multiple of 0x{step:X}"
            )
            evidence = Evidence(f"section {section.name}", value, section.header_offset + 20)
            yield violation(LAYOUT, evidence, _DAMAGED)


def _overlaps(subject: Subject) -> Iterator[Finding]:
    """Yield the first part of the file that is also a part of another one.

    The digest of a signature leaves out some of the headers and the certificate table: a section
    there has bytes that anyone can change.
    """
    last, name = 0, ""
    for start, end, part, offset in sorted(_parts(subject.image), key=lambda part: part[0]):
        if start < last:
            value = (
                f"begins at offset 0x{start:X} of the file, before the end of {name} (0x{last:X})"
            )
            yield violation(LAYOUT, Evidence(part, value, offset), _DAMAGED)
            return
        if end > last:
            last, name = end, part


def _parts(image: Image) -> Iterator[tuple[int, int, str, int]]:
    """Yield the begin and the end of each part of the file, its name, and where this is defined."""
    headers = image.headers
    yield 0, headers.size_of_headers, "headers", headers.optional_offset + 60
    for section in image.sections:
        if section.size and not section.has(Characteristic.UNINITIALIZED_DATA):
            end = section.offset + section.size
            yield section.offset, end, f"section {section.name}", section.header_offset + 20
    if table := certificate_table(headers, len(image.data)):
        place = headers.directory(DirectoryIndex.SECURITY).offset
        yield *table, "attribute certificate table", place


def _directories(subject: Subject) -> Iterator[Finding]:
    image = subject.image
    limit = image.headers.size_of_image
    for index, directory in enumerate(image.headers.directories):
        is_elsewhere = index in (DirectoryIndex.SECURITY, DirectoryIndex.IMPORT)
        if is_elsewhere or not directory.size or not directory.address:
            continue
        name = next((known.name for known in DirectoryIndex if known == index), str(index))
        value = f"0x{directory.address:X}, {quantity(directory.size, 'byte')}"
        if directory.address + directory.size > limit:
            value = f"{value}, but the image ends at 0x{limit:X}"
        elif index == DirectoryIndex.RELOCATIONS and (
            problem := _relocation_problem(image, directory)
        ):
            value = f"{value}, {problem}"
        else:
            continue
        evidence = Evidence(f"data directory {name}", value, directory.offset)
        yield violation(LAYOUT, evidence, _DAMAGED)


def _relocation_problem(image: Image, directory: Directory) -> str:
    """Return why the loader cannot apply the relocations; "" if it can."""
    table = image.content(directory.address, directory.size)
    at = 0
    while at + _BLOCK_HEADER <= len(table):
        page, size = struct.unpack_from("<II", table, at)
        if not page and not size and not any(table[at:]):
            break  # padding
        if size < _BLOCK_HEADER or at + size > len(table):
            return f"with a block of {quantity(size, 'byte')} at 0x{directory.address + at:X}"
        if page >= image.headers.size_of_image:
            return f"with a block for the address 0x{page:X} outside of the image"
        at += size
    return ""


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


CHECKS = (
    _alignment,
    _truncated,
    _gaps,
    _fields,
    _overlaps,
    _directories,
    _appended_data,
    _security_directory,
)
