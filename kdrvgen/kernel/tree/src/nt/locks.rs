//! `FAST_MUTEX` and `ERESOURCE`.
//!
//! Drivers provide the memory and leave the contents to the kernel. It is in non-paged pool, and the
//! objects never move.

use core::ffi::c_void;

use super::dispatcher::KEvent;

/// `FAST_MUTEX`.
#[repr(C)]
pub struct KFastMutex {
    /// 1 if the mutex is free.
    pub count: i32,
    pub owner: *mut c_void,
    pub contention: u32,
    pub event: KEvent,
    pub old_irql: u32,
}

layout! {
    KFastMutex: 0x38, 0x20 {
        count: 0x0, 0x0;
        owner: 0x8, 0x4;
        contention: 0x10, 0x8;
        event: 0x18, 0xC;
        old_irql: 0x30, 0x1C;
    }
}

/// `OWNER_ENTRY`: a thread that owns a resource.
#[repr(C)]
pub struct OwnerEntry {
    pub owner_thread: usize,
    pub table_size: u32,
}

layout! {
    OwnerEntry: 0x10, 0x8 {
        owner_thread: 0x0, 0x0;
        table_size: 0x8, 0x4;
    }
}

/// `ERESOURCE`.
#[repr(C)]
pub struct EResource {
    pub system_resources_list: [*mut c_void; 2],
    pub owner_table: *mut OwnerEntry,
    pub active_count: i16,
    pub flag: u16,
    pub shared_waiters: *mut c_void,
    pub exclusive_waiters: *mut c_void,
    pub owner_entry: OwnerEntry,
    pub active_entries: u32,
    pub contention_count: u32,
    pub number_of_shared_waiters: u32,
    pub number_of_exclusive_waiters: u32,
    #[cfg(target_pointer_width = "64")]
    pub reserved2: *mut c_void,
    pub address: *mut c_void,
    pub spin_lock: usize,
}

layout! {
    EResource: 0x68, 0x38 {
        system_resources_list: 0x0, 0x0;
        owner_table: 0x10, 0x8;
        active_count: 0x18, 0xC;
        flag: 0x1A, 0xE;
        shared_waiters: 0x20, 0x10;
        exclusive_waiters: 0x28, 0x14;
        owner_entry: 0x30, 0x18;
        active_entries: 0x40, 0x20;
        contention_count: 0x44, 0x24;
        number_of_shared_waiters: 0x48, 0x28;
        number_of_exclusive_waiters: 0x4C, 0x2C;
        address: 0x58, 0x30;
        spin_lock: 0x60, 0x34;
    }
}
