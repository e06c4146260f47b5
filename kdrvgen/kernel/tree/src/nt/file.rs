//! `FILE_OBJECT` and what the kernel reports about a file.

use core::ffi::c_void;

use super::objects::DeviceObject;

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
