//! The debugger's log: a line of formatted text through `DbgPrint`.

use core::fmt::{self, Write};

use crate::nt;

/// Writes one line, headed by the driver's name, to the kernel debugger's log.
///
/// Takes what `format!` takes. A line of more than 510 bytes is cut off.
#[macro_export]
macro_rules! log {
    ($($argument:tt)+) => {
        $crate::log::print(format_args!($($argument)+))
    };
}

/// `DbgPrint` sends at most 512 bytes at a time (Microsoft Learn, `DbgPrint`).
const CAPACITY: usize = 512;

/// Text that always has room for its line feed and the NUL after it.
struct Line {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.length..CAPACITY - 2];
        let fitting = text.len().min(room.len());
        room[..fitting].copy_from_slice(&text.as_bytes()[..fitting]);
        self.length += fitting;
        if fitting == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// What `log!` calls.
pub fn print(message: fmt::Arguments<'_>) {
    let mut line = Line {
        bytes: [0; CAPACITY],
        length: 0,
    };
    // An error only says that the line was cut off, and a short line is better than none.
    let _ = write!(line, "{}: {message}", env!("CARGO_PKG_NAME"));
    line.bytes[line.length] = b'\n';
    // The text is an argument and never the format, so a `%` in it is only a `%`.
    // SAFETY: both strings end with NUL; the buffer's last byte is never written.
    unsafe { nt::DbgPrint(c"%s".as_ptr(), line.bytes.as_ptr()) };
}
