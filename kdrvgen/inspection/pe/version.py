"""The version in the version resource of an image.

Sources: Microsoft Learn, "PE Format" and "VS_FIXEDFILEINFO structure".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kdrvgen.inspection.pe.headers import Headers

__all__ = ["file_version"]

_RESOURCES = 2  # the index of the data directory
_VERSION = 16  # RT_VERSION
_MARK = struct.pack("<II", 0xFEEF04BD, 0x10000)
_SECTION = struct.Struct("<8sIIII")
_SECTION_SIZE = 40
_BELOW = 0x8000_0000
_MOST_ENTRIES = 64
_LEVELS = 3  # type, name and language
_MOST_SECTIONS = 96


def file_version(headers: Headers, data: bytes) -> tuple[int, int, int, int] | None:
    """Return the four numbers of an image's file version; None if it has no version resource."""
    if len(headers.directories) <= _RESOURCES:
        return None
    root = _offset(headers, data, headers.directories[_RESOURCES].address)
    try:
        place, size = next(_leaves(data, root, root, _LEVELS), (0, 0)) if root else (0, 0)
        start = _offset(headers, data, place)
        mark = data.find(_MARK, start, start + size) if start else -1
        if mark < 0:
            return None
        high, low = struct.unpack_from("<II", data, mark + len(_MARK))
    except struct.error:  # the file ends within the resource
        return None
    return high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF


def _leaves(data: bytes, root: int, at: int, levels: int) -> Iterator[tuple[int, int]]:
    """Yield the address and the size of each version resource below a directory."""
    named, numbered = struct.unpack_from("<HH", data, at + 12)
    for index in range(min(named + numbered, _MOST_ENTRIES)):
        kind, place = struct.unpack_from("<II", data, at + 16 + 8 * index)
        if levels == _LEVELS and kind != _VERSION:
            continue
        if place & _BELOW and levels > 1:
            yield from _leaves(data, root, root + (place & ~_BELOW), levels - 1)
        elif not place & _BELOW:
            address, size = struct.unpack_from("<II", data, root + place)
            yield address, size


def _offset(headers: Headers, data: bytes, address: int) -> int:
    """Return the offset in the file of an address in the image; 0 if it is not in the file."""
    for index in range(min(headers.section_count, _MOST_SECTIONS)):
        try:
            _, _, start, size, place = _SECTION.unpack_from(
                data, headers.section_table_offset + _SECTION_SIZE * index
            )
        except struct.error:
            return 0
        if start <= address < start + size:
            return int(place + address - start)
    return 0
