//! `OBJECT_ATTRIBUTES`, for the functions that open and create objects.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr;

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

impl<'a> ObjectAttributes<'a> {
    /// Returns the attributes for a kernel handle, which no program can use. IRQL: any.
    ///
    /// `root_directory` and `object_name` can be null. `flags` are `OBJ_…`.
    #[must_use]
    pub const fn of_kernel_handle(
        root_directory: *mut c_void,
        object_name: *const UnicodeString<'a>,
        flags: u32,
    ) -> Self {
        Self {
            #[allow(clippy::cast_possible_truncation)] // some ten bytes
            length: size_of::<Self>() as u32,
            root_directory,
            object_name,
            attributes: flags | OBJ_KERNEL_HANDLE,
            security_descriptor: ptr::null_mut(),
            security_quality_of_service: ptr::null_mut(),
        }
    }
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
