"""A driver image as a value: headers, sections, imports, exports and debug records of a PE file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import lief

from kdrvgen.inspection.headers import Characteristic, Headers, read_headers

__all__ = ["MOST_MODULES", "Export", "Image", "Module", "Section", "Symbol", "read_image"]

MOST_MODULES = 256
"""So many are read: of a file that claims more than any driver has, they are enough to judge it."""

_MOST_SYMBOLS = 8192  # likewise


class Section(NamedTuple):
    """A section: where it is mapped, where it lies in the file, and what may be done with it."""

    name: str
    address: int
    virtual_size: int
    offset: int
    size: int
    characteristics: int
    header_offset: int

    def has(self, flag: Characteristic) -> bool:
        """Tell whether all of a flag's bits are set."""
        return self.characteristics & flag == flag

    @property
    def access(self) -> str:
        """What may be done with it, such as `R-X`."""
        flags = (Characteristic.READ, Characteristic.WRITE, Characteristic.EXECUTE)
        return "".join(
            letter if self.has(flag) else "-" for letter, flag in zip("RWX", flags, strict=True)
        )

    @property
    def extent(self) -> int:
        """How many bytes of the image are its."""
        return self.virtual_size or self.size


class Symbol(NamedTuple):
    """An imported function; by ordinal when it has no name."""

    name: str
    ordinal: int


class Module(NamedTuple):
    """What is imported from one module."""

    name: str
    symbols: tuple[Symbol, ...]


class Export(NamedTuple):
    """An exported function or value."""

    name: str
    address: int


class Image(NamedTuple):
    """A PE file.

    Attributes:
        data: The file's bytes.
        headers: Its headers.
        sections: In the order of the section table.
        modules: What is imported, in the order of the import table.
        delayed: Modules that are imported when first called.
        exports: What is exported by name.
        pdb: Path of the program database as a debug record names it; "" when none does.
        is_reproducible: Whether a debug record says that the time stamps are digests.
    """

    data: bytes
    headers: Headers
    sections: tuple[Section, ...]
    modules: tuple[Module, ...]
    delayed: tuple[str, ...]
    exports: tuple[Export, ...]
    pdb: str
    is_reproducible: bool

    def section_at(self, address: int) -> Section | None:
        """Return the section that an address relative to the image lies in."""
        for section in self.sections:
            if section.address <= address < section.address + section.extent:
                return section
        return None


def read_image(data: bytes) -> Image | None:
    """Read an image; damaged tables are read as far as they go.

    Returns:
        None when this is no PE file.
    """
    headers = read_headers(data)
    if headers is None:
        return None
    with _silence():
        binary = lief.PE.parse(io.BytesIO(data), _what_is_read())
        if binary is None:
            return None
        export = binary.get_export()
        return Image(
            data=data,
            headers=headers,
            sections=tuple(
                _section(section, headers.section_table_offset + 40 * index)
                for index, section in enumerate(binary.sections)
            ),
            modules=_modules(binary.imports),
            delayed=_some(binary.delay_imports, MOST_MODULES, lambda each: _text(each.name)),
            exports=_some(export.entries, _MOST_SYMBOLS, _export) if export else (),
            pdb=next(
                (
                    _text(each.filename)
                    for each in binary.debug
                    if isinstance(each, lief.PE.CodeViewPDB)
                ),
                "",
            ),
            is_reproducible=any(isinstance(each, lief.PE.Repro) for each in binary.debug),
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Keep lief from writing to the process's standard error what it thinks of a file."""
    before = lief.logging.get_level()
    lief.logging.set_level(lief.logging.LEVEL.OFF)
    try:
        yield
    finally:
        lief.logging.set_level(before)


def _what_is_read() -> lief.PE.ParserConfig:
    config = lief.PE.ParserConfig()
    config.parse_signature = False  # see authenticode.py
    config.parse_rsrc = False
    config.parse_reloc = False
    config.parse_exceptions = False
    return config


def _some(items: Iterable[Any], most: int, convert: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(convert(item) for item, _ in zip(items, range(most), strict=False))


def _section(section: lief.PE.Section, header_offset: int) -> Section:
    return Section(
        name=_text(section.name),
        address=section.virtual_address,
        virtual_size=section.virtual_size,
        offset=section.pointerto_raw_data,
        size=section.sizeof_raw_data,
        characteristics=int(section.characteristics),
        header_offset=header_offset,
    )


def _modules(modules: Iterable[lief.PE.Import]) -> tuple[Module, ...]:
    found: list[Module] = []
    room = _MOST_SYMBOLS  # of all modules: a small file can have each name the same long table
    for module, _ in zip(modules, range(MOST_MODULES), strict=False):
        symbols = _some(module.entries, room, _symbol)
        room -= len(symbols)
        found.append(Module(_text(module.name), symbols))
    return tuple(found)


def _symbol(entry: lief.PE.ImportEntry) -> Symbol:
    return Symbol("", entry.ordinal) if entry.is_ordinal else Symbol(_text(entry.name), 0)


def _export(entry: lief.PE.ExportEntry) -> Export:
    return Export(_text(entry.name), entry.address)


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("latin-1")
