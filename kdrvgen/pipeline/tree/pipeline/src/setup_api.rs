//! Declarations of SetupAPI, for the module `device` and for the installation of packages.

use std::ffi::c_void;

use crate::device::{Device, Guid, InstallParameters, RemoveParameters};

#[macro_use]
#[path = "device/functions.rs"]
mod functions;

device_functions!();

#[link(name = "setupapi")]
extern "system" {
    pub fn SetupCopyOEMInfW(
        inf: *const u16,
        media: *const u16,
        media_kind: u32,
        style: u32,
        destination: *mut u16,
        size: u32,
        needed: *mut u32,
        name: *mut *mut u16,
    ) -> i32;
    pub fn SetupUninstallOEMInfW(inf: *const u16, flags: u32, reserved: *mut c_void) -> i32;
    pub fn InstallHinfSectionW(
        window: *mut c_void,
        module: *mut c_void,
        line: *const u16,
        show: i32,
    );
}
