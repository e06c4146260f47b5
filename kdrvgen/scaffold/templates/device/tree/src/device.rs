//! The device and its symbolic link, which undo themselves where the driver does not start.

use core::mem;
use core::ptr;

use crate::nt::objects::{FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN};
use crate::nt::{DeviceObject, DriverObject, NtStatus, UnicodeString};

/// A device object, deleted when it is dropped.
#[must_use]
pub struct Device(*mut DeviceObject);

impl Device {
    /// Makes a device.
    ///
    /// Its security is what the kernel gives by default: administrators and the system may do all,
    /// others what `\Device` grants them. `FILE_DEVICE_SECURE_OPEN` has it asked for every name
    /// below the device's too.
    pub fn create(driver: &mut DriverObject, name: &UnicodeString<'_>) -> Result<Self, NtStatus> {
        let mut device = ptr::null_mut();
        // SAFETY: all of it outlives the call.
        unsafe {
            IoCreateDevice(
                driver,
                0,
                name,
                FILE_DEVICE_UNKNOWN,
                FILE_DEVICE_SECURE_OPEN,
                0,
                &raw mut device,
            )
        }
        .check()?;
        Ok(Self(device))
    }

    /// Leaves the device to [`Device::delete_all`].
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Deletes all devices of a driver, whose object has the first of them.
    ///
    /// # Safety
    ///
    /// None of them is used afterwards.
    pub unsafe fn delete_all(first: *mut DeviceObject) {
        let mut next = first;
        while !next.is_null() {
            let device = Self(next);
            // SAFETY: it is in the list of devices, and so not deleted yet.
            next = unsafe { (*next).next_device };
            drop(device);
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: it was made by `IoCreateDevice`, and this is its one owner.
        unsafe { IoDeleteDevice(self.0) };
    }
}

/// A name for the device that programs find, deleted when it is dropped.
#[must_use]
pub struct SymbolicLink<'a>(&'a UnicodeString<'a>);

impl<'a> SymbolicLink<'a> {
    /// Makes `name` mean `target`.
    pub fn create(
        name: &'a UnicodeString<'a>,
        target: &UnicodeString<'_>,
    ) -> Result<Self, NtStatus> {
        // SAFETY: both names outlive the call.
        unsafe { IoCreateSymbolicLink(name, target) }.check()?;
        Ok(Self(name))
    }

    /// Leaves the link to [`SymbolicLink::delete`].
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Deletes a link that was kept.
    pub fn delete(name: &UnicodeString<'_>) {
        // SAFETY: the name outlives the call. It fails for a link that is gone: none is left then.
        let _ = unsafe { IoDeleteSymbolicLink(name) };
    }
}

impl Drop for SymbolicLink<'_> {
    fn drop(&mut self) {
        Self::delete(self.0);
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn IoCreateDevice(
            driver: *mut DriverObject,
            extension_size: u32,
            name: *const UnicodeString<'_>,
            device_type: u32,
            characteristics: u32,
            exclusive: u8,
            device: *mut *mut DeviceObject,
        ) -> NtStatus;
        fn IoCreateSymbolicLink(
            name: *const UnicodeString<'_>,
            target: *const UnicodeString<'_>,
        ) -> NtStatus;
        fn IoDeleteDevice(device: *mut DeviceObject);
        fn IoDeleteSymbolicLink(name: *const UnicodeString<'_>) -> NtStatus;
    }
}
