//! Panics: a panic is a defect of the driver, and stops the machine.
//!
//! [`stop`] logs the message and calls `KeBugCheckEx` with the code [`RUST_PANIC`]. The parameters are:
//!
//! | parameter | content |
//! |---|---|
//! | 1 | address of the message, which ends with a NUL: `da /c 200 ADDRESS` in WinDbg; 0 if the panic's own message panics |
//! | 2 | address of the source file's name |
//! | 3 | length of that name in bytes |
//! | 4 | line in that file |
//!
//! The stack of the bug check is that of the panic: `kv` shows who called.

use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::log::{Level, Line};

/// The code of the bug check.
///
/// It has the bits of an error code that is not Microsoft's, followed by `Rus` in ASCII.
pub const RUST_PANIC: u32 = 0xE052_7573;

/// The message, at a place that is in a kernel memory dump.
static MESSAGE: Message = Message {
    line: UnsafeCell::new(Line::new()),
    is_taken: AtomicBool::new(false),
};

struct Message {
    line: UnsafeCell<Line>,
    is_taken: AtomicBool,
}

// SAFETY: only the one who sets `is_taken` uses the line, and nobody resets it.
unsafe impl Sync for Message {}

/// Logs a panic and stops the machine; [`driver!`](crate::driver!) makes it the panic handler.
///
/// IRQL: as for [`log!`](crate::log!).
pub fn stop(package: &str, information: &PanicInfo<'_>) -> ! {
    let (file, line) = information
        .location()
        .map_or(("", 0), |location| (location.file(), location.line()));
    // A second panic, on another processor or in the first one's message, has no place for its own.
    let mut message = ptr::null();
    if !MESSAGE.is_taken.swap(true, Ordering::AcqRel) {
        // SAFETY: no one else took it.
        let text = unsafe { &mut *MESSAGE.line.get() };
        text.format(format_args!("{package}: {information}"));
        text.send(Level::Error);
        message = text.as_ptr();
    }
    // SAFETY: it can be called at any IRQL, and does not return.
    unsafe {
        KeBugCheckEx(
            RUST_PANIC,
            message as usize,
            file.as_ptr() as usize,
            file.len(),
            line as usize,
        )
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeBugCheckEx(code: u32, p1: usize, p2: usize, p3: usize, p4: usize) -> !;
    }
}
