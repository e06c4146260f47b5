"""Each rule about the image is broken once, by changing the bytes that it checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import kdrvgen
from kdrvgen import inspection
from kdrvgen.inspection.checks import RULES
from tests.inspection.support import Fields, long, patched, rules, short

Patch = Callable[[Fields], Sequence[tuple[int, bytes]]]
READ, WRITE, EXECUTE, DISCARDABLE = 0x40000000, 0x80000000, 0x20000000, 0x02000000
NOT_PAGED, SHARED = 0x08000000, 0x10000000
CODE, INITIALIZED_DATA = 0x20, 0x40

BROKEN: dict[str, Patch] = {
    "image-machine": lambda at: [(at.coff + 4, short(0x1C0))],
    "image-subsystem": lambda at: [(at.optional + 68, short(3))],
    "image-entry-point": lambda at: [(at.optional + 16, long(0))],
    "image-checksum": lambda at: [(at.optional + 64, long(0x1234))],
    "image-checksum-missing": lambda at: [(at.optional + 64, long(0))],
    "image-relocations": lambda at: [(at.coff + 22, short(0x23))],
    "image-dynamic-base": lambda at: [(at.optional + 70, short(0x1A0))],
    "image-nx-compat": lambda at: [(at.optional + 70, short(0x0E0))],
    "image-integrity-check": lambda at: [(at.optional + 70, short(0x160))],
    "image-tls": lambda at: [(at.directory(9), long(0x1000) + long(24))],
    "image-clr": lambda at: [(at.directory(14), long(0x1000) + long(72))],
    "image-section-alignment": lambda at: [(at.optional + 32, long(0x200))],
    "image-truncated": lambda at: [(at.section(0) + 16, long(0x100000))],
    "image-layout": lambda at: [(at.optional + 56, long(0x123000))],
    "section-retpoline": lambda at: [
        (at.section(2), b".retplne"),
        (at.section(2) + 36, long(0x40)),
    ],
    "section-no-access": lambda at: [(at.section(2) + 36, long(NOT_PAGED))],
    "section-writable-code": lambda at: [
        (at.section(0) + 36, long(READ | WRITE | EXECUTE | NOT_PAGED))
    ],
    "section-paged": lambda at: [(at.section(1) + 36, long(READ | 0x40))],
    "section-discardable": lambda at: [(at.section(1) + 36, long(READ | DISCARDABLE))],
    "section-init": lambda at: [(at.section(1), b"INIT\0\0\0\0")],
    "section-shared": lambda at: [(at.section(1) + 36, long(READ | WRITE | SHARED | NOT_PAGED))],
    "section-name": lambda at: [(at.section(1), b"\xe2\x80\xae\0\0\0\0\0")],
    "import-delayed": lambda at: [(at.directory(13), long(0x1000) + long(64))],
    "import-bound": lambda at: [(at.directory(11), long(0x1000) + long(64))],
    "import-unreadable": lambda at: [(at.directory(1), long(0x7FFFFFFF))],
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_reported_at_the_changed_bytes(
    image: bytes, tmp_path: Path, rule: str
) -> None:
    patches = BROKEN[rule](Fields(image))
    path = tmp_path / "hello.sys"
    path.write_bytes(patched(image, *patches))

    found = [each for each in kdrvgen.verify(path).findings if each.rule == rule]

    assert found
    offsets = {offset for offset, _ in patches}
    assert {each.place.offset for each in found if each.place} & {
        *offsets,
        *(offset + 12 for offset in offsets),
        *(offset + 36 for offset in offsets),
        *(offset - 16 for offset in offsets),
    }


@pytest.mark.parametrize(
    ("rule", "characteristics", "letters"),
    [
        ("section-writable-code", CODE | READ | WRITE | EXECUTE | NOT_PAGED, "ERP"),
        ("section-writable-code", INITIALIZED_DATA | READ | WRITE | EXECUTE | NOT_PAGED, "RWP"),
        ("section-no-access", NOT_PAGED, "RP"),
        ("section-paged", CODE | READ | EXECUTE, "ERP"),
        ("section-discardable", READ | DISCARDABLE | NOT_PAGED, "RP"),
        ("section-shared", READ | WRITE | SHARED | NOT_PAGED, "RWP"),
    ],
)
def test_the_fix_of_a_section_lists_all_attributes_that_it_needs(
    image: bytes, tmp_path: Path, rule: str, characteristics: int, letters: str
) -> None:
    patch = Fields(image).section(0) + 36, long(characteristics)
    path = _written(tmp_path / "hello.sys", patched(image, patch))

    (found,) = (each for each in kdrvgen.verify(path).findings if each.rule == rule)

    assert f'linker.args = ["/SECTION:.text,{letters}"]' in found.help


def _renamed(image: bytes, old: bytes, new: bytes) -> bytes:
    assert image.count(old) == 1
    return image.replace(old, new.ljust(len(old), b"\0"))


@pytest.mark.parametrize(
    ("module", "rule"),
    [
        ("kernel32.dll", "import-user-mode"),
        ("ntdll.dll", "import-user-mode"),
        ("another.sys", "import-unknown-module"),
        ("NTOSKRNL.EXE", None),
        ("hal.dll", None),
        ("WDFLDR.SYS", None),
        ("fltmgr.sys", None),
    ],
)
def test_modules_are_classified_by_name_ignoring_case(
    image: bytes, tmp_path: Path, module: str, rule: str | None
) -> None:
    path = tmp_path / "hello.sys"
    path.write_bytes(_renamed(image, b"ntoskrnl.exe", module.encode()))

    found = {each: value for each, value in rules(path).items() if each.startswith("import-")}

    assert list(found) == ([rule] if rule else [])
    if rule:
        assert found[rule].startswith(f"{module}: ")


def test_a_module_with_an_unreadable_name_is_reported(image: bytes, tmp_path: Path) -> None:
    path = _written(tmp_path / "hello.sys", _renamed(image, b"ntoskrnl.exe", b"\xff\x01\x02"))

    assert rules(path)["import-unreadable"].startswith("1 descriptor at ")


def test_an_import_from_the_kernel_by_ordinal_is_reported(image: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hello.sys"
    inspection = kdrvgen.verify(_written(path, image))
    assert inspection.image
    address = inspection.image.headers.directory(1).address  # type: ignore[arg-type] # by number
    section = inspection.image.section_at(address)
    assert section
    directory = section.offset + address - section.address
    (lookup,) = (int.from_bytes(image[directory : directory + 4], "little"),)
    table = section.offset + lookup - section.address
    _written(path, patched(image, (table, (1 << 63 | 42).to_bytes(8, "little"))))

    assert rules(path)["import-by-ordinal"] == "ntoskrnl.exe: 42"


@pytest.mark.parametrize(
    ("pdb", "severity"),
    [(rb"C:\Users\me\d.pdb", "warning"), (rb"/home/me/d.pdb", "warning"), (rb"D:\d.pdb", "note")],
)
def test_a_pdb_path_with_a_folder_is_reported(
    image: bytes, tmp_path: Path, pdb: bytes, severity: str
) -> None:
    at = image.index(b"RSDS") + 24
    # The entry of the debug directory holds the length of the record, then its address.
    size = image.index(long(at - 24)) - 8
    data = patched(image, (at, pdb + b"\0"), (size, long(25 + len(pdb))))
    path = _written(tmp_path / "hello.sys", data)

    (found,) = (each for each in kdrvgen.verify(path).findings if each.rule == "image-pdb-path")

    assert found.severity == severity
    assert found.source == f"debug record CODEVIEW: {pdb.decode()}"


def test_data_after_the_last_section_is_reported(image: bytes, tmp_path: Path) -> None:
    at = Fields(image)
    stripped = patched(image, (at.security, bytes(8)))[: at.table[0]]
    path = _written(tmp_path / "hello.sys", stripped + b"more")

    assert rules(path)["image-overlay"] == "4 bytes"


@pytest.mark.parametrize("content", [b"", b"M", b"MZ", b"\x7fELF", b"MZ" + bytes(100)])
def test_a_file_that_is_not_an_image_is_reported_as_such(tmp_path: Path, content: bytes) -> None:
    assert list(rules(_written(tmp_path / "no.sys", content))) == ["image-format"]


def test_every_rule_has_a_title_a_reason_and_a_reference() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.id)
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert rule.reference


def test_the_types_of_an_inspection_can_be_imported() -> None:
    assert all(getattr(inspection, name).__name__ == name for name in inspection.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = inspection.Nothing


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
