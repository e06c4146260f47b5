//! What the compiler expects of every program, and a driver has to bring along itself.

use core::ffi::{c_int, c_void};
use core::panic::PanicInfo;

use crate::{log, nt};

/// A panic is a defect in the driver: it is logged, and the machine stops where it can be seen.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log!("{info}");
    // SAFETY: may be called in any state of the machine.
    unsafe { nt::KeBugCheckEx(nt::MANUALLY_INITIATED_CRASH, 0, 0, 0, 0) }
}

/// The mark of an object that uses floating point; `core` has some, which is dropped unused.
#[no_mangle]
static _fltused: c_int = 0;

/// The unwinder that the ready-made `core` names and that `panic = "abort"` never reaches
/// (<https://github.com/rust-lang/rust/issues/101134>).
#[no_mangle]
extern "C" fn __CxxFrameHandler3() -> c_int {
    0
}

// Compiled code calls these functions by name. A program has them from its C runtime, a driver
// from the kernel.
#[cfg(not(target_arch = "x86"))]
#[allow(dead_code)]
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
extern "C" {
    fn memcmp(left: *const c_void, right: *const c_void, count: usize) -> c_int;
    fn memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
    fn memmove(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
    fn memset(to: *mut c_void, value: c_int, count: usize) -> *mut c_void;
}

// On x86 a C name begins with an underscore and 64-bit division is a call. rustc does not add the
// underscore to an undecorated import, and the linker takes one off to find the kernel's name.
#[cfg(target_arch = "x86")]
#[allow(dead_code)]
#[link(
    name = "ntoskrnl.exe",
    kind = "raw-dylib",
    modifiers = "+verbatim",
    import_name_type = "undecorated"
)]
extern "C" {
    fn _memcmp(left: *const c_void, right: *const c_void, count: usize) -> c_int;
    fn _memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
    fn _memmove(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
    fn _memset(to: *mut c_void, value: c_int, count: usize) -> *mut c_void;
    fn __aulldiv(dividend: u64, divisor: u64) -> u64;
    fn __aullrem(dividend: u64, divisor: u64) -> u64;
}
