//! `FILE_OBJECT`, `OBJECT_ATTRIBUTES` and the numbers of `ZwCreateFile`.

use core::ffi::c_void;

use super::objects::DeviceObject;
use super::unicode_string::UnicodeString;

/// `FILE_OBJECT`, up to the last member that a driver uses: what a handle to a device or file leads to.
/// Only the kernel creates one.
#[repr(C)]
pub struct FileObject {
    pub object_type: i16,
    pub size: i16,
    pub device_object: *mut DeviceObject,
    pub vpb: *mut c_void,
    /// For file systems: other parts of the kernel take it for a `FSRTL_COMMON_FCB_HEADER`.
    pub fs_context: *mut c_void,
    /// For the driver of the device, which [`open`](crate::open) uses.
    pub fs_context2: *mut c_void,
}

layout! {
    FileObject {
        object_type: 0x0, 0x0;
        size: 0x2, 0x2;
        device_object: 0x8, 0x4;
        vpb: 0x10, 0x8;
        fs_context: 0x18, 0xC;
        fs_context2: 0x20, 0x10;
    }
}

/// `OBJECT_ATTRIBUTES`: which object to open or create.
#[repr(C)]
pub struct ObjectAttributes<'a> {
    pub length: u32,
    pub root_directory: *mut c_void,
    pub object_name: *const UnicodeString<'a>,
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
/// `OBJ_KERNEL_HANDLE`: programs cannot use the handle, and it is valid in all processes.
pub const OBJ_KERNEL_HANDLE: u32 = 0x200;

/// `FILE_STANDARD_INFORMATION`.
#[repr(C)]
pub struct FileStandardInformation {
    pub allocation_size: i64,
    pub end_of_file: i64,
    pub number_of_links: u32,
    pub delete_pending: u8,
    pub directory: u8,
}

layout! {
    FileStandardInformation: 0x18, 0x18 {
        allocation_size: 0x0, 0x0;
        end_of_file: 0x8, 0x8;
        number_of_links: 0x10, 0x10;
        delete_pending: 0x14, 0x14;
        directory: 0x15, 0x15;
    }
}
