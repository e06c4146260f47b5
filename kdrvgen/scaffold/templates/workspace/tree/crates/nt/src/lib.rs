//! The kernel's interface, as far as the drivers use it.

#![no_std]

pub mod nt;

pub use nt::*;
