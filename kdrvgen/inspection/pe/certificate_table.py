"""The attribute certificate table, which holds the signatures of a PE file.

Source: Microsoft Learn, "PE Format", "The attribute certificate table".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from kdrvgen.inspection.pe.headers import DirectoryIndex, Headers

__all__ = [
    "ENTRY_HEADER_SIZE",
    "CertificateEntry",
    "ForeignPart",
    "certificate_entries",
    "certificate_table",
    "foreign_parts",
]

ENTRY_HEADER_SIZE = 8
"""The bytes of length, revision and type in front of an entry's content."""

_PKCS_SIGNED_DATA = 2
_REVISION = 0x200
_ALIGNMENT = 8
_MAX_ENTRIES = 16


class CertificateEntry(NamedTuple):
    """An entry of the attribute certificate table with a PKCS #7 signature."""

    offset: int
    content: bytes


def certificate_table(headers: Headers, size: int) -> tuple[int, int] | None:
    """Return the offsets of the table's beginning and end; None without a table.

    Args:
        headers: The image's headers.
        size: The length of the file. A table that extends beyond it does not count.
    """
    directory = headers.directory(DirectoryIndex.SECURITY)
    end = directory.address + directory.size
    if not directory.address or directory.size < ENTRY_HEADER_SIZE or end > size:
        return None
    return directory.address, end


class ForeignPart(NamedTuple):
    """A part of the attribute certificate table that is not a signature."""

    offset: int
    kind: str
    content: bytes


def certificate_entries(headers: Headers, data: bytes) -> Iterator[CertificateEntry]:
    """Yield the signatures in the table; stop at the first damaged entry."""
    return (part for part in _parts(headers, data) if isinstance(part, CertificateEntry))


def foreign_parts(headers: Headers, data: bytes) -> Iterator[ForeignPart]:
    """Yield everything else in the table: no signature covers it."""
    return (part for part in _parts(headers, data) if isinstance(part, ForeignPart))


def _parts(headers: Headers, data: bytes) -> Iterator[CertificateEntry | ForeignPart]:
    offset, end = certificate_table(headers, len(data)) or (0, 0)
    for _ in range(_MAX_ENTRIES):
        if offset + ENTRY_HEADER_SIZE > end:
            break
        length, revision, kind = struct.unpack_from("<IHH", data, offset)
        if length < ENTRY_HEADER_SIZE or offset + length > end:
            break
        content = data[offset + ENTRY_HEADER_SIZE : offset + length]
        if kind != _PKCS_SIGNED_DATA:
            yield ForeignPart(offset, f"entry of type {kind}", content)
        else:
            yield CertificateEntry(offset, content)
        if revision != _REVISION:
            yield ForeignPart(offset, f"entry of revision 0x{revision:X}", content)
        following = offset + -(-length // _ALIGNMENT) * _ALIGNMENT
        padding = data[offset + length : min(following, end)]
        if any(padding):
            yield ForeignPart(offset + length, "padding", padding)
        offset = following
    if offset < end:
        yield ForeignPart(offset, "rest of the table", data[offset:end])
