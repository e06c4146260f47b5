"""The attribute certificate table, which holds the signatures of a PE file.

Source: Microsoft Learn, "PE Format", "The attribute certificate table".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from kdrvgen.inspection.pe.headers import DirectoryIndex, Headers

__all__ = ["ENTRY_HEADER_SIZE", "CertificateEntry", "certificate_entries", "certificate_table"]

ENTRY_HEADER_SIZE = 8
"""The bytes of length, revision and type in front of an entry's content."""

_PKCS_SIGNED_DATA = 2
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


def certificate_entries(headers: Headers, data: bytes) -> Iterator[CertificateEntry]:
    """Yield the signatures in the table; stop at the first damaged entry."""
    offset, end = certificate_table(headers, len(data)) or (0, 0)
    for _ in range(_MAX_ENTRIES):
        if offset + ENTRY_HEADER_SIZE > end:
            return
        length, _, kind = struct.unpack_from("<IHH", data, offset)
        if length < ENTRY_HEADER_SIZE or offset + length > end:
            return
        if kind == _PKCS_SIGNED_DATA:
            yield CertificateEntry(offset, data[offset + ENTRY_HEADER_SIZE : offset + length])
        offset += -(-length // _ALIGNMENT) * _ALIGNMENT
