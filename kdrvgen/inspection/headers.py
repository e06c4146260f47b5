"""The headers of a PE file as they stand in it, each field with its place.

lief gives the tables behind them; the fields themselves are read here, because a finding says at
which offset they stand, and because lief has no value for a machine or subsystem that it does not
know. Source of the layout: Microsoft Learn, "PE Format".
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
    "read_headers",
]


class Machine(IntEnum):
    """Machines that Windows loads drivers for."""

    I386 = 0x014C
    AMD64 = 0x8664
    ARM64 = 0xAA64


class Subsystem(IntEnum):
    """What an image is meant to run in."""

    NATIVE = 1
    WINDOWS_GUI = 2
    WINDOWS_CUI = 3


class Characteristic(IntFlag):
    """Flags of a section that say something here."""

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
    """DllCharacteristics that say something here."""

    HIGH_ENTROPY_VA = 0x20
    DYNAMIC_BASE = 0x40
    FORCE_INTEGRITY = 0x80
    NX_COMPAT = 0x100
    WDM_DRIVER = 0x2000
    GUARD_CF = 0x4000


class DirectoryIndex(IntEnum):
    """Data directories that say something here."""

    EXPORT = 0
    IMPORT = 1
    SECURITY = 4
    RELOCATIONS = 5
    DEBUG = 6
    TLS = 9
    BOUND_IMPORT = 11
    DELAY_IMPORT = 13
    CLR = 14


class Directory(NamedTuple):
    """A data directory: `address` is relative to the image, for SECURITY an offset in the file."""

    address: int
    size: int
    offset: int


class Headers(NamedTuple):
    """The fields of the headers, and the offsets at which they stand in the file."""

    machine: int
    section_count: int
    time_date_stamp: int
    relocations_stripped: bool
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
        """Where CheckSum stands."""
        return self.optional_offset + 64

    @property
    def machine_name(self) -> str:
        """The machine as the PE specification calls it."""
        return _name(Machine, self.machine)

    @property
    def subsystem_name(self) -> str:
        """The subsystem as the PE specification calls it."""
        return _name(Subsystem, self.subsystem)

    def directory(self, index: DirectoryIndex) -> Directory:
        """Return a data directory; an image may have fewer than are defined."""
        if index < len(self.directories):
            return self.directories[index]
        return Directory(0, 0, self.section_table_offset)

    def has(self, flag: ImageFlag) -> bool:
        """Tell whether a flag is set in DllCharacteristics."""
        return bool(self.flags & flag)


_COFF = struct.Struct("<4sHHIIIHH")
_OPTIONAL_COMMON = 96  # of PE32; PE32+ has 16 more before its directories
_PE32, _PE32_PLUS = 0x10B, 0x20B
_MAX_DIRECTORIES = 16
_RELOCATIONS_STRIPPED = 1


def read_headers(data: bytes) -> Headers | None:
    """Return the headers of an image; None when this is no PE file."""
    try:
        return _read(data)
    except struct.error:  # it ends within them
        return None


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
    table = optional + _OPTIONAL_COMMON + 16 * is_64_bit
    (directory_count,) = struct.unpack_from("<I", data, table - 4)
    return Headers(
        machine=machine,
        section_count=count,
        time_date_stamp=stamp,
        relocations_stripped=bool(characteristics & _RELOCATIONS_STRIPPED),
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
