//! x86, where a C name begins with an underscore and 64-bit division is a call.

use core::arch::global_asm;
use core::ffi::{c_char, c_int, c_void};

use super::fmod::{fmod, fmodf};

// rustc does not add the underscore to an undecorated import, and the linker removes one to find the
// kernel's name.
crate::import! {
    "ntoskrnl.exe",
    #[allow(dead_code)] // called by name
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

// The kernel for x86 exports the probe of large stack frames only as `_alloca_probe`, and no `memcmp`.
global_asm!(
    ".globl __fltused",
    ".set __fltused, 0",
    ".globl ___CxxFrameHandler3",
    "___CxxFrameHandler3:",
    "mov eax, 1",
    "ret",
    ".globl __chkstk",
    "__chkstk:",
    "jmp __alloca_probe",
    ".globl _memcmp",
    "_memcmp:",
    "jmp {memcmp}",
    ".globl _fmod",
    "_fmod:",
    "jmp {fmod}",
    ".globl _fmodf",
    "_fmodf:",
    "jmp {fmodf}",
    memcmp = sym memcmp,
    fmod = sym fmod,
    fmodf = sym fmodf,
);

/// `memcmp`. IRQL: that at which the memory is accessible.
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    let mut at = 0;
    while at < count {
        // SAFETY: the caller's contract: both are `count` bytes long. A volatile read is not
        // recognised as a comparison, which would be a call of this function.
        let (left, right) =
            unsafe { (left.add(at).read_volatile(), right.add(at).read_volatile()) };
        if left != right {
            return c_int::from(left) - c_int::from(right);
        }
        at += 1;
    }
    0
}
