//! What all stand-ins share: the hand-over to programs of Linux, the record of calls, the stores of
//! certificates, which are Wine's own.
//!
//! A stand-in is a program of Windows that answers to the documented command line of another one
//! and lets a program of Linux do the work. It runs in Wine only. The programs `store`, `show-args`,
//! `odd-env` and `recorder` stand in for nothing, and serve on a real Windows too.

pub mod handover;
pub mod path;
pub mod record;
pub mod rsa;
pub mod store;

/// Ends the process with a message in the style of the program that is stood in for.
pub fn fail(text: &str, code: i32) -> ! {
    eprintln!("{text}");
    std::process::exit(code);
}
