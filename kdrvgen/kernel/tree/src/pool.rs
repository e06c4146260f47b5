//! Single values in non-paged pool, whose allocation can fail.

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;
use core::mem;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};

use crate::allocator::PoolAllocator;
use crate::nt::status::STATUS_INSUFFICIENT_RESOURCES;
use crate::nt::NtError;

/// A value in non-paged memory, which is freed when it is dropped.
///
/// Unlike `Box::new`, [`PoolBox::try_new`] returns an error if there is no memory, and needs no global
/// allocator.
pub struct PoolBox<T>(NonNull<Piece<T>>);

/// A value, and the allocator that has its memory.
#[repr(C)]
struct Piece<T> {
    pool: &'static PoolAllocator,
    value: T,
}

// SAFETY: it owns the value.
unsafe impl<T: Send> Send for PoolBox<T> {}
// SAFETY: a reference to it gives references to the value, and nothing else.
unsafe impl<T: Sync> Sync for PoolBox<T> {}

impl<T> PoolBox<T> {
    /// Moves a value into memory of `pool`. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// The value is on the stack first, so it should be small.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory. The value is dropped.
    pub fn try_new(pool: &'static PoolAllocator, value: T) -> Result<Self, NtError> {
        // SAFETY: a piece has at least the size of a reference.
        let memory = unsafe { pool.alloc(Layout::new::<Piece<T>>()) };
        let place = NonNull::new(memory.cast::<Piece<T>>()).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        // SAFETY: the memory has the layout of a piece, and nothing else uses it.
        unsafe { place.write(Piece { pool, value }) };
        Ok(Self(place))
    }

    /// Gives up the value, which is then not freed. IRQL: any.
    #[must_use]
    pub fn into_raw(self) -> *mut T {
        // SAFETY: the piece exists.
        let value = unsafe { &raw mut (*self.0.as_ptr()).value };
        mem::forget(self);
        value
    }

    /// Returns the box again that [`PoolBox::into_raw`] gave up. IRQL: any.
    ///
    /// # Safety
    ///
    /// `value` is the result of `into_raw` for a box of this type, and is used by nothing else.
    #[must_use]
    pub unsafe fn from_raw(value: *mut T) -> Self {
        // SAFETY: the value is in a piece.
        let piece = unsafe { value.byte_sub(mem::offset_of!(Piece<T>, value)) };
        // SAFETY: the address of a piece is not null.
        Self(unsafe { NonNull::new_unchecked(piece.cast()) })
    }
}

impl<T> Deref for PoolBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the piece exists, and `self` is borrowed.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T> DerefMut for PoolBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the piece exists, and `self` is borrowed mutably.
        unsafe { &mut self.0.as_mut().value }
    }
}

impl<T> Drop for PoolBox<T> {
    fn drop(&mut self) {
        let piece = self.0.as_ptr();
        // SAFETY: `try_new` allocated the piece with this layout, and `self` owns it.
        unsafe {
            let pool = (*piece).pool;
            ptr::drop_in_place(&raw mut (*piece).value);
            pool.dealloc(piece.cast(), Layout::new::<Piece<T>>());
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for PoolBox<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
