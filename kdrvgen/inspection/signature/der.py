"""DER (X.690): writes values, and reads them strictly, as Windows does with catalogs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = [
    "BIT_STRING",
    "BMP_STRING",
    "NULL",
    "OBJECT_ID",
    "OCTETS",
    "SEQUENCE",
    "SET",
    "UTC_TIME",
    "Value",
    "extent",
    "integer",
    "object_id",
    "read_all",
    "read_one",
    "sequence",
    "set_of",
    "value",
]

INTEGER, BIT_STRING, OCTETS, NULL, OBJECT_ID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, BMP_STRING, SEQUENCE, SET = 0x17, 0x1E, 0x30, 0x31

_LONG = 0x80
_HIGH_TAG = 0x1F
_MOST_LENGTH_BYTES = 4
_SMALLEST = 2  # bytes: tag and length


class Value(NamedTuple):
    """A value: its tag and its content."""

    tag: int
    content: bytes


def value(tag: int, *content: bytes) -> bytes:
    """Return the encoding of a value with a tag of one byte."""
    joined = b"".join(content)
    size = len(joined)
    if size < _LONG:
        return bytes((tag, size)) + joined
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + joined


def sequence(*members: bytes) -> bytes:
    """Return a SEQUENCE."""
    return value(SEQUENCE, *members)


def set_of(members: Iterable[bytes]) -> bytes:
    """Return a SET OF, whose members DER sorts."""
    return value(SET, *sorted(members))


def integer(number: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return value(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def object_id(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER, such as `1.3.6.1.4.1.311.10.1`."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return value(OBJECT_ID, bytes(content))


def read_one(data: bytes) -> Value:
    """Return the value that `data` encodes.

    Raises:
        ValueError: It is not DER, or there is more data after the value.
    """
    found, end = _read(data, 0)
    if end < len(data):
        raise ValueError("there is data after the value")
    return found


def read_all(data: bytes) -> list[Value]:
    """Return the values that `data` encodes, one after the other.

    Raises:
        ValueError: It is not DER.
    """
    return list(_values(data))


def _values(data: bytes) -> Iterator[Value]:
    at = 0
    while at < len(data):
        found, at = _read(data, at)
        yield found


def _read(data: bytes, at: int) -> tuple[Value, int]:
    """Return the value at an offset, and the offset after it."""
    start, end = extent(data, at, len(data))
    return Value(data[at], data[start:end]), end


def extent(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Return where the content of a value begins and ends.

    Args:
        data: The data.
        at: The offset of the value.
        limit: The offset at which it must have ended.

    Raises:
        ValueError: It is not DER.
    """
    if limit < at + _SMALLEST or data[at] & _HIGH_TAG == _HIGH_TAG:
        raise ValueError("not a value in DER")
    size, start = data[at + 1], at + _SMALLEST
    if size & _LONG:
        count = size & ~_LONG
        start += count
        if not 0 < count <= _MOST_LENGTH_BYTES or limit < start:
            raise ValueError("not a length in DER")
        size = int.from_bytes(data[start - count : start], "big")
        if size < _LONG or size >> 8 * (count - 1) == 0:
            raise ValueError("a length is not in its shortest form, as DER requires")
    end = start + size
    if limit < end:
        raise ValueError("a value is longer than the data")
    return start, end
