"""Who can open the device of the template `device`."""

from __future__ import annotations

import re
import struct

import pytest

from tests.bootstrap.conftest import NewProject
from tests.bootstrap.kernel import Kernel

pytestmark = pytest.mark.slow

# Logs the security descriptor that the kernel has for a device.
_QUERY = """
fn log_descriptor(device: &Device) {
    const READ_CONTROL: u32 = 0x2_0000;
    let mut handle = core::ptr::null_mut();
    let (mut descriptor, mut length) = ([0_u8; 256], 0);
    // SAFETY: all pointers are valid during the calls.
    unsafe {
        let (object, none) = (device.as_ptr().cast(), core::ptr::null_mut());
        let _ = ObOpenObjectByPointer(object, 0x200, none, READ_CONTROL, none, 0, &raw mut handle);
        let _ = ZwQuerySecurityObject(handle, 4, descriptor.as_mut_ptr(), 256, &raw mut length);
    }
    log!("descriptor: {:02x?}", &descriptor[..length as usize]);
}

kernel::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ObOpenObjectByPointer(
            object: *mut core::ffi::c_void,
            attributes: u32,
            state: *mut core::ffi::c_void,
            access: u32,
            kind: *mut core::ffi::c_void,
            mode: i8,
            handle: *mut *mut core::ffi::c_void,
        ) -> kernel::NtStatus;
        fn ZwQuerySecurityObject(
            handle: *mut core::ffi::c_void,
            information: u32,
            descriptor: *mut u8,
            length: u32,
            needed: *mut u32,
        ) -> kernel::NtStatus;
    }
}
"""


@pytest.mark.parametrize(
    ("access", "entries"),
    [
        ("AdministratorsAndSystem", [("S-1-5-18", 0x1F01FF), ("S-1-5-32-544", 0x1F01FF)]),
        (
            "Everyone",
            [("S-1-5-18", 0x1F01FF), ("S-1-5-32-544", 0x1F01FF), ("S-1-1-0", 0x12019F)],
        ),
    ],
)
def test_only_the_chosen_users_can_open_the_device(
    new_project: NewProject, kernel: Kernel, access: str, entries: list[tuple[str, int]]
) -> None:
    project = new_project("device", name="guarded")
    project.edit("src/lib.rs", "Access::AdministratorsAndSystem", f"Access::{access}")
    kept = "    device.keep();\n"
    project.edit("src/lib.rs", kept, f"    log_descriptor(&device);\n{kept}")
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as source:
        source.write(_QUERY)
    project.make("sign")
    before = len(kernel.lines())

    with kernel.loaded(project.output("guarded.sys"), "guarded"):
        line, _ = kernel.lines()[before:]

    assert _entries(bytes.fromhex(re.sub("[^0-9a-f]", "", line.rpartition(": ")[2]))) == entries


def _entries(descriptor: bytes) -> list[tuple[str, int]]:
    """Return SID and access mask of each entry of a self-relative descriptor ([MS-DTYP])."""
    (at,) = struct.unpack_from("<I", descriptor, 16)
    (count,) = struct.unpack_from("<H", descriptor, at + 4)
    at += 8
    found = []
    for _ in range(count):
        kind, _, size, mask = struct.unpack_from("<BBHI", descriptor, at)
        assert kind == 0, "the entry grants access"
        revision, authorities = descriptor[at + 8], descriptor[at + 9]
        identifier = int.from_bytes(descriptor[at + 10 : at + 16], "big")
        numbers = struct.unpack_from(f"<{authorities}I", descriptor, at + 16)
        found.append(("-".join(map(str, ("S", revision, identifier, *numbers))), mask))
        at += size
    return found
