//! What the compiler expects of every program, and a driver has to bring along itself.

use core::ffi::c_int;
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
// from the kernel. Nothing here calls them, so they are declared without their arguments.
#[cfg(not(target_arch = "x86"))]
#[allow(dead_code)]
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
extern "C" {
    fn memcmp();
    fn memcpy();
    fn memmove();
    fn memset();
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
    fn _memcmp();
    fn _memcpy();
    fn _memmove();
    fn _memset();
    fn __aulldiv();
    fn __aullrem();
}
