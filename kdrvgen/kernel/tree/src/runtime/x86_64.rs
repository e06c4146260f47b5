//! x64.

use core::arch::global_asm;

use super::fmod::{fmod, fmodf};

crate::import! {
    "ntoskrnl.exe",
    #[allow(dead_code)] // called by name, in functions with a frame of more than a page
    extern "C" {
        fn __chkstk();
    }
}

global_asm!(
    ".globl _fltused",
    ".set _fltused, 0",
    ".globl __CxxFrameHandler3",
    "__CxxFrameHandler3:",
    "mov eax, 1",
    "ret",
    ".globl fmod",
    "fmod:",
    "jmp {fmod}",
    ".globl fmodf",
    "fmodf:",
    "jmp {fmodf}",
    fmod = sym fmod,
    fmodf = sym fmodf,
);
