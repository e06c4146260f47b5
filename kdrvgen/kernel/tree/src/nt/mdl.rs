//! `MDL`: the pages of a buffer.

use core::ffi::c_void;

/// `MDL`: a memory descriptor list. The numbers of the pages follow it. Only the kernel creates one.
#[repr(C)]
pub struct Mdl {
    pub next: *mut Mdl,
    pub size: i16,
    pub mdl_flags: i16,
    pub process: *mut c_void,
    /// The address in the kernel, if `mdl_flags` say that there is one.
    pub mapped_system_va: *mut c_void,
    pub start_va: *mut c_void,
    pub byte_count: u32,
    pub byte_offset: u32,
}

layout! {
    Mdl: 0x30, 0x1C {
        next: 0x0, 0x0;
        size: 0x8, 0x4;
        mdl_flags: 0xA, 0x6;
        process: 0x10, 0x8;
        mapped_system_va: 0x18, 0xC;
        start_va: 0x20, 0x10;
        byte_count: 0x28, 0x14;
        byte_offset: 0x2C, 0x18;
    }
}

/// `MDL_MAPPED_TO_SYSTEM_VA`: the pages have an address in the kernel.
pub const MDL_MAPPED_TO_SYSTEM_VA: i16 = 0x0001;
/// `MDL_SOURCE_IS_NONPAGED_POOL`: the pages are non-paged memory, which always has one.
pub const MDL_SOURCE_IS_NONPAGED_POOL: i16 = 0x0004;
