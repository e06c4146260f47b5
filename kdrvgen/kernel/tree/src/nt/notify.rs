//! What the kernel passes to the routines that it notifies of processes and images.

use core::ffi::c_void;

use super::status::NtStatus;
use super::unicode_string::UnicodeString;

/// `CLIENT_ID`: the ids of a thread and its process.
#[repr(C)]
pub struct ClientId {
    pub unique_process: usize,
    pub unique_thread: usize,
}

layout! {
    ClientId: 0x10, 0x8 {
        unique_process: 0x0, 0x0;
        unique_thread: 0x8, 0x4;
    }
}

/// `PS_CREATE_NOTIFY_INFO`: a process that is being created.
#[repr(C)]
pub struct PsCreateNotifyInfo {
    pub size: usize,
    pub flags: u32,
    pub parent_process_id: usize,
    pub creating_thread_id: ClientId,
    pub file_object: *mut c_void,
    pub image_file_name: *const UnicodeString<'static>,
    pub command_line: *const UnicodeString<'static>,
    /// A driver writes an error to it to prevent the creation.
    pub creation_status: NtStatus,
}

layout! {
    PsCreateNotifyInfo: 0x48, 0x24 {
        size: 0x0, 0x0;
        flags: 0x8, 0x4;
        parent_process_id: 0x10, 0x8;
        creating_thread_id: 0x18, 0xC;
        file_object: 0x28, 0x14;
        image_file_name: 0x30, 0x18;
        command_line: 0x38, 0x1C;
        creation_status: 0x40, 0x20;
    }
}

/// `IMAGE_INFO`: an image that was mapped.
#[repr(C)]
pub struct ImageInfo {
    pub properties: u32,
    pub image_base: *mut c_void,
    pub image_selector: u32,
    /// In bytes.
    pub image_size: usize,
    pub image_section_number: u32,
}

layout! {
    ImageInfo: 0x28, 0x14 {
        properties: 0x0, 0x0;
        image_base: 0x8, 0x4;
        image_selector: 0x10, 0x8;
        image_size: 0x18, 0xC;
        image_section_number: 0x20, 0x10;
    }
}

/// `IMAGE_INFO.SystemModeImage`: the image is a driver, or another one of the kernel.
pub const IMAGE_INFO_SYSTEM_MODE: u32 = 0x100;
