//! A spin lock: the one lock that every routine of a driver can take.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// A value that one processor at a time works on.
///
/// Taking the lock raises the IRQL to `DISPATCH_LEVEL` until the guard is dropped, and other
/// processors that want it wait actively. So, while a guard lives:
///
/// - nothing that may be paged out is touched, and only functions are called that are documented
///   for `DISPATCH_LEVEL`;
/// - the work is short: copy, and do the rest afterwards;
/// - the same lock is not taken again, which would wait for ever;
/// - of several locks, the one taken last is the first to be released, since each release brings
///   back the IRQL that its lock was taken at.
///
/// It is taken at `DISPATCH_LEVEL` or below, and so not in an interrupt service routine.
pub struct SpinLock<T> {
    word: UnsafeCell<usize>,
    value: UnsafeCell<T>,
}

// SAFETY: `lock` lets one processor at a time reach the value, as if it were sent from one to the
// next.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A lock that nobody holds. (`KeInitializeSpinLock` sets its word to zero.)
    pub const fn new(value: T) -> Self {
        Self {
            word: UnsafeCell::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until nobody holds the lock, and takes it.
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        // SAFETY: the word is a spin lock that was initialised; the IRQL is the caller's part.
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
        // The value is another's at this moment, perhaps.
        formatter.write_str("SpinLock { .. }")
    }
}

/// The value of a lock that is held. Dropping it releases the lock and brings back the IRQL.
#[must_use = "the lock is released at once"]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
    irql: u8,
    /// The IRQL is the processor's: the guard is dropped where it was made.
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
        // SAFETY: the lock is held, and by this guard alone.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the lock is held, and `irql` is what taking it returned.
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
