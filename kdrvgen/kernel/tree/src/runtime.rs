//! The functions that compiled code calls by name, and that a program gets from its C runtime.
//!
//! Most of them are the kernel's. The others are defined in assembly, because a `#[no_mangle]` function
//! would be exported from the driver.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod fmod;
#[cfg(target_arch = "x86")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86"))]
use core::ffi::{c_char, c_int, c_void};

#[cfg(not(target_arch = "x86"))]
crate::import! {
    "ntoskrnl.exe",
    #[allow(dead_code)] // called by name
    extern "C" {
        fn memcmp(left: *const c_void, right: *const c_void, count: usize) -> c_int;
        fn memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
        fn memmove(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
        fn memset(to: *mut c_void, value: c_int, count: usize) -> *mut c_void;
        fn strlen(text: *const c_char) -> usize;
    }
}

// `_fltused` marks an object file that uses floating point.
//
// `__CxxFrameHandler3` handles exceptions in the frames of the precompiled `core` and `alloc`. A driver
// does not unwind, so it returns ExceptionContinueSearch (1): an access violation goes on to the frames
// below and in the end to the bug check. ExceptionContinueExecution (0) would execute the faulting
// instruction again, for ever.
