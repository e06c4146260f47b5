//! The global allocator: memory for `alloc`'s collections in non-paged pool.
//!
//! `Box::new`, `Vec::push` and similar functions panic if there is no memory, and a panic stops the
//! machine. For sizes that come from outside, use `Vec::try_reserve` and similar functions.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt;
use crate::unicode_string;

/// Memory that is never paged out and never executed. poolmon and the debugger show its tag.
///
/// It has any alignment that a type requires. IRQL: `DISPATCH_LEVEL` or below.
pub struct PoolAllocator {
    tag: u32,
    /// `ExAllocatePool2`, after [`PoolAllocator::initialize`] found it.
    allocate2: AtomicPtr<c_void>,
}

/// `ExAllocatePool2`, which exists since Windows 10, version 2004.
type AllocatePool2 = unsafe extern "system" fn(flags: u64, size: usize, tag: u32) -> *mut c_void;

/// `POOL_FLAG_UNINITIALIZED`: without it, the memory is zeroed.
const POOL_FLAG_UNINITIALIZED: u64 = 0x02;
/// `POOL_FLAG_NON_PAGED`, which is not executable.
const POOL_FLAG_NON_PAGED: u64 = 0x40;
/// `NonPagedPoolNx`, which exists since Windows 8.
const NON_PAGED_POOL_NX: i32 = 512;

/// `MEMORY_ALLOCATION_ALIGNMENT`: the alignment of all memory in the pool.
const POOL_ALIGNMENT: usize = 2 * mem::size_of::<*mut u8>();

impl PoolAllocator {
    /// Returns an allocator with a tag of four characters. IRQL: any.
    ///
    /// # Panics
    ///
    /// If one of them is not printable ASCII, as Driver Verifier requires.
    #[must_use]
    pub const fn new(tag: [u8; 4]) -> Self {
        let mut at = 0;
        while at < tag.len() {
            assert!(
                matches!(tag[at], b' '..=b'~'),
                "a pool tag is printable ASCII"
            );
            at += 1;
        }
        Self {
            tag: u32::from_le_bytes(tag),
            allocate2: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Finds `ExAllocatePool2`. IRQL: `PASSIVE_LEVEL`.
    ///
    /// [`driver!`](crate::driver!) calls it before the driver's start function. Before that, and on older
    /// versions of Windows, `ExAllocatePoolWithTag` allocates. The kernel looks up functions only at
    /// `PASSIVE_LEVEL`, so an allocation cannot do it.
    pub fn initialize(&self) {
        let found = nt::system_routine(&unicode_string!("ExAllocatePool2"));
        self.allocate2.store(found, Ordering::Release);
    }

    fn allocate(&self, size: usize, zeroed: bool) -> *mut u8 {
        irql::assert_at_most(DISPATCH_LEVEL);
        // Driver Verifier reports an allocation of no bytes.
        let size = size.max(1);
        let allocate2 = self.allocate2.load(Ordering::Acquire);
        if allocate2.is_null() {
            // SAFETY: size and tag are not zero.
            let memory = unsafe { ExAllocatePoolWithTag(NON_PAGED_POOL_NX, size, self.tag) };
            if zeroed && !memory.is_null() {
                // SAFETY: it is `size` bytes long, and nothing else uses it.
                unsafe { ptr::write_bytes(memory.cast::<u8>(), 0, size) };
            }
            return memory.cast();
        }
        let flags = if zeroed {
            POOL_FLAG_NON_PAGED
        } else {
            POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED
        };
        // SAFETY: only `initialize` stores an address, and it is that of this function.
        let allocate2 = unsafe { mem::transmute::<*mut c_void, AllocatePool2>(allocate2) };
        // SAFETY: size and tag are not zero.
        unsafe { allocate2(flags, size, self.tag) }.cast()
    }

    /// Allocates memory with a larger alignment than the pool's: in a larger piece, whose address is in
    /// the word before the memory.
    fn allocate_aligned(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        let Some(size) = layout.size().checked_add(layout.align()) else {
            return ptr::null_mut();
        };
        let piece = self.allocate(size, zeroed);
        if piece.is_null() {
            return piece;
        }
        // At least the pool's alignment, which has room for the word; at most `align`.
        let skipped = layout.align() - piece as usize % layout.align();
        // SAFETY: the piece is `align` bytes longer than the layout.
        let memory = unsafe { piece.add(skipped) };
        // SAFETY: the word is in the piece, and aligned like `memory`.
        unsafe { word_before(memory).write(piece) };
        memory
    }

    fn allocate_layout(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        if layout.align() <= POOL_ALIGNMENT {
            self.allocate(layout.size(), zeroed)
        } else {
            self.allocate_aligned(layout, zeroed)
        }
    }
}

/// Returns the place at which `allocate_aligned` stores the address of the piece.
fn word_before(memory: *mut u8) -> *mut *mut u8 {
    memory.cast::<c_void>().cast::<*mut u8>().wrapping_sub(1)
}

// SAFETY: all processors can use the pool at once. The memory has the size of the layout and, by
// `allocate_aligned`, its alignment, or is null.
unsafe impl GlobalAlloc for PoolAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocate_layout(layout, false)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.allocate_layout(layout, true)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let piece = if layout.align() <= POOL_ALIGNMENT {
            memory
        } else {
            // SAFETY: `allocate_aligned` wrote it.
            unsafe { word_before(memory).read() }
        };
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: it is from the pool, with this tag, and the caller does not use it again.
        unsafe { ExFreePoolWithTag(piece.cast(), self.tag) };
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ExAllocatePoolWithTag(pool: i32, size: usize, tag: u32) -> *mut c_void;
        fn ExFreePoolWithTag(memory: *mut c_void, tag: u32);
    }
}
