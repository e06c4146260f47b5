//! UTF-16 text and `UNICODE_STRING`s from literals: `string::wide!`, `string::unicode_string!`.

#![no_std]

pub mod string;

pub use ::nt; // the macros say `$crate::nt`
