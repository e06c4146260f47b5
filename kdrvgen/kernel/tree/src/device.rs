//! Devices and symbolic links, which are deleted when they are dropped.

use core::mem;
use core::ptr;

use crate::irql::{self, APC_LEVEL, PASSIVE_LEVEL};
use crate::nt::objects::{
    DO_BUFFERED_IO, DO_DEVICE_INITIALIZING, DO_DIRECT_IO, FILE_DEVICE_SECURE_OPEN,
    FILE_DEVICE_UNKNOWN,
};
use crate::nt::{DeviceObject, DriverObject, NtError, NtStatus, UnicodeString};
use crate::security::{self, Access};

/// A device object, which is deleted when it is dropped. IRQL of that: `APC_LEVEL` or below.
#[must_use = "a device that is dropped is deleted"]
pub struct Device(*mut DeviceObject);

// SAFETY: a device object is not tied to a thread.
unsafe impl Send for Device {}

impl Device {
    /// Creates a device that only the users in `access` can open.
    ///
    /// Without a list of its own, a device gets the kernel's default one, which lets every program open
    /// it. The list also applies to names below the device's (`FILE_DEVICE_SECURE_OPEN`). It is set
    /// while the device is being initialized, when nobody can open it.
    ///
    /// Windows ends the initialization when the driver's start function returns. For a device that is
    /// created later, call [`Device::initialized`].
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// Among others `STATUS_OBJECT_NAME_COLLISION` if the name exists.
    pub fn create(
        driver: &mut DriverObject,
        name: &UnicodeString<'_>,
        access: Access,
    ) -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let mut device = ptr::null_mut();
        // SAFETY: all pointers are valid during the call.
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
        let device = Self(device);
        // SAFETY: the device exists. If it keeps the default list, it is deleted here.
        unsafe { security::set_access(device.0.cast(), access) }?;
        Ok(device)
    }

    /// Chooses where the data of `IRP_MJ_READ` and `IRP_MJ_WRITE` is. IRQL: any.
    ///
    /// Call it before programs can open the device. Without it, requests to read and write have no
    /// buffer ([`ReadRequest`](crate::transfer::ReadRequest)).
    pub fn set_transfer(&self, transfer: Transfer) {
        let flag = match transfer {
            Transfer::Buffered => DO_BUFFERED_IO,
            Transfer::Direct => DO_DIRECT_IO,
        };
        // SAFETY: the device exists, and its flags belong to its driver.
        unsafe {
            let others = (*self.0).flags & !(DO_BUFFERED_IO | DO_DIRECT_IO);
            (*self.0).flags = others | flag;
        }
    }

    /// Lets programs open a device that was created after the driver's start function returned.
    ///
    /// IRQL: any.
    pub fn initialized(&self) {
        // SAFETY: the device exists, and its flags belong to its driver.
        unsafe { (*self.0).flags &= !DO_DEVICE_INITIALIZING };
    }

    /// Returns the device object, which exists until the device is deleted. IRQL: any.
    #[must_use]
    pub fn as_ptr(&self) -> *mut DeviceObject {
        self.0
    }

    /// Keeps the device until [`Device::delete_all`]. IRQL: any.
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Deletes all devices of a driver.
    ///
    /// IRQL: `APC_LEVEL` or below.
    ///
    /// # Safety
    ///
    /// Nothing uses them after the call, in particular no [`Device`].
    pub unsafe fn delete_all(driver: &mut DriverObject) {
        let mut next = driver.device_object;
        while !next.is_null() {
            let device = Self(next);
            // SAFETY: a device in the list exists.
            next = unsafe { (*next).next_device };
            drop(device);
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the device exists, and `self` owns it.
        unsafe { IoDeleteDevice(self.0) };
    }
}

/// Where the data of reads and writes is while the driver has the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// In a buffer of the kernel's, which the kernel copies from and to the program
    /// (`DO_BUFFERED_IO`). It is the right choice for less than a page.
    Buffered,
    /// In the program's own pages, which the kernel locks in memory (`DO_DIRECT_IO`). Nothing is
    /// copied by the kernel, and the program can change the data during the request.
    Direct,
}

/// A name by which programs find a device. It is deleted when it is dropped. IRQL of that:
/// `PASSIVE_LEVEL`.
#[must_use = "a link that is dropped is deleted"]
pub struct SymbolicLink<'a>(&'a UnicodeString<'a>);

impl<'a> SymbolicLink<'a> {
    /// Creates the link `name` to the object `target`. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// Among others `STATUS_OBJECT_NAME_COLLISION` if the name exists.
    pub fn create(
        name: &'a UnicodeString<'a>,
        target: &UnicodeString<'_>,
    ) -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: both names are valid during the call.
        unsafe { IoCreateSymbolicLink(name, target) }.check()?;
        Ok(Self(name))
    }

    /// Keeps the link until [`SymbolicLink::delete`]. IRQL: any.
    pub fn keep(self) {
        mem::forget(self);
    }

    /// Deletes a link that was kept. Does nothing if it does not exist. IRQL: `PASSIVE_LEVEL`.
    pub fn delete(name: &UnicodeString<'_>) {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: the name is valid during the call. It fails only if there is no such link.
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
