//! Spin locks.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::irql::{self, DISPATCH_LEVEL};

/// A value that one processor uses at a time.
///
/// Locking raises the IRQL to `DISPATCH_LEVEL` until the guard is dropped, and processors that wait for
/// the lock do nothing else. So while a guard exists:
///
/// - do not touch pageable memory, and call only functions that are documented for `DISPATCH_LEVEL`;
/// - be quick: copy the value, and work on the copy afterwards;
/// - do not lock the same lock again, because that waits for ever;
/// - release several locks in the reverse order, because each release restores the IRQL that its
///   lock was taken at.
///
/// IRQL: `DISPATCH_LEVEL` or below, so not in an interrupt service routine.
pub struct SpinLock<T> {
    word: UnsafeCell<usize>,
    value: UnsafeCell<T>,
}

// SAFETY: one processor at a time accesses the value, as if the value were sent between them.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// Returns a lock that is free. IRQL: any.
    ///
    /// `KeInitializeSpinLock` sets the same word to zero.
    pub const fn new(value: T) -> Self {
        Self {
            word: UnsafeCell::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until the lock is free, and takes it. IRQL: `DISPATCH_LEVEL` or below.
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the word is an initialized spin lock.
        let irql = unsafe { acquire(self.word.get()) };
        SpinLockGuard {
            lock: self,
            irql,
            here: PhantomData,
        }
    }
}

impl<T> fmt::Debug for SpinLock<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Another processor may be changing the value.
        formatter.write_str("SpinLock { .. }")
    }
}

/// The value of a lock that is held. Dropping it releases the lock and restores the IRQL.
#[must_use = "a guard that is dropped releases the lock"]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
    irql: u8,
    /// The IRQL belongs to the processor, so the guard must stay in its thread.
    here: PhantomData<*mut T>,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and this is its only guard.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the lock is held, and `irql` is the result of taking it.
        unsafe { release(self.lock.word.get(), self.irql) };
    }
}

#[cfg(not(target_arch = "x86"))]
use {KeAcquireSpinLockRaiseToDpc as acquire, KeReleaseSpinLock as release};

#[cfg(not(target_arch = "x86"))]
crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeAcquireSpinLockRaiseToDpc(lock: *mut usize) -> u8;
        fn KeReleaseSpinLock(lock: *mut usize, irql: u8);
    }
}

// On x86 wdm.h maps `KeAcquireSpinLock` and `KeReleaseSpinLock` to these.
#[cfg(target_arch = "x86")]
use {KfAcquireSpinLock as acquire, KfReleaseSpinLock as release};

#[cfg(target_arch = "x86")]
crate::import! {
    "hal.dll",
    extern "fastcall" {
        fn KfAcquireSpinLock(lock: *mut usize) -> u8;
        fn KfReleaseSpinLock(lock: *mut usize, irql: u8);
    }
}
