"""The stack frames of the functions in an x64 image, from the data for unwinding."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.pipeline.image import Image

__all__ = ["frames"]

_CHAINED = 4

# Slots that follow an operation: UNWIND_CODE in Microsoft's "x64 exception handling".
_PUSH, _ALLOCATE_LARGE, _ALLOCATE_SMALL = 0, 1, 2
_MORE_SLOTS = {3: 0, 4: 1, 5: 2, 8: 1, 9: 2, 10: 0}


def frames(path: Path) -> dict[int, int]:
    """Return the size of each function's frame in bytes, by the function's address."""
    image = Image.read(path)
    found: dict[int, int] = {}
    for begin, _, unwind in struct.iter_unpack("<III", image.exceptions()):
        information = image.at(unwind)
        if information[0] >> 3 & _CHAINED:
            continue
        found[begin] = _frame(information[4 : 4 + 2 * information[2]])
    return found


def _frame(codes: bytes) -> int:
    """Return the bytes that a prologue pushes and allocates, with the return address."""
    total, at = 8, 0
    while at < len(codes):
        operation, detail = codes[at + 1] & 15, codes[at + 1] >> 4
        at += 2
        if operation == _PUSH:
            total += 8
        elif operation == _ALLOCATE_SMALL:
            total += 8 * detail + 8
        elif operation == _ALLOCATE_LARGE and detail == 0:
            total += 8 * struct.unpack_from("<H", codes, at)[0]
            at += 2
        elif operation == _ALLOCATE_LARGE:
            total += struct.unpack_from("<I", codes, at)[0]
            at += 4
        else:
            at += 2 * _MORE_SLOTS[operation]
    return total
