//! A kernel driver that logs a line when it is loaded and one when it is stopped.

#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

mod log;
mod nt;
mod runtime;

use core::ffi::c_void;
use core::ptr;

use nt::{DriverObject, NtStatus, UnicodeString};

/// Asks the kernel whether reading `address` would fault.
///
/// The answer may be out of date as soon as it is given: it serves diagnosis, not protection.
fn is_address_valid(address: *const c_void) -> bool {
    // SAFETY: the kernel looks the address up and never reads through it.
    unsafe { nt::MmIsAddressValid(address) != 0 }
}

/// Where the kernel starts the driver: `DriverEntry` by the name the linker is given.
///
/// # Safety
///
/// Only the kernel calls this, once, with a driver object that lives until `unload` returns.
#[no_mangle]
pub unsafe extern "system" fn driver_entry(
    driver: *mut DriverObject,
    _registry_path: *const UnicodeString,
) -> NtStatus {
    // SAFETY: the caller's contract; without an unload routine the driver could not be stopped.
    unsafe { (*driver).driver_unload = Some(unload) };

    log!(
        "loaded, MmIsAddressValid(driver_entry) = {}, MmIsAddressValid(null) = {}",
        is_address_valid(driver_entry as *const c_void),
        is_address_valid(ptr::null()),
    );
    nt::STATUS_SUCCESS
}

/// Where the kernel says goodbye, after `sc stop`.
unsafe extern "system" fn unload(_driver: *mut DriverObject) {
    log!("unloaded");
}
