//! A kernel driver that logs a line when it loads and another one when it unloads.

#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

use core::ffi::c_void;
use core::ptr;

use kernel::log;
use kernel::{DriverObject, NtError, UnicodeString};

kernel::driver! {
    entry: driver_entry,
    start: start,
    log_component: IhvDriver,
    log_level: Error,
}

/// Starts the driver. If it returns an error, Windows removes the driver.
#[allow(clippy::unnecessary_wraps)] // a driver that does more can fail
fn start(driver: &mut DriverObject, _registry_path: &UnicodeString<'_>) -> Result<(), NtError> {
    driver.driver_unload = Some(unload);
    log!(
        "loaded, MmIsAddressValid(start) = {}, MmIsAddressValid(null) = {}",
        is_address_valid(start as *const c_void),
        is_address_valid(ptr::null()),
    );
    Ok(())
}

/// Ends the driver, for example after `sc stop`.
unsafe extern "system" fn unload(_driver: *mut DriverObject) {
    log!("unloaded");
}

/// Asks the kernel whether reading `address` would fault. IRQL: `DISPATCH_LEVEL` or below.
///
/// The answer can be out of date at once, so it is for diagnosis, not for protection.
fn is_address_valid(address: *const c_void) -> bool {
    // SAFETY: the kernel looks the address up, and does not read through it.
    unsafe { MmIsAddressValid(address) != 0 }
}

kernel::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn MmIsAddressValid(address: *const c_void) -> u8;
    }
}
