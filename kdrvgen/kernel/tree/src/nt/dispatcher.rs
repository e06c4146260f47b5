//! `DISPATCHER_HEADER`, `KEVENT`, `KTIMER` and `KDPC`: objects that threads wait for.
//!
//! Drivers provide the memory and leave the contents to the kernel. The lists in an object are linked
//! to its own address, so it never moves.

use core::ffi::c_void;

/// `DISPATCHER_HEADER`: the beginning of each object that a thread can wait for.
#[repr(C)]
pub struct DispatcherHeader {
    /// Type and size of the object.
    pub lock: i32,
    pub signal_state: i32,
    pub wait_list_head: [*mut c_void; 2],
}

layout! {
    DispatcherHeader: 0x18, 0x10 {
        lock: 0x0, 0x0;
        signal_state: 0x4, 0x4;
        wait_list_head: 0x8, 0x8;
    }
}

/// `KEVENT`.
#[repr(C)]
pub struct KEvent {
    pub header: DispatcherHeader,
}

layout! {
    KEvent: 0x18, 0x10 {
        header: 0x0, 0x0;
    }
}

/// `KTIMER`.
#[repr(C, align(8))]
pub struct KTimer {
    pub header: DispatcherHeader,
    /// In units of 100 ns.
    pub due_time: u64,
    pub timer_list_entry: [*mut c_void; 2],
    pub dpc: *mut KDpc,
    #[cfg(not(target_arch = "x86"))]
    pub processor: u32,
    /// In milliseconds.
    pub period: u32,
}

layout! {
    KTimer: 0x40, 0x28 {
        header: 0x0, 0x0;
        due_time: 0x18, 0x10;
        timer_list_entry: 0x20, 0x18;
        dpc: 0x30, 0x20;
        period: 0x3C, 0x24;
    }
}

/// `KDEFERRED_ROUTINE`: a routine that runs at `DISPATCH_LEVEL`.
pub type KDeferredRoutine = unsafe extern "system" fn(
    dpc: *mut KDpc,
    context: *mut c_void,
    argument1: *mut c_void,
    argument2: *mut c_void,
);

/// `KDPC`: a deferred procedure call.
#[repr(C)]
pub struct KDpc {
    pub object_type: u8,
    pub importance: u8,
    pub number: u16,
    pub dpc_list_entry: [*mut c_void; 2],
    pub deferred_routine: Option<KDeferredRoutine>,
    pub deferred_context: *mut c_void,
    pub system_argument1: *mut c_void,
    pub system_argument2: *mut c_void,
    pub dpc_data: *mut c_void,
}

layout! {
    KDpc: 0x40, 0x20 {
        object_type: 0x0, 0x0;
        importance: 0x1, 0x1;
        number: 0x2, 0x2;
        dpc_list_entry: 0x8, 0x4;
        deferred_routine: 0x18, 0xC;
        deferred_context: 0x20, 0x10;
        system_argument1: 0x28, 0x14;
        system_argument2: 0x30, 0x18;
        dpc_data: 0x38, 0x1C;
    }
}
