//! Runs a program with the variable ODD, whose value is half a character of UTF-16: what no program
//! can read that takes its environment for Unicode.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::process::{exit, Command};

fn main() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let odd = OsString::from_wide(&[0x61, 0xD800, 0x62]);
    let status = Command::new(&args[0])
        .args(&args[1..])
        .env("ODD", odd)
        .status();
    exit(status.map_or(99, |status| status.code().unwrap_or(98)));
}
