"""Gives an image a version resource without any tool."""

from __future__ import annotations

import struct

__all__ = ["versioned"]

_OPTIONAL = 0x78 + 24
_DIRECTORY = _OPTIONAL + 112 + 8 * 2
_RDATA, _OFFSET = 0x2000, 0x600  # of `assembled`
_FREE = 0x180  # in that section


def versioned(image: bytes, version: tuple[int, int, int, int]) -> bytes:
    """Return an image of `assembled` with a file version; its signature is not valid."""
    data = bytearray(image)
    at = _OFFSET + _FREE
    major, minor, patch, build = version
    levels = b"".join(
        struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, kind, place)
        for kind, place in ((16, 0x8000_0018), (1, 0x8000_0030), (0x409, 0x48))
    )
    fixed = struct.pack("<IIII", 0xFEEF04BD, 0x10000, major << 16 | minor, patch << 16 | build)
    leaf = struct.pack("<IIII", _RDATA + _FREE + 0x58, len(fixed), 0, 0)
    resource = levels + leaf + fixed
    assert not any(data[at : at + len(resource)])
    data[at : at + len(resource)] = resource
    struct.pack_into("<II", data, _DIRECTORY, _RDATA + _FREE, len(resource))
    return bytes(data)
