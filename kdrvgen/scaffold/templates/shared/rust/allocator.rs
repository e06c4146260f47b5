//! The global allocator: `alloc`'s collections in non-paged pool.
//!
//! An allocation that fails where the type cannot say so (`Box::new`, `Vec::push`) panics, and so
//! stops the machine: for sizes that come from outside use `Vec::try_reserve` and its like.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::nt::UnicodeString;

/// Memory that is never paged out and holds no code, marked by a tag that poolmon and the debugger
/// show.
///
/// It may be used at `DISPATCH_LEVEL` and below.
pub struct PoolAllocator {
    tag: u32,
    /// `ExAllocatePool2`, once [`PoolAllocator::init`] found it.
    allocate2: AtomicPtr<c_void>,
}

/// `ExAllocatePool2`, which Windows has since 10, version 2004.
type AllocatePool2 = unsafe extern "system" fn(flags: u64, size: usize, tag: u32) -> *mut c_void;

/// `POOL_FLAG_UNINITIALIZED`: without it the memory is zeroed.
const POOL_FLAG_UNINITIALIZED: u64 = 0x02;
/// `POOL_FLAG_NON_PAGED`, which is not executable.
const POOL_FLAG_NON_PAGED: u64 = 0x40;
/// `NonPagedPoolNx`, which Windows has since 8.
const NON_PAGED_POOL_NX: i32 = 512;

/// The alignment that the pool gives by itself (`MEMORY_ALLOCATION_ALIGNMENT`).
const POOL_ALIGNMENT: usize = 2 * mem::size_of::<*mut u8>();

impl PoolAllocator {
    /// An allocator with a tag of four characters.
    ///
    /// # Panics
    ///
    /// If one of them is not printable ASCII, which Driver Verifier would object to.
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

    /// Looks for `ExAllocatePool2`; to be called first of all in the driver's entry point.
    ///
    /// Windows before 10, version 2004, does not have it; there, and until this is called,
    /// `ExAllocatePoolWithTag` serves. The kernel answers such questions at `PASSIVE_LEVEL` only,
    /// and so not when memory is asked for.
    pub fn init(&self) {
        let name = crate::unicode_string!("ExAllocatePool2");
        // SAFETY: the name outlives the call, and an entry point runs at PASSIVE_LEVEL.
        let found = unsafe { MmGetSystemRoutineAddress(&raw const name) };
        self.allocate2.store(found, Ordering::Release);
    }

    fn allocate(&self, size: usize, zeroed: bool) -> *mut u8 {
        // The pool has no allocations of nothing; Driver Verifier stops who asks for one.
        let size = size.max(1);
        let allocate2 = self.allocate2.load(Ordering::Acquire);
        if allocate2.is_null() {
            // SAFETY: size and tag are not zero.
            let memory = unsafe { ExAllocatePoolWithTag(NON_PAGED_POOL_NX, size, self.tag) };
            if zeroed && !memory.is_null() {
                // SAFETY: it is `size` bytes long, and nobody else's.
                unsafe { ptr::write_bytes(memory.cast::<u8>(), 0, size) };
            }
            return memory.cast();
        }
        let flags = if zeroed {
            POOL_FLAG_NON_PAGED
        } else {
            POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED
        };
        // SAFETY: only `init` stores an address, and only of this function.
        let allocate2 = unsafe { mem::transmute::<*mut c_void, AllocatePool2>(allocate2) };
        // SAFETY: size and tag are not zero.
        unsafe { allocate2(flags, size, self.tag) }.cast()
    }

    /// Allocates what is aligned more than the pool does by itself: in a larger piece, with the
    /// piece's address in the word before.
    fn allocate_aligned(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        let Some(size) = layout.size().checked_add(layout.align()) else {
            return ptr::null_mut();
        };
        let piece = self.allocate(size, zeroed);
        if piece.is_null() {
            return piece;
        }
        // Between one pool alignment, which has room for the word, and `align`.
        let skipped = layout.align() - piece as usize % layout.align();
        // SAFETY: the piece is `align` bytes longer than what is asked for.
        let memory = unsafe { piece.add(skipped) };
        // SAFETY: the word lies in the piece, and is aligned, as `memory` is.
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

/// Where `allocate_aligned` keeps the address of the piece that `memory` lies in.
fn word_before(memory: *mut u8) -> *mut *mut u8 {
    memory.cast::<c_void>().cast::<*mut u8>().wrapping_sub(1)
}

// SAFETY: the pool is the kernel's allocator for all processors, and gives memory of the size and,
// by `allocate_aligned`, of the alignment that is asked for, or null.
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
            // SAFETY: `allocate_aligned` wrote it there.
            unsafe { word_before(memory).read() }
        };
        // SAFETY: the pool gave it, with this tag; the caller has no more use for it.
        unsafe { ExFreePoolWithTag(piece.cast(), self.tag) };
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ExAllocatePoolWithTag(pool: i32, size: usize, tag: u32) -> *mut c_void;
        fn ExFreePoolWithTag(memory: *mut c_void, tag: u32);
        fn MmGetSystemRoutineAddress(name: *const UnicodeString<'_>) -> *mut c_void;
    }
}
