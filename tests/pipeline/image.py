"""Reads what the tests ask of a PE image (Microsoft's "PE Format")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Image"]

NATIVE = 1


@dataclass(frozen=True, slots=True)
class Image:
    """A PE image.

    Attributes:
        data: The file.
        header: Offset of the signature `PE`.
    """

    data: bytes
    header: int

    @classmethod
    def read(cls, path: Path) -> Image:
        """Read a file, which must be a PE image."""
        data = path.read_bytes()
        (header,) = struct.unpack_from("<I", data, 60)
        assert data[header : header + 4] == b"PE\0\0"
        return cls(data, header)

    def _word(self, offset: int) -> int:
        return int(struct.unpack_from("<H", self.data, self.header + offset)[0])

    def _long(self, offset: int) -> int:
        return int(struct.unpack_from("<I", self.data, self.header + offset)[0])

    def _directory(self, number: int) -> tuple[int, int]:
        is_64_bit = self._word(24) == 0x20B
        start = (136 if is_64_bit else 120) + 8 * number
        return self._long(start), self._long(start + 4)

    @property
    def machine(self) -> int:
        """The machine type."""
        return self._word(4)

    @property
    def subsystem(self) -> int:
        """1 is native."""
        return self._word(92)

    @property
    def checksum(self) -> int:
        """As it stands in the header."""
        return self._long(88)

    @property
    def characteristics(self) -> int:
        """The DLL characteristics."""
        return self._word(94)

    @property
    def image_version(self) -> tuple[int, int]:
        """The argument of /VERSION."""
        return self._word(68), self._word(70)

    @property
    def entry(self) -> int:
        """Address of the entry point, relative to the image."""
        return self._long(40)

    @property
    def signature(self) -> tuple[int, int]:
        """Offset and size of the attribute certificate table; zeros without one."""
        return self._directory(4)

    @property
    def is_signed(self) -> bool:
        """Whether there is any signature."""
        return self.signature != (0, 0)

    def with_signature_of(self, other: Image) -> bytes:
        """Return this image with another one's certificate table and a right checksum."""
        offset, size = other.signature
        data = bytearray(self.data)
        data += bytes(-len(data) % 8)
        is_64_bit = self._word(24) == 0x20B
        directory = self.header + (136 if is_64_bit else 120) + 8 * 4
        struct.pack_into("<II", data, directory, len(data), size)
        data += other.data[offset : offset + size]
        struct.pack_into("<I", data, self.header + 88, 0)
        total = sum(struct.unpack(f"<{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        struct.pack_into("<I", data, self.header + 88, total + len(data))
        return bytes(data)

    def sections(self) -> list[tuple[str, int, int, int]]:
        """Return name, address, offset in the file and size of each section."""
        start = self.header + 24 + self._word(20)
        found = []
        for index in range(self._word(6)):
            name, _, address, size, offset = struct.unpack_from(
                "<8sIIII", self.data, start + 40 * index
            )
            found.append((name.rstrip(b"\0").decode(), address, offset, size))
        return found

    def _offset(self, address: int) -> int:
        for _, start, offset, size in self.sections():
            if start <= address < start + size:
                return int(address - start + offset)
        raise AssertionError(f"{address:#x} is in no section")

    def exports(self) -> dict[str, int]:
        """Return the address of each exported function."""
        table = self._offset(self._directory(0)[0])
        count, functions, names, ordinals = struct.unpack_from("<IIII", self.data, table + 24)
        found = {}
        for index in range(count):
            (name,) = struct.unpack_from("<I", self.data, self._offset(names) + 4 * index)
            (number,) = struct.unpack_from("<H", self.data, self._offset(ordinals) + 2 * index)
            (address,) = struct.unpack_from("<I", self.data, self._offset(functions) + 4 * number)
            found[self._text(name)] = address
        return found

    def imports(self) -> dict[str, set[str]]:
        """Return the names of the functions that are imported, by the name of their module."""
        width, code = (8, "<Q") if self._word(24) == 0x20B else (4, "<I")
        entry = self._offset(self._directory(1)[0])
        found: dict[str, set[str]] = {}
        while True:
            names, _, _, module, _ = struct.unpack_from("<5I", self.data, entry)
            if not module:
                return found
            imported = found.setdefault(self._text(module), set())
            at = self._offset(names)
            while name := struct.unpack_from(code, self.data, at)[0]:
                imported.add(self._text(name + 2))
                at += width
            entry += 20

    def _text(self, address: int) -> str:
        start = self._offset(address)
        return self.data[start : self.data.index(b"\0", start)].decode()
