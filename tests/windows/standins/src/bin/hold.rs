//! Runs a program while it has a file open that nobody may replace, as Windows has a driver that is
//! loaded: hold FILE PROGRAM [ARGUMENT…]

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt;
use std::process::{exit, Command};

const FILE_SHARE_READ: u32 = 1;

fn main() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let held = OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(&args[0]);
    let _held = held.unwrap_or_else(|error| standins::fail(&format!("hold: {error}"), 97));
    let status = Command::new(&args[1]).args(&args[2..]).status();
    exit(status.map_or(99, |status| status.code().unwrap_or(98)));
}
