//! `OBJECT_ATTRIBUTES`, for the functions that open and create objects.

use core::ffi::c_void;

use super::unicode_string::UnicodeString;

/// `OBJECT_ATTRIBUTES`: the name of an object, and how its handle is made.
#[repr(C)]
pub struct ObjectAttributes<'a> {
    /// In bytes, of this structure.
    pub length: u32,
    /// The handle that the name is relative to, or null.
    pub root_directory: *mut c_void,
    pub object_name: *const UnicodeString<'a>,
    /// `OBJ_…`.
    pub attributes: u32,
    pub security_descriptor: *mut c_void,
    pub security_quality_of_service: *mut c_void,
}

layout! {
    ObjectAttributes: 0x30, 0x18 {
        length: 0x0, 0x0;
        root_directory: 0x8, 0x4;
        object_name: 0x10, 0x8;
        attributes: 0x18, 0xC;
        security_descriptor: 0x20, 0x10;
        security_quality_of_service: 0x28, 0x14;
    }
}

/// `OBJ_CASE_INSENSITIVE`.
pub const OBJ_CASE_INSENSITIVE: u32 = 0x40;
/// `OBJ_KERNEL_HANDLE`: no program can use the handle.
pub const OBJ_KERNEL_HANDLE: u32 = 0x200;
