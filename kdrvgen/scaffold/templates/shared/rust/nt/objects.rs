//! `DRIVER_OBJECT` and `DEVICE_OBJECT`: what the kernel knows a driver and its devices by.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

use super::irp::{Irp, MAJOR_FUNCTIONS};
use super::status::NtStatus;
use super::unicode_string::UnicodeString;

/// `DRIVER_INITIALIZE`: the driver's entry point.
pub type DriverInitialize = unsafe extern "system" fn(
    driver: *mut DriverObject,
    registry_path: *const UnicodeString<'_>,
) -> NtStatus;

/// `DRIVER_UNLOAD`.
pub type DriverUnload = unsafe extern "system" fn(driver: *mut DriverObject);

/// `DRIVER_DISPATCH`.
pub type DriverDispatch =
    unsafe extern "system" fn(device: *mut DeviceObject, irp: *mut Irp) -> NtStatus;

/// `DRIVER_OBJECT`. Pointers to what is seldom looked at are untyped.
#[repr(C)]
pub struct DriverObject {
    pub object_type: i16,
    pub size: i16,
    /// The driver's devices: the first of a list, which `next_device` goes through.
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
    /// Without an unload routine a driver cannot be stopped.
    pub driver_unload: Option<DriverUnload>,
    /// Which routine gets which requests, by `IRP_MJ_…`.
    pub major_function: [Option<DriverDispatch>; MAJOR_FUNCTIONS],
}

/// `DEVICE_OBJECT`, up to where the kernel's own part of it begins. Only the kernel makes one.
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
    /// The memory that `IoCreateDevice` was asked for, zeroed.
    pub device_extension: *mut c_void,
    pub device_type: u32,
    pub stack_size: i8,
}

/// `FILE_DEVICE_UNKNOWN`, the type of a device that is none of the system's.
pub const FILE_DEVICE_UNKNOWN: u32 = 0x22;

/// `FILE_DEVICE_SECURE_OPEN`: the device's security holds for every name below it as well.
pub const FILE_DEVICE_SECURE_OPEN: u32 = 0x100;

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(offset_of!(DriverObject, device_object) == 0x8);
    assert!(offset_of!(DriverObject, flags) == 0x10);
    assert!(offset_of!(DriverObject, driver_start) == 0x18);
    assert!(offset_of!(DriverObject, driver_size) == 0x20);
    assert!(offset_of!(DriverObject, driver_section) == 0x28);
    assert!(offset_of!(DriverObject, driver_extension) == 0x30);
    assert!(offset_of!(DriverObject, driver_name) == 0x38);
    assert!(offset_of!(DriverObject, hardware_database) == 0x48);
    assert!(offset_of!(DriverObject, fast_io_dispatch) == 0x50);
    assert!(offset_of!(DriverObject, driver_init) == 0x58);
    assert!(offset_of!(DriverObject, driver_start_io) == 0x60);
    assert!(offset_of!(DriverObject, driver_unload) == 0x68);
    assert!(offset_of!(DriverObject, major_function) == 0x70);
    assert!(size_of::<DriverObject>() == 0x150);

    assert!(offset_of!(DeviceObject, reference_count) == 0x4);
    assert!(offset_of!(DeviceObject, driver_object) == 0x8);
    assert!(offset_of!(DeviceObject, next_device) == 0x10);
    assert!(offset_of!(DeviceObject, attached_device) == 0x18);
    assert!(offset_of!(DeviceObject, current_irp) == 0x20);
    assert!(offset_of!(DeviceObject, timer) == 0x28);
    assert!(offset_of!(DeviceObject, flags) == 0x30);
    assert!(offset_of!(DeviceObject, characteristics) == 0x34);
    assert!(offset_of!(DeviceObject, vpb) == 0x38);
    assert!(offset_of!(DeviceObject, device_extension) == 0x40);
    assert!(offset_of!(DeviceObject, device_type) == 0x48);
    assert!(offset_of!(DeviceObject, stack_size) == 0x4C);
};

#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(offset_of!(DriverObject, device_object) == 0x4);
    assert!(offset_of!(DriverObject, flags) == 0x8);
    assert!(offset_of!(DriverObject, driver_start) == 0xC);
    assert!(offset_of!(DriverObject, driver_size) == 0x10);
    assert!(offset_of!(DriverObject, driver_section) == 0x14);
    assert!(offset_of!(DriverObject, driver_extension) == 0x18);
    assert!(offset_of!(DriverObject, driver_name) == 0x1C);
    assert!(offset_of!(DriverObject, hardware_database) == 0x24);
    assert!(offset_of!(DriverObject, fast_io_dispatch) == 0x28);
    assert!(offset_of!(DriverObject, driver_init) == 0x2C);
    assert!(offset_of!(DriverObject, driver_start_io) == 0x30);
    assert!(offset_of!(DriverObject, driver_unload) == 0x34);
    assert!(offset_of!(DriverObject, major_function) == 0x38);
    assert!(size_of::<DriverObject>() == 0xA8);

    assert!(offset_of!(DeviceObject, reference_count) == 0x4);
    assert!(offset_of!(DeviceObject, driver_object) == 0x8);
    assert!(offset_of!(DeviceObject, next_device) == 0xC);
    assert!(offset_of!(DeviceObject, attached_device) == 0x10);
    assert!(offset_of!(DeviceObject, current_irp) == 0x14);
    assert!(offset_of!(DeviceObject, timer) == 0x18);
    assert!(offset_of!(DeviceObject, flags) == 0x1C);
    assert!(offset_of!(DeviceObject, characteristics) == 0x20);
    assert!(offset_of!(DeviceObject, vpb) == 0x24);
    assert!(offset_of!(DeviceObject, device_extension) == 0x28);
    assert!(offset_of!(DeviceObject, device_type) == 0x2C);
    assert!(offset_of!(DeviceObject, stack_size) == 0x30);
};
