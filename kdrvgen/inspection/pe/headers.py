"""The headers of a PE file: their fields with offsets, and the checksum.

Findings contain the offset of a field, and lief has no value for a machine or subsystem that it
does not know; so this module reads the fields, and lief the tables. Source: Microsoft Learn, "PE
Format".
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

__all__ = [
    "Characteristic",
    "Directory",
    "DirectoryIndex",
    "Headers",
    "ImageFlag",
    "Machine",
    "Subsystem",
    "checksum",
    "read_headers",
]


class Machine(IntEnum):
    """Machines that Windows loads drivers for."""

    I386 = 0x014C
    ARMNT = 0x01C4
    AMD64 = 0x8664
    ARM64 = 0xAA64


class Subsystem(IntEnum):
    """The environment that an image runs in."""

    NATIVE = 1
    WINDOWS_GUI = 2
    WINDOWS_CUI = 3


class Characteristic(IntFlag):
    """The flags of a section that the checks use."""

    CODE = 0x20
    INITIALIZED_DATA = 0x40
    UNINITIALIZED_DATA = 0x80
    DISCARDABLE = 0x0200_0000
    NOT_PAGED = 0x0800_0000
    SHARED = 0x1000_0000
    EXECUTE = 0x2000_0000
    READ = 0x4000_0000
    WRITE = 0x8000_0000


class ImageFlag(IntFlag):
    """The flags in DllCharacteristics that the checks use."""

    HIGH_ENTROPY_VA = 0x20
    DYNAMIC_BASE = 0x40
    FORCE_INTEGRITY = 0x80
    NX_COMPAT = 0x100
    WDM_DRIVER = 0x2000
    GUARD_CF = 0x4000


class DirectoryIndex(IntEnum):
    """The data directories that the checks use."""

    EXPORT = 0
    IMPORT = 1
    EXCEPTION = 3
    SECURITY = 4
    RELOCATIONS = 5
    DEBUG = 6
    TLS = 9
    BOUND_IMPORT = 11
    DELAY_IMPORT = 13
    CLR = 14


class Directory(NamedTuple):
    """An entry of the data directories.

    Attributes:
        address: Relative to the image; of SECURITY an offset in the file.
        size: In bytes.
        offset: The offset of the entry itself.
    """

    address: int
    size: int
    offset: int


class Headers(NamedTuple):
    """The fields of the headers, and the offsets of the headers in the file."""

    machine: int
    section_count: int
    time_date_stamp: int
    relocations_stripped: bool
    is_executable: bool
    is_64_bit: bool
    entry_point: int
    image_base: int
    section_alignment: int
    file_alignment: int
    size_of_image: int
    size_of_headers: int
    checksum: int
    subsystem: int
    flags: int
    directories: tuple[Directory, ...]
    coff_offset: int
    optional_offset: int
    section_table_offset: int

    @property
    def checksum_offset(self) -> int:
        """The offset of the field CheckSum."""
        return self.optional_offset + 64

    @property
    def machine_name(self) -> str:
        """The name of the machine in the PE specification."""
        return _name(Machine, self.machine)

    @property
    def subsystem_name(self) -> str:
        """The name of the subsystem in the PE specification."""
        return _name(Subsystem, self.subsystem)

    def directory(self, index: DirectoryIndex) -> Directory:
        """Return a data directory; an empty one if the image does not have it."""
        if index < len(self.directories):
            return self.directories[index]
        return Directory(0, 0, self.section_table_offset)

    def has(self, flag: ImageFlag) -> bool:
        """Return whether a flag is set in DllCharacteristics."""
        return bool(self.flags & flag)


_COFF = struct.Struct("<4sHHIIIHH")
_DIRECTORIES_OFFSET = 96  # in the optional header of PE32; PE32+ has 16 bytes more
_PE32, _PE32_PLUS = 0x10B, 0x20B
_MAX_DIRECTORIES = 16
_RELOCATIONS_STRIPPED, _EXECUTABLE_IMAGE = 1, 2
_CHUNK = 1 << 16  # even, so that no word crosses a boundary


def read_headers(data: bytes) -> Headers | None:
    """Return the headers of an image; None if this is not a PE file."""
    try:
        return _read(data)
    except struct.error:  # the file ends within the headers
        return None


def checksum(headers: Headers, data: bytes) -> int:
    """Return the checksum that the image should have, computed as imagehlp does."""
    # Adding words with an end-around carry is arithmetic modulo 0xFFFF, in which 0 is 0xFFFF. So is
    # adding chunks of many words, which Python does much faster.
    total = sum(
        int.from_bytes(data[start : start + _CHUNK], "little")
        for start in range(0, len(data), _CHUNK)
    )
    offset = headers.checksum_offset
    own = int.from_bytes(data[offset : offset + 4], "little") << 8 * (offset % 2)
    return ((total - own) % 0xFFFF or 0xFFFF) + len(data)


def _read(data: bytes) -> Headers | None:
    if data[:2] != b"MZ":
        return None
    (coff,) = struct.unpack_from("<I", data, 0x3C)
    signature, machine, count, stamp, _, _, optional_size, characteristics = _COFF.unpack_from(
        data, coff
    )
    optional = coff + _COFF.size
    (magic,) = struct.unpack_from("<H", data, optional)
    if signature != b"PE\0\0" or magic not in (_PE32, _PE32_PLUS):
        return None
    is_64_bit = magic == _PE32_PLUS
    entry = struct.unpack_from("<I", data, optional + 16)[0]
    base = struct.unpack_from("<Q" if is_64_bit else "<I", data, optional + (28, 24)[is_64_bit])[0]
    section_alignment, file_alignment = struct.unpack_from("<II", data, optional + 32)
    image_size, headers_size, checksum, subsystem, flags = struct.unpack_from(
        "<IIIHH", data, optional + 56
    )
    table = optional + _DIRECTORIES_OFFSET + 16 * is_64_bit
    (directory_count,) = struct.unpack_from("<I", data, table - 4)
    return Headers(
        machine=machine,
        section_count=count,
        time_date_stamp=stamp,
        relocations_stripped=bool(characteristics & _RELOCATIONS_STRIPPED),
        is_executable=bool(characteristics & _EXECUTABLE_IMAGE),
        is_64_bit=is_64_bit,
        entry_point=entry,
        image_base=base,
        section_alignment=section_alignment,
        file_alignment=file_alignment,
        size_of_image=image_size,
        size_of_headers=headers_size,
        checksum=checksum,
        subsystem=subsystem,
        flags=flags,
        directories=tuple(
            _directory(data, table + 8 * index)
            for index in range(min(directory_count, _MAX_DIRECTORIES))
        ),
        coff_offset=coff,
        optional_offset=optional,
        section_table_offset=optional + optional_size,
    )


def _directory(data: bytes, offset: int) -> Directory:
    address, size = struct.unpack_from("<II", data, offset)
    return Directory(address, size, offset)


def _name(kind: type[IntEnum], value: int) -> str:
    try:
        return f"{kind(value).name} (0x{value:X})"
    except ValueError:
        return f"0x{value:X}"
