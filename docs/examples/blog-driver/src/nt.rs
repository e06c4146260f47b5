//! The part of the kernel's interface that the driver uses, written out by hand.
//!
//! Names and layouts are those of wdm.h. A layout that drifts from the kernel's own is a crash
//! at best, so each is held against the documented offsets at compile time.

use core::ffi::{c_char, c_void};
use core::mem::{offset_of, size_of};

/// `NTSTATUS`: negative is failure.
pub type NtStatus = i32;

pub const STATUS_SUCCESS: NtStatus = 0;

/// The bug check of a crash that is asked for.
pub const MANUALLY_INITIATED_CRASH: u32 = 0xE2;

/// `UNICODE_STRING`: UTF-16 counted in bytes, without a NUL at its end.
#[repr(C)]
pub struct UnicodeString {
    pub length: u16,
    pub maximum_length: u16,
    pub buffer: *mut u16,
}

/// `DRIVER_UNLOAD`.
pub type DriverUnload = unsafe extern "system" fn(driver: *mut DriverObject);

/// `DRIVER_OBJECT`. Pointers to what this driver has no use for are untyped.
#[repr(C)]
pub struct DriverObject {
    pub object_type: i16,
    pub size: i16,
    pub device_object: *mut c_void,
    pub flags: u32,
    pub driver_start: *mut c_void,
    pub driver_size: u32,
    pub driver_section: *mut c_void,
    pub driver_extension: *mut c_void,
    pub driver_name: UnicodeString,
    pub hardware_database: *mut UnicodeString,
    pub fast_io_dispatch: *mut c_void,
    pub driver_init: *mut c_void,
    pub driver_start_io: *mut c_void,
    pub driver_unload: Option<DriverUnload>,
    pub major_function: [*mut c_void; 28],
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<UnicodeString>() == 0x10);
    assert!(offset_of!(DriverObject, driver_name) == 0x38);
    assert!(offset_of!(DriverObject, driver_unload) == 0x68);
    assert!(offset_of!(DriverObject, major_function) == 0x70);
    assert!(size_of::<DriverObject>() == 0x150);
};

#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<UnicodeString>() == 0x08);
    assert!(offset_of!(DriverObject, driver_name) == 0x1C);
    assert!(offset_of!(DriverObject, driver_unload) == 0x34);
    assert!(offset_of!(DriverObject, major_function) == 0x38);
    assert!(size_of::<DriverObject>() == 0xA8);
};

// `raw-dylib` needs neither a WDK nor an import library. On x86 the kernel exports its functions
// by their plain names, not by the decorated ones of their calling conventions.
#[cfg_attr(
    target_arch = "x86",
    link(
        name = "ntoskrnl.exe",
        kind = "raw-dylib",
        modifiers = "+verbatim",
        import_name_type = "undecorated"
    )
)]
#[cfg_attr(
    not(target_arch = "x86"),
    link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")
)]
extern "system" {
    pub fn MmIsAddressValid(address: *const c_void) -> u8;
    pub fn KeBugCheckEx(code: u32, p1: usize, p2: usize, p3: usize, p4: usize) -> !;
}

#[cfg_attr(
    target_arch = "x86",
    link(
        name = "ntoskrnl.exe",
        kind = "raw-dylib",
        modifiers = "+verbatim",
        import_name_type = "undecorated"
    )
)]
#[cfg_attr(
    not(target_arch = "x86"),
    link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")
)]
extern "C" {
    pub fn DbgPrint(format: *const c_char, ...) -> NtStatus;
}
