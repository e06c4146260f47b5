"""A PE file as a value: headers, sections, imports, exports and debug records."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import lief

from kdrvgen.inspection.pe.headers import Characteristic, Headers, read_headers

__all__ = ["MAX_MODULES", "Export", "Image", "Module", "Section", "Symbol", "read_image"]

MAX_MODULES = 256
"""How many imported modules are read. No driver has more; a damaged file can claim any number."""

_MAX_SYMBOLS = 8192  # for the same reason


class Section(NamedTuple):
    """A section: its place in memory and in the file, and its attributes."""

    name: str
    address: int
    virtual_size: int
    offset: int
    size: int
    characteristics: int
    header_offset: int

    def has(self, flag: Characteristic) -> bool:
        """Return whether all bits of a flag are set."""
        return self.characteristics & flag == flag

    @property
    def access(self) -> str:
        """Its access rights, such as `R-X`."""
        flags = (Characteristic.READ, Characteristic.WRITE, Characteristic.EXECUTE)
        return "".join(
            letter if self.has(flag) else "-" for letter, flag in zip("RWX", flags, strict=True)
        )

    @property
    def extent(self) -> int:
        """Its size in memory, in bytes."""
        return self.virtual_size or self.size


class Symbol(NamedTuple):
    """An imported function; it has an ordinal if it has no name."""

    name: str
    ordinal: int


class Module(NamedTuple):
    """A module that the image imports from."""

    name: str
    symbols: tuple[Symbol, ...]


class Export(NamedTuple):
    """An exported function or value."""

    name: str
    address: int


class Image(NamedTuple):
    """A PE file.

    Attributes:
        data: The bytes of the file.
        headers: Its headers.
        sections: In the order of the section table.
        modules: The imported modules, in the order of the import table.
        delayed: The names of the delay-loaded modules.
        exports: The exports that have a name.
        pdb: The path of the PDB in a debug record; "" if there is none.
        is_reproducible: Whether a debug record marks the image as reproducible.
    """

    data: bytes
    headers: Headers
    sections: tuple[Section, ...]
    modules: tuple[Module, ...]
    delayed: tuple[str, ...]
    exports: tuple[Export, ...]
    pdb: str
    is_reproducible: bool

    def __repr__(self) -> str:
        """Return what identifies it, without its contents."""
        sections = " ".join(section.name for section in self.sections)
        return f"Image({self.headers.machine_name}, {len(self.data)} bytes, {sections})"

    def imported(self) -> frozenset[str]:
        """Return the names of all imported functions."""
        return frozenset(symbol.name for module in self.modules for symbol in module.symbols)

    def section_at(self, address: int) -> Section | None:
        """Return the section at an address relative to the image; None if there is none."""
        for section in self.sections:
            if section.address <= address < section.address + section.extent:
                return section
        return None

    def content(self, address: int, size: int) -> bytes:
        """Return what the file has for some bytes of memory, up to the end of their section.

        Args:
            address: Relative to the image.
            size: In bytes.
        """
        section = self.section_at(address)
        if section is None:
            return b""
        start = section.offset + address - section.address
        return self.data[start : min(start + size, section.offset + section.size)]


def read_image(data: bytes) -> Image | None:
    """Read an image; read damaged tables up to the damage.

    Returns:
        The image; None if this is not a PE file.
    """
    headers = read_headers(data)
    if headers is None:
        return None
    with _silence():
        binary = lief.PE.parse(io.BytesIO(data), _parser_config())
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
            delayed=_first(binary.delay_imports, MAX_MODULES, lambda module: _text(module.name)),
            exports=_first(export.entries, _MAX_SYMBOLS, _export) if export else (),
            pdb=next(
                (
                    _text(record.filename)
                    for record in binary.debug
                    if isinstance(record, lief.PE.CodeViewPDB)
                ),
                "",
            ),
            is_reproducible=any(isinstance(record, lief.PE.Repro) for record in binary.debug),
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Stop lief from writing messages about a file to standard error."""
    before = lief.logging.get_level()
    lief.logging.set_level(lief.logging.LEVEL.OFF)
    try:
        yield
    finally:
        lief.logging.set_level(before)


def _parser_config() -> lief.PE.ParserConfig:
    config = lief.PE.ParserConfig()
    config.parse_signature = False  # signature/authenticode.py reads them
    config.parse_rsrc = False
    config.parse_reloc = False
    config.parse_exceptions = False
    return config


def _first(items: Iterable[Any], limit: int, convert: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(convert(item) for item, _ in zip(items, range(limit), strict=False))


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
    result: list[Module] = []
    remaining = _MAX_SYMBOLS  # for all modules: in a small file, all can share one long table
    for module, _ in zip(modules, range(MAX_MODULES), strict=False):
        symbols = _first(module.entries, remaining, _symbol)
        remaining -= len(symbols)
        result.append(Module(_text(module.name), symbols))
    return tuple(result)


def _symbol(entry: lief.PE.ImportEntry) -> Symbol:
    return Symbol("", entry.ordinal) if entry.is_ordinal else Symbol(_text(entry.name), 0)


def _export(entry: lief.PE.ExportEntry) -> Export:
    return Export(_text(entry.name), entry.address)


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("latin-1")
