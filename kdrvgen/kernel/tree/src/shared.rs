//! Values in non-paged pool, for drivers with or without a global allocator.
//!
//! The kernel's objects, such as events, must not move and must not be paged out, so the other blocks
//! keep them here. Unlike `Box` and `Arc`, an allocation that fails is an error and no panic.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::allocator::PoolAllocator;
use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::status::STATUS_INSUFFICIENT_RESOURCES;
use crate::nt::NtError;

/// The memory of this crate. Its tag is `Kdrv`.
static POOL: PoolAllocator = PoolAllocator::new(*b"Kdrv");

/// Finds the function that allocates. IRQL: `PASSIVE_LEVEL`.
pub(crate) fn initialize() {
    POOL.initialize();
}

/// A value in non-paged pool with one owner. It never moves.
///
/// It is the `Box` of drivers without a global allocator, and its allocation can fail. It is dropped at
/// `DISPATCH_LEVEL` or below, and at an IRQL that the value accepts.
pub struct Pooled<T: ?Sized>(NonNull<T>);

// SAFETY: it owns the value, as a `Box` does.
unsafe impl<T: ?Sized + Send> Send for Pooled<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for Pooled<T> {}

impl<T> Pooled<T> {
    /// Moves a value to the pool. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// The value is on the stack first, so it should be small.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory. The value is dropped.
    pub fn new(value: T) -> Result<Self, NtError> {
        let layout = Layout::new::<T>();
        // SAFETY: the allocator accepts any layout, also one of no bytes.
        let memory = unsafe { POOL.alloc(layout) }.cast::<T>();
        let memory = NonNull::new(memory).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        // SAFETY: it has the layout of `T`, and nothing else uses it.
        unsafe { memory.write(value) };
        Ok(Self(memory))
    }

    /// Moves the value out, and frees its memory. IRQL: `DISPATCH_LEVEL` or below.
    pub(crate) fn into_inner(self) -> T {
        let memory = self.into_raw();
        // SAFETY: the value is read once: the memory is freed without dropping it.
        unsafe {
            let value = memory.read();
            POOL.dealloc(memory.as_ptr().cast(), Layout::new::<T>());
            value
        }
    }
}

impl Pooled<[u8]> {
    /// Allocates zeroed bytes, aligned like a pointer. IRQL: `DISPATCH_LEVEL` or below.
    pub(crate) fn zeroed(length: usize) -> Result<Self, NtError> {
        let layout = Layout::array::<u8>(length).map_err(|_| STATUS_INSUFFICIENT_RESOURCES)?;
        // SAFETY: the allocator accepts any layout.
        let memory = unsafe { POOL.alloc_zeroed(layout) };
        let memory = NonNull::new(memory).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        Ok(Self(NonNull::slice_from_raw_parts(memory, length)))
    }

    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: the memory is initialized, and `self` owns it.
        unsafe { self.0.as_mut() }
    }
}

impl<T: ?Sized> Pooled<T> {
    /// Gives up the value. IRQL: any.
    pub(crate) fn into_raw(self) -> NonNull<T> {
        let pointer = self.0;
        core::mem::forget(self);
        pointer
    }

    /// Becomes the owner of a value. IRQL: any.
    ///
    /// # Safety
    ///
    /// The pointer is from `into_raw`, and this is its only owner.
    pub(crate) unsafe fn from_raw(pointer: NonNull<T>) -> Self {
        Self(pointer)
    }
}

impl<T: ?Sized> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value exists as long as its owner.
        unsafe { self.0.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the value exists as long as its owner, which is borrowed mutably.
        unsafe { self.0.as_mut() }
    }
}

impl<T: ?Sized> Drop for Pooled<T> {
    fn drop(&mut self) {
        // SAFETY: the value exists, and `self` owns it.
        unsafe {
            let layout = Layout::for_value(self.0.as_ref());
            self.0.drop_in_place();
            POOL.dealloc(self.0.as_ptr().cast(), layout);
        }
    }
}

/// A value in non-paged pool with any number of owners, such as the driver and its threads.
///
/// It is the `Arc` of drivers without a global allocator. The last owner drops the value, at its own
/// IRQL, which must be `DISPATCH_LEVEL` or below, and one that the value accepts.
///
/// ```text
/// let count = Shared::new(AtomicU32::new(0))?;
/// let theirs = count.clone();
/// let thread = Thread::spawn(move |_stop| { theirs.fetch_add(1, Ordering::Relaxed); })?;
/// ```
pub struct Shared<T>(NonNull<Counted<T>>);

struct Counted<T> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: owners in different threads share the value, and the last one drops it.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Moves a value to the pool. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new(value: T) -> Result<Self, NtError> {
        let owners = AtomicUsize::new(1);
        Ok(Self(Pooled::new(Counted { owners, value })?.into_raw()))
    }
}

impl<T> Clone for Shared<T> {
    /// Returns another owner of the same value. IRQL: any.
    fn clone(&self) -> Self {
        // SAFETY: the value exists as long as one of its owners.
        let before = unsafe { self.0.as_ref() }
            .owners
            .fetch_add(1, Ordering::Relaxed);
        // Owners that are forgotten are counted too.
        assert!(before < usize::MAX / 2, "too many owners");
        Self(self.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value exists as long as one of its owners.
        &unsafe { self.0.as_ref() }.value
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the value exists as long as one of its owners.
        let owners = &unsafe { self.0.as_ref() }.owners;
        // Whatever another owner did with the value comes before its end.
        if owners.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: this was the last owner.
            drop(unsafe { Pooled::from_raw(self.0) });
        }
    }
}
