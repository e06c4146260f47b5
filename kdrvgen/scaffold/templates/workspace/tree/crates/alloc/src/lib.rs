//! The global allocator, on the kernel's pool.

#![no_std]

mod allocator;

pub use allocator::PoolAllocator;

use ::nt::{self, import};
use string::unicode_string;
