//! The part of the kernel's interface that drivers use most.
//!
//! Names are those of wdm.h, in the spelling of Rust. A layout that differs from that of the kernel
//! corrupts memory, so the compiler checks each one against the offsets of wdm.h.

use core::ffi::c_void;

/// Fails to compile unless a structure has these offsets, and this size if it is given: the first
/// number is for 64-bit machines, the second one for 32-bit machines.
macro_rules! layout {
    (
        $type:ident $(: $size64:literal, $size32:literal)? {
            $($field:ident: $offset64:literal, $offset32:literal;)+
        }
    ) => {
        const _: () = {
            const IS_64_BIT: bool = cfg!(target_pointer_width = "64");
            $(assert!(
                core::mem::size_of::<$type>() == if IS_64_BIT { $size64 } else { $size32 }
            );)?
            $(assert!(
                core::mem::offset_of!($type, $field)
                    == if IS_64_BIT { $offset64 } else { $offset32 }
            );)+
        };
    };
}

pub mod dispatcher;
pub mod file;
pub mod irp;
pub mod locks;
pub mod mdl;
pub mod notify;
pub mod object_attributes;
pub mod objects;
pub mod registry;
pub mod security;
pub mod status;
pub mod unicode_string;

pub use irp::{IoStackLocation, Irp};
pub use objects::{DeviceObject, DriverObject};
pub use status::{NtError, NtStatus};
pub use unicode_string::UnicodeString;

/// Returns the address of a function that the kernel or the HAL exports; null if neither does.
///
/// It is for functions that not every version of Windows has: a driver that imports one does not
/// load without it. IRQL: `PASSIVE_LEVEL`.
#[must_use]
pub fn system_routine(name: &UnicodeString<'_>) -> *mut c_void {
    // SAFETY: the name outlives the call.
    unsafe { MmGetSystemRoutineAddress(name) }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn MmGetSystemRoutineAddress(name: *const UnicodeString<'_>) -> *mut c_void;
    }
}
