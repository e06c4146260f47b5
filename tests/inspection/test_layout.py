"""Layouts that the loader refuses, or maps otherwise than they look, each signed by its maker."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from kdrvgen.inspection.inspect import inspect_bytes
from tests.inspection.assembled import assembled
from tests.inspection.support import Fields, long, patched, short
from tests.pipeline.authority import CODE_SIGNING, Identity

Patches = Callable[[Fields], list[tuple[int, bytes]]]
OUTSIDE = struct.pack("<II", 0x90000, 12)
PDATA = 2  # the index of its section
# The relocations are at 0xA00 in the file.


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity.make("DriverCertificate", CODE_SIGNING)


BROKEN: dict[str, tuple[Patches, str]] = {
    "not executable": (
        lambda at: [(at.coff + 22, short(0x2020))],
        "Characteristics: without EXECUTABLE_IMAGE",
    ),
    "an odd unit of the file": (
        lambda at: [(at.optional + 36, long(0x300))],
        "FileAlignment: 0x300, not a power of 2 from 0x200 to 0x10000",
    ),
    "a small unit of the file": (
        lambda at: [(at.optional + 36, long(0x10))],
        "FileAlignment: 0x10, not a power of 2 from 0x200 to 0x10000",
    ),
    "no unit of the file": (
        lambda at: [(at.optional + 36, long(0))],
        "FileAlignment: 0x0, not a power of 2 from 0x200 to 0x10000",
    ),
    "a larger unit of the file": (
        lambda at: [(at.optional + 36, long(0x2000))],
        "FileAlignment: 0x2000, larger than SectionAlignment 0x1000",
    ),
    "an odd base": (
        lambda at: [(at.optional + 24, (0x180001000).to_bytes(8, "little"))],
        "ImageBase: 0x180001000, not a multiple of 0x10000",
    ),
    "short headers": (
        lambda at: [(at.optional + 60, long(0x200))],
        "SizeOfHeaders: 0x200, but the section table ends at 0x220",
    ),
    "a section between two sectors": (
        lambda at: [(at.section(PDATA) + 20, long(0x810))],
        "section .pdata: begins at offset 0x810 of the file, not a multiple of 0x200",
    ),
    "a section in another one": (
        lambda at: [(at.section(PDATA) + 20, long(0x600))],
        "section .pdata: begins at offset 0x600 of the file, before the end of section .rdata",
    ),
    "a section in the headers": (
        lambda at: [(at.section(PDATA) + 20, long(0x200))],
        "section .pdata: begins at offset 0x200 of the file, before the end of headers",
    ),
    "exceptions outside": (
        lambda at: [(at.directory(3), OUTSIDE)],
        "data directory EXCEPTION: 0x90000, 12 bytes, but the image ends at 0x5000",
    ),
    "addresses of imports outside": (
        lambda at: [(at.directory(12), OUTSIDE)],
        "data directory 12: 0x90000, 12 bytes, but the image ends at 0x5000",
    ),
    "relocations of a page outside": (
        lambda _: [(0xA00, long(0x7000))],
        "data directory RELOCATIONS: 0x4000, 12 bytes, with a block for the address 0x7000",
    ),
    "relocations of the page after the image": (
        lambda _: [(0xA00, long(0x5000))],
        "data directory RELOCATIONS: 0x4000, 12 bytes, with a block for the address 0x5000",
    ),
    "a long block of relocations": (
        lambda _: [(0xA04, long(16))],
        "data directory RELOCATIONS: 0x4000, 12 bytes, with a block of 16 bytes at 0x4000",
    ),
    "a block of relocations without a header": (
        lambda _: [(0xA04, long(0))],
        "data directory RELOCATIONS: 0x4000, 12 bytes, with a block of 0 bytes at 0x4000",
    ),
}


def _found(identity: Identity, patches: Patches) -> dict[str, list[str]]:
    fields = Fields(assembled(identity))
    data = assembled(identity, lambda image: patched(image, *patches(fields)))
    found: dict[str, list[str]] = {}
    for each in inspect_bytes(Path("hello.sys"), data).findings:
        if each.severity == "error":
            found.setdefault(each.rule, []).append(str(each.source))
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_a_layout_that_the_loader_refuses_is_an_error(identity: Identity, name: str) -> None:
    patches, source = BROKEN[name]
    found = _found(identity, patches)
    assert any(text.startswith(source) for text in found["image-layout"])
    # Without a section for the address, the imports cannot be read either.
    assert found.keys() - {"import-unreadable"} == {"image-layout"}


@pytest.mark.parametrize(("machine", "name"), [(0x14C, "I386"), (0x1C4, "ARMNT")])
def test_headers_must_fit_the_machine_type(identity: Identity, machine: int, name: str) -> None:
    found = _found(identity, lambda at: [(at.coff + 4, short(machine))])
    assert found["image-machine"] == [f"Machine: {name} (0x{machine:X}), with headers for 64 bits"]


def test_zeros_after_the_relocations_are_padding(identity: Identity) -> None:
    def longer(at: Fields) -> list[tuple[int, bytes]]:
        return [(at.directory(5) + 4, long(64)), (at.section(3) + 8, long(64))]

    assert _found(identity, longer) == {}
    found = _found(identity, lambda at: [*longer(at), (0xA20, b"\1")])
    assert found["image-layout"][0].endswith("with a block of 0 bytes at 0x400C")


def test_a_usual_layout_has_no_errors(identity: Identity) -> None:
    assert _found(identity, lambda _: []) == {}
