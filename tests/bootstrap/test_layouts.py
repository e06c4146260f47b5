"""The kernel's structures as the building blocks lay them out, and as mingw-w64's headers do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pipeline.support import REPOSITORY, need, run, without

NT = REPOSITORY / "kdrvgen/kernel/tree/src/nt"
HERE = Path(__file__).parent / "blocks"
HEADERS = Path("/usr/share/mingw-w64/include")

# What a structure is in wdm.h: its type, and the member of it that it is, if any.
STRUCTURES = {
    "DriverObject": ("DRIVER_OBJECT", ""),
    "DeviceObject": ("DEVICE_OBJECT", ""),
    "Irp": ("IRP", ""),
    "IrpTail": ("IRP", "Tail.Overlay"),
    "IoStatusBlock": ("IO_STATUS_BLOCK", ""),
    "IoStackLocation": ("IO_STACK_LOCATION", ""),
    "DeviceIoControl": ("IO_STACK_LOCATION", "Parameters.DeviceIoControl"),
    "TransferParameters": ("IO_STACK_LOCATION", "Parameters.Read"),
    "Mdl": ("MDL", ""),
    "FileObject": ("FILE_OBJECT", ""),
    "FileStandardInformation": ("FILE_STANDARD_INFORMATION", ""),
    "UnicodeString": ("UNICODE_STRING", ""),
    "SecurityDescriptor": ("SECURITY_DESCRIPTOR_RELATIVE", ""),
    "Acl": ("ACL", ""),
    "AceHeader": ("ACE_HEADER", ""),
    "DispatcherHeader": ("DISPATCHER_HEADER", ""),
    "KEvent": ("KEVENT", ""),
    "KTimer": ("KTIMER", ""),
    "KDpc": ("KDPC", ""),
    "KFastMutex": ("FAST_MUTEX", ""),
    "OwnerEntry": ("OWNER_ENTRY", ""),
    "EResource": ("ERESOURCE", ""),
    "ObjectAttributes": ("OBJECT_ATTRIBUTES", ""),
    "KeyValuePartialInformation": ("KEY_VALUE_PARTIAL_INFORMATION", ""),
    "ClientId": ("CLIENT_ID", ""),
    "PsCreateNotifyInfo": ("PS_CREATE_NOTIFY_INFO", ""),
    "ImageInfo": ("IMAGE_INFO", ""),
}
# Names that are not the same words in both languages.
NAMES = {"object_type": "Type", "value_type": "Type", "result": "Status"}


class Structure(NamedTuple):
    """A structure, with its numbers for 64-bit machines and for 32-bit ones."""

    name: str
    sizes: tuple[int, int] | None
    offsets: dict[str, tuple[int, int]]


def asserted() -> Iterator[Structure]:
    """Yield what the compiler holds each structure to, which every build of a driver does."""
    block = re.compile(r"^layout! \{\n    (\w+)(.*?) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
    for file in sorted(NT.glob("*.rs")):
        for name, size, lines in block.findall(file.read_text(encoding="utf-8")):
            sizes = [int(each, 16) for each in re.findall(r"0x\w+", size)]
            offsets = re.findall(r"(\w+): (0x\w+), (0x\w+);", lines)
            yield Structure(
                name,
                (sizes[0], sizes[1]) if sizes else None,
                {field: (int(wide, 16), int(narrow, 16)) for field, wide, narrow in offsets},
            )


def expression(structure: Structure, field: str | None) -> str:
    """Return what a size (no field) or an offset is in C."""
    kind, member = STRUCTURES[structure.name]
    if field is None:
        return f"sizeof((({kind} *)0)->{member})" if member else f"sizeof({kind})"
    camel = NAMES.get(field) or "".join(part.capitalize() for part in field.split("_"))
    if not member:
        return f"__builtin_offsetof({kind}, {camel})"
    return f"__builtin_offsetof({kind}, {member}.{camel}) - __builtin_offsetof({kind}, {member})"


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["x86_64", "i686", "aarch64"])
def test_layouts_match_the_driver_headers_of_mingw(tmp_path: Path, architecture: str) -> None:
    need("clang")
    if not (HEADERS / "ddk/wdm.h").is_file():
        without(
            "the headers of mingw-w64 are not installed; "
            "`apt-get install mingw-w64-common` installs them"
        )
    which = 1 if architecture == "i686" else 0
    ours: dict[tuple[str, str | None], tuple[int, str]] = {}
    for structure in asserted():
        if structure.sizes:
            ours[structure.name, None] = structure.sizes[which], expression(structure, None)
        for field, offsets in structure.offsets.items():
            ours[structure.name, field] = offsets[which], expression(structure, field)
    # One more, since an assembler writes a zero in several ways.
    expressions = ", ".join(f"{text} + 1" for _, text in ours.values())
    done = run(
        [
            "clang",
            f"--target={architecture}-w64-windows-gnu",
            f"-I{HERE}",
            *("-isystem", HEADERS, "-isystem", HEADERS / "ddk"),
            f"-DLAYOUTS={expressions}",
            *("-S", "-o", tmp_path / "layouts.s", HERE / "layouts.c"),
        ],
        tmp_path,
    )
    assert done.returncode == 0, done.stdout

    assembly = (tmp_path / "layouts.s").read_text(encoding="utf-8")
    numbers = re.findall(r"^\t\.(?:long|word)\t(\d+)", assembly, re.MULTILINE)
    theirs = [int(each) - 1 for each in numbers]

    assert {STRUCTURES[name][0] for name, _ in ours} >= {"DRIVER_OBJECT", "IRP"}
    assert dict(zip(ours, theirs, strict=True)) == {key: value for key, (value, _) in ours.items()}


def test_the_offset_of_every_field_is_checked() -> None:
    block = re.compile(r"^pub struct (\w+)(?:<.*?>)? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
    # A field with `#[cfg(…)]` exists on some machines only, between two others.
    field = re.compile(r"(?<!\)\]\n)^    (?:pub )?(\w+): (?!PhantomData)", re.MULTILINE)
    declared = {
        name: set(field.findall(fields))
        for file in NT.glob("*.rs")
        for name, fields in block.findall(file.read_text(encoding="utf-8"))
    }

    assert {structure.name: set(structure.offsets) for structure in asserted()} == declared
    assert set(declared) == set(STRUCTURES)
