//! The global allocator: memory for the collections of `alloc` in non-paged pool.
//!
//! `Box::new`, `Vec::push` and similar functions panic if there is no memory, and a panic stops the
//! machine. For sizes that come from outside, use `Vec::try_reserve` and similar functions.

use core::alloc::{GlobalAlloc, Layout};
use core::mem::size_of;
use core::ptr;

use wdk_sys::ntddk::{ExAllocatePool2, ExFreePoolWithTag};

/// Memory that is never paged out and never executed. poolmon and the debugger show its tag.
///
/// It has any alignment that a type requires. IRQL: `DISPATCH_LEVEL` or below.
pub struct PoolAllocator {
    tag: u32,
}

/// `POOL_FLAG_UNINITIALIZED`: without it, the memory is zeroed.
const POOL_FLAG_UNINITIALIZED: u64 = 0x02;
/// `POOL_FLAG_NON_PAGED`, which is not executable.
const POOL_FLAG_NON_PAGED: u64 = 0x40;

/// `MEMORY_ALLOCATION_ALIGNMENT`: the alignment of all memory in the pool.
const POOL_ALIGNMENT: usize = 2 * size_of::<*mut u8>();

impl PoolAllocator {
    /// Returns an allocator with a tag of four printable ASCII characters.
    pub const fn new(tag: [u8; 4]) -> Self {
        Self {
            tag: u32::from_le_bytes(tag),
        }
    }

    fn allocate(&self, size: usize, flags: u64) -> *mut u8 {
        // Driver Verifier reports an allocation of no bytes.
        // SAFETY: size and tag are not zero.
        unsafe { ExAllocatePool2(POOL_FLAG_NON_PAGED | flags, size.max(1) as _, self.tag).cast() }
    }

    /// Allocates memory with any alignment. If it is larger than the pool's, the memory is in a larger
    /// piece, whose address is in the word before the memory.
    fn allocate_layout(&self, layout: Layout, flags: u64) -> *mut u8 {
        if layout.align() <= POOL_ALIGNMENT {
            return self.allocate(layout.size(), flags);
        }
        let Some(size) = layout.size().checked_add(layout.align()) else {
            return ptr::null_mut();
        };
        let piece = self.allocate(size, flags);
        if piece.is_null() {
            return piece;
        }
        // At least the pool's alignment, which has room for the word; at most `align`.
        let skipped = layout.align() - piece as usize % layout.align();
        // SAFETY: the piece is `align` bytes longer than the layout, and the word is in it.
        unsafe {
            let memory = piece.add(skipped);
            word_before(memory).write(piece);
            memory
        }
    }
}

/// Returns the place at which `allocate_layout` stores the address of the piece.
fn word_before(memory: *mut u8) -> *mut *mut u8 {
    memory.cast::<*mut u8>().wrapping_sub(1)
}

// SAFETY: all processors can use the pool at once. The memory has the size and the alignment of the
// layout, or is null.
unsafe impl GlobalAlloc for PoolAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocate_layout(layout, POOL_FLAG_UNINITIALIZED)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.allocate_layout(layout, 0)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let piece = if layout.align() <= POOL_ALIGNMENT {
            memory
        } else {
            // SAFETY: `allocate_layout` wrote it.
            unsafe { word_before(memory).read() }
        };
        // SAFETY: it is from the pool, with this tag, and the caller does not use it again.
        unsafe { ExFreePoolWithTag(piece.cast(), self.tag) };
    }
}
