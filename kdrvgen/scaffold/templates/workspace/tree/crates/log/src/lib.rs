//! Lines for the kernel debugger's log: `log::log!` and `log::error!`.

#![no_std]

pub mod log;

use ::nt::{self, import};
