//! ARM64.

use core::arch::global_asm;

use super::fmod::{fmod, fmodf};

// `__chkstk` touches each page of a frame of more than a page, so that a stack that is too small is
// detected at its end. The kernel for ARM64 does not export it. x15 has the size of the frame in units of
// 16 bytes; only x16 and x17 may change.
global_asm!(
    ".globl _fltused",
    ".set _fltused, 0",
    ".globl __CxxFrameHandler3",
    "__CxxFrameHandler3:",
    "mov w0, #1",
    "ret",
    ".globl __chkstk",
    "__chkstk:",
    "sub x17, sp, x15, lsl #4", // the end of the frame
    "mov x16, sp",
    "2:",
    "sub x16, x16, #4096",
    "cmp x16, x17",
    "b.lo 3f",
    "ldr xzr, [x16]",
    "b 2b",
    "3:",
    "ldr xzr, [x17]",
    "ret",
    ".globl fmod",
    "fmod:",
    "b {fmod}",
    ".globl fmodf",
    "fmodf:",
    "b {fmodf}",
    fmod = sym fmod,
    fmodf = sym fmodf,
);
