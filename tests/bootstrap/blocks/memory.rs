//! A pool that notes what it is asked for, and the allocator's tests.

use std::alloc::{self, GlobalAlloc, Layout};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::allocator::PoolAllocator;
use crate::nt::UnicodeString;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// The pool's type.
    WithTag(i32),
    /// The flags.
    Pool2(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    origin: Origin,
    size: usize,
    tag: u32,
}

static PIECES: Mutex<Option<HashMap<usize, Piece>>> = Mutex::new(None);
static HAS_POOL2: AtomicBool = AtomicBool::new(false);
static IS_EXHAUSTED: AtomicBool = AtomicBool::new(false);
/// The tests share the pool.
static TURN: Mutex<()> = Mutex::new(());

const TAG: [u8; 4] = *b"Test";

fn give(origin: Origin, size: usize, tag: u32, fill: u8) -> *mut c_void {
    assert_ne!(size, 0, "Driver Verifier stops who asks for nothing");
    if IS_EXHAUSTED.load(Ordering::Relaxed) {
        return ptr::null_mut();
    }
    // No better aligned than the kernel's: 16 bytes, and never 32.
    let layout = Layout::from_size_align(size + 32, 32).unwrap();
    let piece = unsafe { alloc::alloc(layout).add(16) };
    unsafe { piece.write_bytes(fill, size) };
    let mut pieces = PIECES.lock().unwrap();
    pieces
        .get_or_insert_default()
        .insert(piece as usize, Piece { origin, size, tag });
    piece.cast()
}

#[unsafe(no_mangle)]
extern "system" fn ExAllocatePoolWithTag(pool: i32, size: usize, tag: u32) -> *mut c_void {
    give(Origin::WithTag(pool), size, tag, 0xAA)
}

extern "system" fn allocate_pool2(flags: u64, size: usize, tag: u32) -> *mut c_void {
    const UNINITIALIZED: u64 = 2;
    let fill = if flags & UNINITIALIZED == 0 { 0 } else { 0xAA };
    give(Origin::Pool2(flags), size, tag, fill)
}

#[unsafe(no_mangle)]
extern "system" fn ExFreePoolWithTag(memory: *mut c_void, tag: u32) {
    let piece = PIECES
        .lock()
        .unwrap()
        .get_or_insert_default()
        .remove(&(memory as usize));
    let piece = piece.expect("what is freed is a piece of the pool");
    assert_eq!(piece.tag, tag);
    let layout = Layout::from_size_align(piece.size + 32, 32).unwrap();
    unsafe { alloc::dealloc(memory.cast::<u8>().sub(16), layout) };
}

#[unsafe(no_mangle)]
extern "system" fn MmGetSystemRoutineAddress(name: *const UnicodeString<'_>) -> *mut c_void {
    assert_eq!(unsafe { &*name }.to_string(), "ExAllocatePool2");
    if HAS_POOL2.load(Ordering::Relaxed) {
        allocate_pool2 as *mut c_void
    } else {
        ptr::null_mut()
    }
}

/// Waits for the pool.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap()
}

/// Does something while the pool has no memory.
pub fn exhausted<T>(of: impl FnOnce() -> T) -> T {
    IS_EXHAUSTED.store(true, Ordering::Relaxed);
    let result = of();
    IS_EXHAUSTED.store(false, Ordering::Relaxed);
    result
}

pub fn pieces() -> Vec<Piece> {
    PIECES
        .lock()
        .unwrap()
        .get_or_insert_default()
        .values()
        .copied()
        .collect()
}

/// An allocator on a kernel that has ExAllocatePool2, or has not.
fn allocator(has_pool2: bool) -> PoolAllocator {
    HAS_POOL2.store(has_pool2, Ordering::Relaxed);
    IS_EXHAUSTED.store(false, Ordering::Relaxed);
    let allocator = PoolAllocator::new(TAG);
    allocator.initialize();
    allocator
}

#[test]
fn every_size_and_alignment_is_honoured_and_given_back() {
    let _turn = TURN.lock().unwrap();
    for has_pool2 in [false, true] {
        let allocator = allocator(has_pool2);
        for align in (0..=13).map(|bits| 1_usize << bits) {
            for size in [1, 2, 7, 8, 16, 17, 100, 4096, 5000] {
                let layout = Layout::from_size_align(size, align).unwrap();
                unsafe {
                    let memory = allocator.alloc(layout);
                    assert_eq!(memory as usize % align, 0, "{layout:?}");
                    let [piece] = pieces()[..] else {
                        panic!("one piece")
                    };
                    assert_eq!(piece.tag, u32::from_le_bytes(TAG));
                    memory.write_bytes(0x55, size);
                    let zeroed = allocator.alloc_zeroed(layout);
                    assert_eq!(zeroed as usize % align, 0, "{layout:?}");
                    assert!((0..size).all(|at| *zeroed.add(at) == 0), "{layout:?}");
                    assert!((0..size).all(|at| *memory.add(at) == 0x55), "{layout:?}");
                    allocator.dealloc(memory, layout);
                    allocator.dealloc(zeroed, layout);
                }
                assert!(pieces().is_empty());
            }
        }
    }
}

#[test]
fn growing_and_shrinking_keeps_what_is_in_both() {
    let _turn = TURN.lock().unwrap();
    let allocator = allocator(true);
    for align in [1, 16, 64, 4096] {
        let layout = Layout::from_size_align(40, align).unwrap();
        unsafe {
            let memory = allocator.alloc(layout);
            (0..40).for_each(|at| memory.add(at).write(at as u8));
            let grown = allocator.realloc(memory, layout, 9000);
            assert_eq!(grown as usize % align, 0);
            assert!((0..40).all(|at| *grown.add(at) == at as u8));
            let layout = Layout::from_size_align(9000, align).unwrap();
            let shrunk = allocator.realloc(grown, layout, 3);
            assert!((0..3).all(|at| *shrunk.add(at) == at as u8));
            allocator.dealloc(shrunk, Layout::from_size_align(3, align).unwrap());
        }
        assert!(pieces().is_empty());
    }
}

#[test]
fn nothing_is_asked_for_executable_or_paged_memory() {
    const NON_PAGED_POOL_NX: i32 = 512;
    const NON_PAGED_UNINITIALIZED: u64 = 0x42;
    const NON_PAGED: u64 = 0x40;
    let _turn = TURN.lock().unwrap();
    let layout = Layout::new::<u64>();
    for (has_pool2, zeroed, expected) in [
        (false, false, Origin::WithTag(NON_PAGED_POOL_NX)),
        (false, true, Origin::WithTag(NON_PAGED_POOL_NX)),
        (true, false, Origin::Pool2(NON_PAGED_UNINITIALIZED)),
        (true, true, Origin::Pool2(NON_PAGED)),
    ] {
        let allocator = allocator(has_pool2);
        unsafe {
            let memory = match zeroed {
                true => allocator.alloc_zeroed(layout),
                false => allocator.alloc(layout),
            };
            assert_eq!(pieces()[0].origin, expected);
            allocator.dealloc(memory, layout);
        }
    }
}

#[test]
fn before_init_memory_comes_from_the_function_that_every_windows_has() {
    let _turn = TURN.lock().unwrap();
    let allocator = PoolAllocator::new(TAG);
    let layout = Layout::new::<u64>();
    unsafe {
        let memory = allocator.alloc(layout);
        assert!(matches!(pieces()[0].origin, Origin::WithTag(_)));
        // What was allocated before is freed after.
        HAS_POOL2.store(true, Ordering::Relaxed);
        allocator.initialize();
        allocator.dealloc(memory, layout);
    }
    assert!(pieces().is_empty());
}

#[test]
fn a_request_for_nothing_is_none_to_the_pool() {
    let _turn = TURN.lock().unwrap();
    for align in [1, 64] {
        let allocator = allocator(false);
        let layout = Layout::from_size_align(0, align).unwrap();
        // The pool panics if it is asked for nothing.
        let memory = unsafe { allocator.alloc(layout) };
        assert!(!memory.is_null());
        unsafe { allocator.dealloc(memory, layout) };
    }
}

#[test]
fn an_exhausted_pool_is_a_null_pointer_for_every_kind_of_request() {
    let _turn = TURN.lock().unwrap();
    for has_pool2 in [false, true] {
        let allocator = allocator(has_pool2);
        IS_EXHAUSTED.store(true, Ordering::Relaxed);
        for align in [1, 64] {
            let layout = Layout::from_size_align(8, align).unwrap();
            assert!(unsafe { allocator.alloc(layout) }.is_null());
            assert!(unsafe { allocator.alloc_zeroed(layout) }.is_null());
        }
        IS_EXHAUSTED.store(false, Ordering::Relaxed);
    }
}
