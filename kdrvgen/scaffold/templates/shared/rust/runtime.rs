//! What the compiler expects of every program, and a driver has to bring along itself.

use core::ffi::{c_char, c_int, c_void};
use core::panic::PanicInfo;

/// `MANUALLY_INITIATED_CRASH`: the bug check of a crash that is asked for.
const MANUALLY_INITIATED_CRASH: u32 = 0xE2;

/// A panic is a defect in the driver: it is logged, and the machine stops where it can be seen.
///
/// The parameters of the bug check tell where: address and length of the source file's name, line
/// and column.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::error!("{info}");
    let (file, line, column) = info
        .location()
        .map_or(("", 0, 0), |at| (at.file(), at.line(), at.column()));
    // SAFETY: may be called in any state of the machine.
    unsafe {
        KeBugCheckEx(
            MANUALLY_INITIATED_CRASH,
            file.as_ptr() as usize,
            file.len(),
            line as usize,
            column as usize,
        )
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeBugCheckEx(code: u32, p1: usize, p2: usize, p3: usize, p4: usize) -> !;
    }
}

/// The mark of an object that uses floating point; `core` has some, which is dropped unused.
#[unsafe(no_mangle)]
static _fltused: c_int = 0;

/// The unwinder that the ready-made `core` names and that `panic = "abort"` never reaches
/// (<https://github.com/rust-lang/rust/issues/101134>).
#[unsafe(no_mangle)]
extern "C" fn __CxxFrameHandler3() -> c_int {
    0
}

// Compiled code calls these functions by name. A program has them from its C runtime, a driver
// from the kernel.
#[cfg(not(target_arch = "x86"))]
crate::import! {
    "ntoskrnl.exe",
    #[allow(dead_code)]
    extern "C" {
        fn __chkstk();
        fn memcmp(left: *const c_void, right: *const c_void, count: usize) -> c_int;
        fn memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
        fn memmove(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
        fn memset(to: *mut c_void, value: c_int, count: usize) -> *mut c_void;
        fn strlen(text: *const c_char) -> usize;
    }
}

// On x86 a C name begins with an underscore and 64-bit division is a call. rustc does not add the
// underscore to an undecorated import, and the linker takes one off to find the kernel's name.
#[cfg(target_arch = "x86")]
crate::import! {
    "ntoskrnl.exe",
    #[allow(dead_code)]
    extern "C" {
        fn _memcpy(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
        fn _memmove(to: *mut c_void, from: *const c_void, count: usize) -> *mut c_void;
        fn _memset(to: *mut c_void, value: c_int, count: usize) -> *mut c_void;
        fn _strlen(text: *const c_char) -> usize;
        fn __alldiv(dividend: i64, divisor: i64) -> i64;
        fn __allrem(dividend: i64, divisor: i64) -> i64;
        fn __alloca_probe();
        fn __aulldiv(dividend: u64, divisor: u64) -> u64;
        fn __aullrem(dividend: u64, divisor: u64) -> u64;
    }
}

// The kernel for x86 has the probe of large stack frames under its other name only.
#[cfg(target_arch = "x86")]
core::arch::global_asm!(".globl __chkstk", "__chkstk:", "jmp __alloca_probe");

/// The kernel for x86 has no `memcmp`.
#[cfg(target_arch = "x86")]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    for at in 0..count {
        // SAFETY: the caller's contract: both are `count` bytes long.
        let (left, right) = unsafe { (*left.add(at), *right.add(at)) };
        if left != right {
            return c_int::from(left) - c_int::from(right);
        }
    }
    0
}
