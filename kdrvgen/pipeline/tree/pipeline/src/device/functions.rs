//! Declares the functions of Windows that the module `device` calls.
//!
//! It is a macro, because two programs use the module and link these functions in different ways:
//! one with the import libraries of its toolchain, and one, for which there are none, with `, kind =
//! "raw-dylib"`.

macro_rules! device_functions {
    ($($kind:tt)*) => {
        #[link(name = "kernel32" $($kind)*)]
        extern "system" {
            pub fn GetLastError() -> u32;
            pub fn lstrcmpiW(one: *const u16, other: *const u16) -> i32;
        }

        #[link(name = "setupapi" $($kind)*)]
        extern "system" {
            pub fn SetupDiGetINFClassW(
                inf: *const u16,
                class: *mut Guid,
                name: *mut u16,
                size: u32,
                needed: *mut u32,
            ) -> i32;
            pub fn SetupDiCreateDeviceInfoList(
                class: *const Guid,
                window: *mut c_void,
            ) -> *mut c_void;
            pub fn SetupDiDestroyDeviceInfoList(set: *mut c_void) -> i32;
            pub fn SetupDiCreateDeviceInfoW(
                set: *mut c_void,
                name: *const u16,
                class: *const Guid,
                description: *const u16,
                window: *mut c_void,
                flags: u32,
                device: *mut Device,
            ) -> i32;
            pub fn SetupDiGetClassDevsW(
                class: *const Guid,
                enumerator: *const u16,
                window: *mut c_void,
                flags: u32,
            ) -> *mut c_void;
            pub fn SetupDiEnumDeviceInfo(set: *mut c_void, index: u32, device: *mut Device) -> i32;
            pub fn SetupDiGetDeviceRegistryPropertyW(
                set: *mut c_void,
                device: *mut Device,
                property: u32,
                kind: *mut u32,
                value: *mut u8,
                size: u32,
                needed: *mut u32,
            ) -> i32;
            pub fn SetupDiSetDeviceRegistryPropertyW(
                set: *mut c_void,
                device: *mut Device,
                property: u32,
                value: *const u8,
                size: u32,
            ) -> i32;
            pub fn SetupDiSetClassInstallParamsW(
                set: *mut c_void,
                device: *mut Device,
                parameters: *const RemoveParameters,
                size: u32,
            ) -> i32;
            pub fn SetupDiGetDeviceInstallParamsW(
                set: *mut c_void,
                device: *mut Device,
                parameters: *mut InstallParameters,
            ) -> i32;
            pub fn SetupDiCallClassInstaller(
                function: u32,
                set: *mut c_void,
                device: *mut Device,
            ) -> i32;
        }
    };
}
