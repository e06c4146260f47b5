//! The panic handler, and what else a C runtime would bring: `use runtime as _;` in a driver.

#![no_std]

mod runtime;

use log::error;
use nt::import;
