//! The part of wdk-sys 0.5 that the template uses, as bindgen makes it from the WDK's headers, which
//! only Windows has: names and types, to compile against.

#![allow(nonstandard_style)]
#![no_std]

use core::ffi::c_void;

pub type NTSTATUS = i32;
pub const STATUS_SUCCESS: NTSTATUS = 0;

#[repr(C)]
pub struct _UNICODE_STRING {
    pub Length: u16,
    pub MaximumLength: u16,
    pub Buffer: *mut u16,
}
pub type UNICODE_STRING = _UNICODE_STRING;
pub type PCUNICODE_STRING = *const UNICODE_STRING;

#[repr(C)]
pub struct _DRIVER_OBJECT {
    pub DriverUnload: PDRIVER_UNLOAD,
}
pub type DRIVER_OBJECT = _DRIVER_OBJECT;
pub type PDRIVER_OBJECT = *mut _DRIVER_OBJECT;
pub type PDRIVER_UNLOAD = Option<unsafe extern "C" fn(DriverObject: *mut _DRIVER_OBJECT)>;

pub enum WDFDRIVER__ {}
pub type WDFDRIVER = *mut WDFDRIVER__;
pub enum WDFDEVICE__ {}
pub type WDFDEVICE = *mut WDFDEVICE__;
pub enum WDFDEVICE_INIT {}
pub type PWDFDEVICE_INIT = *mut WDFDEVICE_INIT;
pub type PWDF_OBJECT_ATTRIBUTES = *mut c_void;
pub const WDF_NO_OBJECT_ATTRIBUTES: PWDF_OBJECT_ATTRIBUTES = core::ptr::null_mut();

#[repr(C)]
#[derive(Default)]
pub struct _WDF_DRIVER_CONFIG {
    pub Size: u32,
    pub EvtDriverDeviceAdd: PFN_WDF_DRIVER_DEVICE_ADD,
    pub EvtDriverUnload: PFN_WDF_DRIVER_UNLOAD,
    pub DriverInitFlags: u32,
    pub DriverPoolTag: u32,
}
pub type WDF_DRIVER_CONFIG = _WDF_DRIVER_CONFIG;
pub type PWDF_DRIVER_CONFIG = *mut _WDF_DRIVER_CONFIG;
pub type PFN_WDF_DRIVER_DEVICE_ADD =
    Option<unsafe extern "C" fn(Driver: WDFDRIVER, DeviceInit: PWDFDEVICE_INIT) -> NTSTATUS>;
pub type PFN_WDF_DRIVER_UNLOAD = Option<unsafe extern "C" fn(Driver: WDFDRIVER)>;

pub mod _WDF_DRIVER_INIT_FLAGS {
    pub const WdfDriverInitNonPnpDriver: i32 = 1;
}

/// The framework's functions, which the macro finds in a table by their names.
pub mod functions {
    use super::*;

    pub unsafe fn WdfDriverCreate(
        _: PDRIVER_OBJECT,
        _: PCUNICODE_STRING,
        _: PWDF_OBJECT_ATTRIBUTES,
        _: PWDF_DRIVER_CONFIG,
        _: *mut WDFDRIVER,
    ) -> NTSTATUS {
        STATUS_SUCCESS
    }

    pub unsafe fn WdfDeviceCreate(
        _: *mut PWDFDEVICE_INIT,
        _: PWDF_OBJECT_ATTRIBUTES,
        _: *mut WDFDEVICE,
    ) -> NTSTATUS {
        STATUS_SUCCESS
    }
}

#[macro_export]
macro_rules! call_unsafe_wdf_function_binding {
    ($name:ident, $($argument:expr),* $(,)?) => {
        $crate::functions::$name($($argument),*)
    };
}

/// The functions of the kernel.
#[cfg(not(feature = "umdf"))]
pub mod ntddk {
    use super::*;

    pub type ULONG64 = u64;
    pub type SIZE_T = u64;
    pub type ULONG = u32;
    pub type PVOID = *mut c_void;

    pub unsafe fn ExAllocatePool2(_: ULONG64, _: SIZE_T, _: ULONG) -> PVOID {
        core::ptr::null_mut()
    }

    pub unsafe fn ExFreePoolWithTag(_: PVOID, _: ULONG) {}
}
