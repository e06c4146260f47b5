"""Finds instructions of x86 code that use the registers of SSE or AVX.

A byte sequence that looks like such an instruction can be part of another one, so capstone decodes
the code. On x64 the image lists its functions (`.pdata`), and all of them are decoded from their
beginnings. On x86, decoding follows the code from the entry point.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from kdrvgen.inspection.pe.headers import Characteristic, DirectoryIndex, Machine
from kdrvgen.inspection.pe.image import Image

__all__ = ["Instruction", "vector_instructions"]

_FUNCTION_SIZE = 12  # RUNTIME_FUNCTION: begin, end, unwind information
_MAX_DECODED = 1 << 20  # bytes of code, about half a second
_MAX_STEPS = 1 << 17  # instructions
_WINDOW = 64
# Opcodes after which the usual prefixes of AVX (VEX: C4, C5; EVEX: 62) occur: nearly every function
# that uses AVX moves or clears a register.
_AVX_BYTES = re.compile(
    rb"\xc5[\x78-\x7f\xf8-\xff][\x10\x11\x12\x13\x16\x17\x28\x29\x2b\x57\x6e\x6f\x77\x7e\x7f\xd6\xe7"
    rb"\xef]|\xc4[\x01-\xe3][\x01-\xff]|\x62[\x01-\xf3]..",
    re.DOTALL,
)
_AVX = re.compile(r"[yz]mm\d|\bk[1-7]\b")
_SSE = re.compile(r"[xyz]mm\d|\bmm\d")
_TARGET = re.compile(r"(?<!\[)\b0x([0-9a-f]+)(?![^\[]*\])")
_ENDS = ("jmp", "ret", "retf", "iretd", "int3", "hlt", "ud2")


class Instruction(NamedTuple):
    """An instruction: its address relative to the image, and its text."""

    address: int
    text: str


def vector_instructions(image: Image) -> tuple[Instruction | None, bool]:
    """Return the first AVX instruction of an x64 image, or SSE or MMX instruction of an x86 image.

    Returns:
        The instruction, and whether all code was decoded.
    """
    if image.headers.machine == Machine.AMD64:
        return _first_avx(image)
    if image.headers.machine == Machine.I386:
        return _first_sse(image)
    return None, True


def _first_avx(image: Image) -> tuple[Instruction | None, bool]:
    from capstone import CS_ARCH_X86, CS_MODE_64, Cs  # noqa: PLC0415 - not needed for every image

    decoder = Cs(CS_ARCH_X86, CS_MODE_64)
    remaining = _MAX_DECODED
    for start, code in _functions(image):
        if not _AVX_BYTES.search(code):
            continue
        if remaining <= 0:
            return None, False
        remaining -= len(code)
        for address, _, name, operands in decoder.disasm_lite(code, start):
            # An instruction of AVX has a name with v; XSAVE's family has not.
            if name.startswith("v") and (_SSE.search(operands) or name.startswith("vzero")):
                return Instruction(address, f"{name} {operands}".rstrip()), True
            if name.startswith("k") and _AVX.search(operands):
                return Instruction(address, f"{name} {operands}"), True
    return None, True


def _functions(image: Image) -> Iterator[tuple[int, bytes]]:
    """Yield the address and the code of each function in .pdata."""
    directory = image.headers.directory(DirectoryIndex.EXCEPTION)
    table = image.content(directory.address, directory.size)
    whole = len(table) - len(table) % _FUNCTION_SIZE
    end = 0
    for first, last, _ in struct.iter_unpack("<III", table[:whole]):
        begin = max(first, end)  # a damaged table can list one function many times
        if begin < last:
            end = last
            yield begin, image.content(begin, last - begin)


def _first_sse(image: Image) -> tuple[Instruction | None, bool]:
    from capstone import CS_ARCH_X86, CS_MODE_32, Cs  # noqa: PLC0415 - not needed for every image

    decoder = Cs(CS_ARCH_X86, CS_MODE_32)
    pending = [image.headers.entry_point, *(export.address for export in image.exports)]
    seen: set[int] = set()
    while pending and len(seen) < _MAX_STEPS:
        address = pending.pop()
        section = image.section_at(address)
        if address in seen or section is None or not section.has(Characteristic.EXECUTE):
            continue
        # Capstone decodes all that it gets, so it gets little.
        code = image.content(address, _WINDOW)
        following = address
        for at, size, name, operands in decoder.disasm_lite(code, address):
            if at in seen:
                break
            seen.add(at)
            if _SSE.search(operands):
                return Instruction(at, f"{name} {operands}"), True
            pending += _targets(name, operands, image.headers.image_base)
            if name in _ENDS:
                break
            following = at + size
        else:
            if following > address:
                pending.append(following)
    return None, len(seen) < _MAX_STEPS


def _targets(name: str, operands: str, base: int) -> Iterator[int]:
    """Yield the addresses that an instruction refers to, relative to the image."""
    # The decoder knows addresses relative to the image; operands that are not of a branch hold
    # absolute ones, such as those of callbacks.
    own_base = 0 if name.startswith(("j", "call", "loop")) else base
    for match in _TARGET.finditer(operands):
        if (target := int(match[1], 16) - own_base) >= 0:
            yield target
