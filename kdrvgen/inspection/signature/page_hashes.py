"""Page hashes: the digests with which Windows verifies single pages of an image.

The signed content of a signature can contain them. Microsoft does not document their format.
osslsigncode writes them too, and those of Microsoft's signatures agree with it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from kdrvgen.inspection.pe.headers import DirectoryIndex, Headers
from kdrvgen.inspection.signature import der

__all__ = ["page_hash_algorithm", "page_hashes_match"]

_ALGORITHMS = {
    der.object_id("1.3.6.1.4.1.311.2.3.1"): "sha1",
    der.object_id("1.3.6.1.4.1.311.2.3.2"): "sha256",
}
_PAGE_SIZE = 0x1000
_SECTION = struct.Struct("<16xII16x")
_OFFSET = struct.Struct("<I")


def page_hash_algorithm(content: bytes) -> str:
    """Return the digest algorithm of the page hashes in a signed content; "" without any."""
    return next((name for oid, name in _ALGORITHMS.items() if oid in content), "")


def page_hashes_match(content: bytes, headers: Headers, data: bytes) -> bool:
    """Return whether a signed content has the page hashes of an image, and no others.

    Args:
        content: The signed content, which names an algorithm for page hashes.
        headers: The headers of the image.
        data: The image.
    """
    algorithm = page_hash_algorithm(content)
    expected = b"".join(
        _OFFSET.pack(offset) + digest for offset, digest in _pages(headers, data, algorithm)
    )
    # The table is the last octet string of the attribute with this identifier.
    table = der.set_of([der.value(der.OCTETS, expected)])
    identifier = next(oid for oid, name in _ALGORITHMS.items() if name == algorithm)
    return content.count(identifier) == 1 and der.sequence(identifier, table) in content


def _pages(headers: Headers, data: bytes, algorithm: str) -> Iterator[tuple[int, bytes]]:
    """Yield the offset in the file and the digest of each page, and the end of the last one."""
    checksum = headers.checksum_offset
    directory = headers.directory(DirectoryIndex.SECURITY).offset
    first = data[:checksum] + data[checksum + 4 : directory]
    first += data[directory + 8 : headers.size_of_headers]
    padding = bytes(max(_PAGE_SIZE - headers.size_of_headers, 0))
    yield 0, _digest(first + padding, algorithm)
    end = headers.size_of_headers
    remaining = 2 * len(data)  # in a damaged file, all sections can have the same content
    table = headers.section_table_offset
    count = min(headers.section_count, max(len(data) - table, 0) // _SECTION.size)
    for index in range(count):
        size, start = _SECTION.unpack_from(data, table + index * _SECTION.size)
        stop = min(start + size, len(data), start + remaining)
        remaining -= max(stop - start, 0)
        for offset in range(start, stop, _PAGE_SIZE):
            page = data[offset : min(offset + _PAGE_SIZE, stop)]
            yield offset, _digest(page.ljust(_PAGE_SIZE, b"\0"), algorithm)
        end = start + size if size else end
    yield end & 0xFFFF_FFFF, bytes(hashlib.new(algorithm, usedforsecurity=False).digest_size)


def _digest(content: bytes, algorithm: str) -> bytes:
    return hashlib.new(algorithm, content, usedforsecurity=False).digest()
