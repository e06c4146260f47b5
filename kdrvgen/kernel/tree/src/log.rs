//! Lines of formatted text for the kernel debugger and DebugView.

use core::ffi::c_char;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU32, Ordering};

/// Writes one line, which begins with the package's name, to the log.
///
/// It takes the arguments of `format!`. A line of more than 512 bytes is cut between two characters,
/// and ends with `...`. The text is never used as a format of `DbgPrintEx`.
///
/// The level is that of [`driver!`](crate::driver!). Windows shows only errors, unless the
/// [filter](Component) says otherwise.
///
/// IRQL: any up to that of device interrupts. The arguments may require a lower one.
#[macro_export]
macro_rules! log {
    ($($argument:tt)+) => {
        $crate::log::print(
            $crate::log::level(),
            ::core::format_args!(
                "{}: {}",
                ::core::env!("CARGO_PKG_NAME"),
                ::core::format_args!($($argument)+),
            ),
        )
    };
}

/// Writes one line as [`log!`] does, at the level that Windows always shows.
#[macro_export]
macro_rules! error {
    ($($argument:tt)+) => {
        $crate::log::print(
            $crate::log::Level::Error,
            ::core::format_args!(
                "{}: {}",
                ::core::env!("CARGO_PKG_NAME"),
                ::core::format_args!($($argument)+),
            ),
        )
    };
}

/// `DPFLTR_…_ID`: the component that Windows filters the log by.
///
/// Windows shows a line if its level is [`Level::Error`], or if its level is in the mask of its
/// component. The mask is the value with the component's name, such as `IHVDRIVER`, of the registry key
/// `HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Debug Print Filter`: a `REG_DWORD` in
/// which bit `n` stands for level `n`. `8` shows information, `0xF` all four levels. Windows reads it
/// at its start. In WinDbg, `ed nt!Kd_IHVDRIVER_Mask 0xF` has the same effect at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Component {
    /// Drivers of all kinds.
    IhvDriver = 77,
    IhvVideo = 78,
    IhvAudio = 79,
    IhvNetwork = 80,
    IhvStreaming = 81,
    IhvBus = 82,
    /// The component of `DbgPrint`, whose level is [`Level::Info`]. Its mask is the value `DEFAULT`.
    Default = 101,
}

/// `DPFLTR_…_LEVEL`: how important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Level {
    /// The only level that Windows shows without a change of the filter.
    Error = 0,
    Warning = 1,
    Trace = 2,
    Info = 3,
}

static COMPONENT: AtomicU32 = AtomicU32::new(Component::IhvDriver as u32);
static LEVEL: AtomicU32 = AtomicU32::new(Level::Error as u32);

/// Sets the component of all lines, and the level of those of [`log!`]. IRQL: any.
///
/// [`driver!`](crate::driver!) calls it before the driver's start function.
pub fn configure(component: Component, level: Level) {
    COMPONENT.store(component as u32, Ordering::Relaxed);
    LEVEL.store(level as u32, Ordering::Relaxed);
}

/// Returns the level of [`log!`]. IRQL: any.
#[must_use]
pub fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        1 => Level::Warning,
        2 => Level::Trace,
        3 => Level::Info,
        _ => Level::Error,
    }
}

/// Writes one line. IRQL: as for [`log!`].
pub fn print(level: Level, text: fmt::Arguments<'_>) {
    let mut line = Line::new();
    line.format(text);
    line.send(level);
}

/// `DbgPrintEx` passes on at most 512 bytes of one call.
pub(crate) const CAPACITY: usize = 512;

/// The end of a line that was cut.
const CUT: &[u8] = b"...";

/// The text of a line, with room for what follows it: `CUT`, a line feed and a NUL.
pub(crate) struct Line {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Line {
    const ROOM: usize = CAPACITY - CUT.len() - 2;

    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; CAPACITY],
            length: 0,
        }
    }

    pub(crate) fn format(&mut self, text: fmt::Arguments<'_>) {
        if self.write_fmt(text).is_err() {
            self.push(CUT);
        }
        self.push(b"\n");
    }

    /// The text, which ends with a NUL.
    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    pub(crate) fn send(&self, level: Level) {
        // The text is an argument and never the format: a `%` in it is only a `%`.
        send(
            COMPONENT.load(Ordering::Relaxed),
            level as u32,
            self.as_ptr().cast(),
        );
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let mut encoded = [0; 4];
            let encoded = match character {
                '\0' => "\\0", // a NUL would end the line
                _ => character.encode_utf8(&mut encoded),
            };
            if self.length + encoded.len() > Self::ROOM {
                return Err(fmt::Error);
            }
            self.push(encoded.as_bytes());
        }
        Ok(())
    }
}

#[cfg(all(windows, panic = "abort"))]
fn send(component: u32, level: u32, text: *const c_char) {
    // SAFETY: both strings end with a NUL. The result is only whether a debugger is attached.
    let _ = unsafe { DbgPrintEx(component, level, c"%s".as_ptr(), text) };
}

#[cfg(all(windows, panic = "abort"))]
crate::import! {
    "ntoskrnl.exe",
    extern "C" {
        fn DbgPrintEx(component: u32, level: u32, format: *const c_char, ...) -> crate::NtStatus;
    }
}

#[cfg(not(all(windows, panic = "abort")))]
fn send(_component: u32, _level: u32, _text: *const c_char) {}
