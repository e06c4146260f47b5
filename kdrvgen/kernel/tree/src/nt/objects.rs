//! `DRIVER_OBJECT` and `DEVICE_OBJECT`.

use core::ffi::c_void;

use super::irp::{Irp, MAJOR_FUNCTIONS};
use super::status::NtStatus;
use super::unicode_string::UnicodeString;
use crate::request::Dispatched;

/// `DRIVER_INITIALIZE`: the driver's entry point.
pub type DriverInitialize = unsafe extern "system" fn(
    driver: *mut DriverObject,
    registry_path: *const UnicodeString<'_>,
) -> NtStatus;

/// `DRIVER_UNLOAD`: the routine that ends the driver, at `PASSIVE_LEVEL`.
pub type DriverUnload = unsafe extern "system" fn(driver: *mut DriverObject);

/// `DRIVER_DISPATCH`: a routine for requests.
pub type DriverDispatch =
    unsafe extern "system" fn(device: *mut DeviceObject, irp: *mut Irp) -> Dispatched;

/// `DRIVER_OBJECT`. Pointers that drivers rarely use have no type.
#[repr(C)]
pub struct DriverObject {
    pub object_type: i16,
    pub size: i16,
    /// The first of the driver's devices, a list that is linked by `next_device`.
    pub device_object: *mut DeviceObject,
    pub flags: u32,
    pub driver_start: *mut c_void,
    pub driver_size: u32,
    pub driver_section: *mut c_void,
    pub driver_extension: *mut c_void,
    pub driver_name: UnicodeString<'static>,
    pub hardware_database: *mut UnicodeString<'static>,
    pub fast_io_dispatch: *mut c_void,
    pub driver_init: Option<DriverInitialize>,
    pub driver_start_io: *mut c_void,
    /// Windows cannot unload a driver without it.
    pub driver_unload: Option<DriverUnload>,
    /// The routine for each major function, `IRP_MJ_…`.
    pub major_function: [Option<DriverDispatch>; MAJOR_FUNCTIONS],
}

layout! {
    DriverObject: 0x150, 0xA8 {
        object_type: 0x0, 0x0;
        size: 0x2, 0x2;
        device_object: 0x8, 0x4;
        flags: 0x10, 0x8;
        driver_start: 0x18, 0xC;
        driver_size: 0x20, 0x10;
        driver_section: 0x28, 0x14;
        driver_extension: 0x30, 0x18;
        driver_name: 0x38, 0x1C;
        hardware_database: 0x48, 0x24;
        fast_io_dispatch: 0x50, 0x28;
        driver_init: 0x58, 0x2C;
        driver_start_io: 0x60, 0x30;
        driver_unload: 0x68, 0x34;
        major_function: 0x70, 0x38;
    }
}

/// `DEVICE_OBJECT`, up to the kernel's own part. Only the kernel creates one.
#[repr(C)]
pub struct DeviceObject {
    pub object_type: i16,
    pub size: u16,
    pub reference_count: i32,
    pub driver_object: *mut DriverObject,
    pub next_device: *mut DeviceObject,
    pub attached_device: *mut DeviceObject,
    pub current_irp: *mut Irp,
    pub timer: *mut c_void,
    pub flags: u32,
    pub characteristics: u32,
    pub vpb: *mut c_void,
    /// The driver's memory that `IoCreateDevice` allocated, zeroed.
    pub device_extension: *mut c_void,
    pub device_type: u32,
    pub stack_size: i8,
}

layout! {
    DeviceObject {
        object_type: 0x0, 0x0;
        size: 0x2, 0x2;
        reference_count: 0x4, 0x4;
        driver_object: 0x8, 0x8;
        next_device: 0x10, 0xC;
        attached_device: 0x18, 0x10;
        current_irp: 0x20, 0x14;
        timer: 0x28, 0x18;
        flags: 0x30, 0x1C;
        characteristics: 0x34, 0x20;
        vpb: 0x38, 0x24;
        device_extension: 0x40, 0x28;
        device_type: 0x48, 0x2C;
        stack_size: 0x4C, 0x30;
    }
}

/// `FILE_DEVICE_UNKNOWN`: the device is of no type that Windows knows.
pub const FILE_DEVICE_UNKNOWN: u32 = 0x22;

/// `FILE_DEVICE_SECURE_OPEN`: the device's access control list also applies to names below it.
pub const FILE_DEVICE_SECURE_OPEN: u32 = 0x100;

/// `DO_BUFFERED_IO`: reads and writes go through a buffer of the kernel's.
pub const DO_BUFFERED_IO: u32 = 0x04;
/// `DO_DIRECT_IO`: reads and writes go to the pages of the program's buffer.
pub const DO_DIRECT_IO: u32 = 0x10;
/// `DO_DEVICE_INITIALIZING`: nobody can open the device.
pub const DO_DEVICE_INITIALIZING: u32 = 0x80;
