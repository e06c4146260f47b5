"""What a signature covers: the digest of an image, its checksum, and where its signatures lie.

Sources: "Windows Authenticode Portable Executable Signature Format", section "Calculating the PE
Image Hash"; Microsoft Learn, "PE Format", on CheckSum and the attribute certificate table.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

from kdrvgen.inspection.headers import DirectoryIndex, Headers

__all__ = [
    "CertificateEntry",
    "certificate_entries",
    "certificate_table",
    "checksum",
    "image_digest",
    "signed_ranges",
]

_HEADER = 8  # of an entry: length, revision, type
_PKCS_SIGNED_DATA = 2
_MOST_ENTRIES = 16
_CHUNK = 1 << 16  # even: words lie within one


class CertificateEntry(NamedTuple):
    """An entry of the attribute certificate table that holds a PKCS #7 signature."""

    offset: int
    content: bytes


def certificate_table(headers: Headers, size: int) -> tuple[int, int] | None:
    """Return where the attribute certificate table begins and ends; None when it is not there.

    Args:
        headers: The image's headers.
        size: How long the file is. A table that reaches beyond is none.
    """
    directory = headers.directory(DirectoryIndex.SECURITY)
    end = directory.address + directory.size
    if not directory.address or directory.size < _HEADER or end > size:
        return None
    return directory.address, end


def certificate_entries(headers: Headers, data: bytes) -> Iterator[CertificateEntry]:
    """Yield the signatures in the attribute certificate table, as far as it can be read."""
    offset, end = certificate_table(headers, len(data)) or (0, 0)
    for _ in range(_MOST_ENTRIES):
        if offset + _HEADER > end:
            return
        length, _, kind = struct.unpack_from("<IHH", data, offset)
        if length < _HEADER or offset + length > end:
            return
        if kind == _PKCS_SIGNED_DATA:
            yield CertificateEntry(offset, data[offset + _HEADER : offset + length])
        offset += -(-length // 8) * 8


def signed_ranges(headers: Headers, size: int) -> tuple[tuple[int, int], ...]:
    """Return the parts of the file that a signature covers: all but what signing changes."""
    after_checksum = headers.checksum_offset + 4
    if len(headers.directories) <= DirectoryIndex.SECURITY:
        return (0, headers.checksum_offset), (after_checksum, size)
    directory = headers.directory(DirectoryIndex.SECURITY).offset
    start, end = certificate_table(headers, size) or (size, size)
    ranges = (
        (0, headers.checksum_offset),
        (after_checksum, directory),
        (directory + 8, start),
        (end, size),
    )
    return tuple((first, last) for first, last in ranges if first < last)


def image_digest(headers: Headers, data: bytes, algorithm: str) -> bytes:
    """Return the digest that a signature of the image holds.

    Raises:
        ValueError: hashlib does not know the algorithm.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    view = memoryview(data)
    for first, last in signed_ranges(headers, len(data)):
        digest.update(view[first:last])
    return digest.digest()


def checksum(headers: Headers, data: bytes) -> int:
    """Return the checksum that the image should have, as imagehlp's CheckSumMappedFile makes it."""
    # Adding words with the carry brought round is arithmetic modulo 0xFFFF, in which 0 is 0xFFFF.
    total = sum(
        int.from_bytes(data[start : start + _CHUNK], "little") % 0xFFFF
        for start in range(0, len(data), _CHUNK)
    )
    offset = headers.checksum_offset
    own = int.from_bytes(data[offset : offset + 4], "little") << 8 * (offset % 2)
    return ((total - own) % 0xFFFF or 0xFFFF) + len(data)
