"""The digest of an image that a signature covers.

Source: "Windows Authenticode Portable Executable Signature Format", section "Calculating the PE
Image Hash".
"""

from __future__ import annotations

import hashlib

from kdrvgen.inspection.pe.certificate_table import certificate_table
from kdrvgen.inspection.pe.headers import DirectoryIndex, Headers

__all__ = ["image_digest", "signed_ranges"]

_CHECKSUM_SIZE = 4
_DIRECTORY_SIZE = 8


def signed_ranges(headers: Headers, size: int) -> tuple[tuple[int, int], ...]:
    """Return the parts of the file that a signature covers: all that signing does not change."""
    after_checksum = headers.checksum_offset + _CHECKSUM_SIZE
    if len(headers.directories) <= DirectoryIndex.SECURITY:
        return (0, headers.checksum_offset), (after_checksum, size)
    directory = headers.directory(DirectoryIndex.SECURITY).offset
    start, end = certificate_table(headers, size) or (size, size)
    ranges = (
        (0, headers.checksum_offset),
        (after_checksum, directory),
        (directory + _DIRECTORY_SIZE, start),
        (end, size),
    )
    return tuple((first, last) for first, last in ranges if first < last)


def image_digest(headers: Headers, data: bytes, algorithm: str) -> bytes:
    """Return the digest that a valid signature of the image contains.

    Raises:
        ValueError: hashlib does not support the algorithm.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    view = memoryview(data)
    for first, last in signed_ranges(headers, len(data)):
        digest.update(view[first:last])
    return digest.digest()
