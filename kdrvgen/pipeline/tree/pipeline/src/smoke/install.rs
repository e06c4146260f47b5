//! A program for Wine that creates a device and installs a driver on it, or removes the device.
//!
//! `install.exe install INF ID` and `install.exe remove INF ID`; the exit code is the error of
//! Windows. The task smoke compiles it with the toolchain of the driver, which has only the crate
//! `core` for Windows.

#![no_std]
#![no_main]
#![allow(unused_unsafe)] // a closure in an unsafe function

#[macro_use]
#[path = "../device/functions.rs"]
mod functions;

#[path = "../device.rs"]
mod device;

/// The functions of Windows that this program calls.
mod api {
    use core::ffi::c_void;

    use crate::device::{Device, Guid, InstallParameters, RemoveParameters};

    device_functions!(, kind = "raw-dylib");

    #[link(name = "kernel32", kind = "raw-dylib")]
    extern "system" {
        pub fn GetCommandLineW() -> *const u16;
        pub fn ExitProcess(code: u32) -> !;
        pub fn GetStdHandle(number: u32) -> *mut c_void;
        pub fn WriteFile(
            file: *mut c_void,
            bytes: *const u8,
            length: u32,
            written: *mut u32,
            overlapped: *mut c_void,
        ) -> i32;
    }

    #[link(name = "shell32", kind = "raw-dylib")]
    extern "system" {
        pub fn CommandLineToArgvW(line: *const u16, count: *mut i32) -> *mut *mut u16;
    }

    #[link(name = "newdev", kind = "raw-dylib")]
    extern "system" {
        pub fn UpdateDriverForPlugAndPlayDevicesW(
            window: *mut c_void,
            id: *const u16,
            inf: *const u16,
            flags: u32,
            must_restart: *mut i32,
        ) -> i32;
    }
}

use api::*;

/// What the crate `core` needs of a C runtime.
mod runtime {
    #[link(name = "ntdll", kind = "raw-dylib")]
    #[allow(dead_code)] // called by name
    extern "C" {
        fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
        fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
        fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8;
        fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32;
    }

    #[no_mangle]
    static _fltused: i32 = 0;

    /// A panic ends the program, so nothing is unwound.
    #[no_mangle]
    extern "C" fn __CxxFrameHandler3() -> i32 {
        1
    }
}

const STD_OUTPUT_HANDLE: u32 = -11_i32 as u32;
const ERROR_INVALID_PARAMETER: u32 = 87;
/// The units of the longest hardware ID, and two zeros.
const ID: usize = 256;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: the function has no preconditions.
    unsafe { ExitProcess(ERROR_INVALID_PARAMETER) }
}

/// Wine starts the program here.
#[no_mangle]
pub extern "system" fn start() -> ! {
    // SAFETY: Windows returns as many arguments as it counts, and each ends with a zero.
    unsafe {
        let mut count = 0;
        let arguments = CommandLineToArgvW(GetCommandLineW(), &mut count);
        if count != 4 {
            ExitProcess(ERROR_INVALID_PARAMETER);
        }
        let (verb, inf, id) = (*arguments.add(1), *arguments.add(2), *arguments.add(3));
        let outcome = if *verb == u16::from(b'i') {
            install(inf, id)
        } else {
            device::remove(id).map(|_| ())
        };
        match outcome {
            Ok(()) => ExitProcess(0),
            Err((action, code)) => {
                let mut written = 0;
                WriteFile(
                    GetStdHandle(STD_OUTPUT_HANDLE),
                    action.as_ptr(),
                    action.len() as u32,
                    &mut written,
                    core::ptr::null_mut(),
                );
                ExitProcess(code)
            }
        }
    }
}

/// # Safety
///
/// Both texts end with a zero.
unsafe fn install(inf: *const u16, id: *const u16) -> Result<(), device::Refused> {
    let mut ids = [0; ID];
    let mut length = 0;
    while *id.add(length) != 0 {
        if length == ID - 2 {
            return Err(("use a hardware ID that is so long", ERROR_INVALID_PARAMETER));
        }
        ids[length] = *id.add(length);
        length += 1;
    }
    device::create(inf, &ids[..length + 2])?;
    device::update(inf, id, UpdateDriverForPlugAndPlayDevicesW).map(|_| ())
}
