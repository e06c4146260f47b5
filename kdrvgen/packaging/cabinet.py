"""Cabinets (.cab): writes them uncompressed, so that they have the same bytes on every host.

Source: Microsoft Learn, "Microsoft Cabinet Format".
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

__all__ = ["MOST", "CabinetFile", "read_cabinet", "write_cabinet"]

MOST = 0x7FFF_8000
"""The number of bytes that the files of a cabinet can have together."""

_HEADER = struct.Struct("<4sIIIIIBBHHHHH")
_FOLDER = struct.Struct("<IHH")
_FILE = struct.Struct("<IIHHHH")
_DATA = struct.Struct("<IHH")
_SIGNATURE, _MAJOR, _MINOR = b"MSCF", 1, 3
_HAS_RESERVE = 0x0004
_BLOCK = 0x8000  # bytes of a file's data in one block
_ARCHIVE, _UTF_8 = 0x20, 0x80
_UNCOMPRESSED = 0
_FIRST_YEAR = 1980
_LONGEST_NAME = 255
_NUMBER = 4  # bytes, of which a checksum is made


class CabinetFile(NamedTuple):
    """A file in a cabinet.

    Attributes:
        path: Its path in the cabinet, with backslashes.
        data: Its content.
    """

    path: str
    data: bytes


def write_cabinet(files: Iterable[CabinetFile], date: dt.date) -> bytes:
    """Return a cabinet.

    Args:
        files: The files, in their order.
        date: The date of all of them.

    Raises:
        ValueError: The files are too large for a cabinet, or there are none.
    """
    entries = list(files)
    content = b"".join(entry.data for entry in entries)
    if not entries or len(content) > MOST:
        raise ValueError("a cabinet has at least one file, and at most 2 GB")
    blocks = [content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK)]
    records = b"".join(_records(entries, date))
    first_file = _HEADER.size + _FOLDER.size
    first_block = first_file + len(records)
    body = b"".join(_block(block) for block in blocks)
    header = _HEADER.pack(
        *(_SIGNATURE, 0, first_block + len(body), 0, first_file, 0),
        *(_MINOR, _MAJOR, 1, len(entries), 0, 0, 0),
    )
    folder = _FOLDER.pack(first_block, len(blocks), _UNCOMPRESSED)
    return header + folder + records + body


def read_cabinet(data: bytes) -> Mapping[str, bytes]:
    """Return the files of a cabinet without compression, also of a signed one, by their paths.

    Raises:
        ValueError: It is not such a cabinet.
    """
    try:
        return _read(data)
    except struct.error:
        raise ValueError("the cabinet ends too early") from None


def _records(entries: Iterable[CabinetFile], date: dt.date) -> Iterator[bytes]:
    day = (date.year - _FIRST_YEAR) << 9 | date.month << 5 | date.day
    start = 0
    for entry in entries:
        name = entry.path.encode()
        flags = _ARCHIVE | (0 if entry.path.isascii() else _UTF_8)
        yield _FILE.pack(len(entry.data), start, 0, day, 0, flags) + name + b"\0"
        start += len(entry.data)


def _block(content: bytes) -> bytes:
    sizes = struct.pack("<HH", len(content), len(content))
    return struct.pack("<I", _checksum(sizes) ^ _checksum(content)) + sizes + content


def _checksum(content: bytes) -> int:
    """Return the exclusive or of the numbers of four bytes in a text."""
    whole = len(content) // _NUMBER * _NUMBER
    rest = content[whole:]
    # The last bytes count in the opposite order.
    total, size = int.from_bytes(content[:whole], "little"), whole
    while size > _NUMBER:  # fold: the upper half onto the lower one
        half = (size // _NUMBER + 1) // 2 * _NUMBER
        total = (total >> 8 * half) ^ (total & ((1 << 8 * half) - 1))
        size = half
    return total ^ int.from_bytes(rest, "big")


def _read(data: bytes) -> Mapping[str, bytes]:
    fields = _HEADER.unpack_from(data, 0)
    signature, size, first_file, folders, count, flags = (
        *(fields[0], fields[2], fields[4]),
        *(fields[8], fields[9], fields[10]),
    )
    if signature != _SIGNATURE or size > len(data):
        raise ValueError("this is not a cabinet")
    if folders != 1 or flags & ~_HAS_RESERVE:
        raise ValueError("the cabinet has several folders or parts")
    at, in_block = _HEADER.size, 0
    if flags & _HAS_RESERVE:
        reserved, in_block = struct.unpack_from("<HxB", data, at)
        at += 4 + reserved
    first_block, blocks, compression = _FOLDER.unpack_from(data, at)
    if compression != _UNCOMPRESSED:
        raise ValueError("the cabinet is compressed")
    content = b"".join(_blocks(data, first_block, blocks, in_block))
    found: dict[str, bytes] = {}
    place, total = first_file, 0
    for _ in range(count):
        length, start, _, _, _, _ = _FILE.unpack_from(data, place)
        end = data.find(b"\0", place + _FILE.size, place + _FILE.size + _LONGEST_NAME + 1)
        total += length
        if end < 0 or start + length > len(content) or total > len(content):
            raise ValueError("a file of the cabinet is damaged")
        name = data[place + _FILE.size : end].decode("utf-8", "replace")
        found[name] = content[start : start + length]
        place = end + 1
    return found


def _blocks(data: bytes, at: int, count: int, reserved: int) -> Iterator[bytes]:
    for _ in range(count):
        checksum, size, original = _DATA.unpack_from(data, at)
        start = at + _DATA.size + reserved
        content = data[start : start + size]
        if size != original or len(content) != size:
            raise ValueError("a block of the cabinet is damaged")
        covered = data[at + 4 : at + _DATA.size]
        if checksum and checksum != _checksum(covered) ^ _checksum(content):
            raise ValueError("the checksum of a block is wrong")
        yield content
        at = start + size
