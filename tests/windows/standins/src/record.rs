//! The record of calls: one JSON object a line in the file that KDRVGEN_FAKE_LOG names.

use std::fmt::Write as _;
use std::io::Write as _;

#[link(name = "kernel32")]
extern "system" {
    fn GetCommandLineW() -> *const u16;
}

/// A JSON string literal. Lone surrogates, which no UTF-8 text has, come out as U+FFFD.
pub fn json(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            control if (control as u32) < 0x20 => {
                write!(literal, "\\u{:04x}", control as u32).unwrap()
            }
            other => literal.push(other),
        }
    }
    literal + "\""
}

/// Notes the call of `program` with the arguments as the C runtime's rules split them, and the
/// whole line as it came; returns the arguments without the program's own name.
pub fn call(program: &str) -> Vec<String> {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    if let Some(log) = std::env::var_os("KDRVGEN_FAKE_LOG") {
        let line = unsafe {
            let start = GetCommandLineW();
            let length = (0..).take_while(|&at| *start.add(at) != 0).count();
            String::from_utf16_lossy(std::slice::from_raw_parts(start, length))
        };
        let argv: Vec<String> = args.iter().map(|arg| json(arg)).collect();
        let cwd = std::env::current_dir()
            .map(|path| path.to_string_lossy().into_owned())
            .unwrap_or_default();
        let entry = format!(
            "{{\"program\": {}, \"argv\": [{}], \"cwd\": {}, \"line\": {}}}\n",
            json(program),
            argv.join(", "),
            json(&cwd),
            json(&line)
        );
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .and_then(|mut file| file.write_all(entry.as_bytes()))
            .unwrap_or_else(|error| {
                crate::fail(&format!("stand-in: {}: {error}", log.to_string_lossy()), 99)
            });
    }
    args
}

/// Standard output for bytes of any kind: Rust's own one takes no others than UTF-8 for a console.
pub fn raw_stdout() -> std::mem::ManuallyDrop<std::fs::File> {
    use std::os::windows::io::{AsRawHandle, FromRawHandle};
    let handle = std::io::stdout().as_raw_handle();
    std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_handle(handle) })
}
