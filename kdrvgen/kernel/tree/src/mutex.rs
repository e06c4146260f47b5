//! Fast mutexes: locks that threads wait for.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};
use core::ptr;

use crate::event::{self, EventKind};
use crate::irql::{self, APC_LEVEL, DISPATCH_LEVEL};
use crate::nt::locks::KFastMutex;
use crate::nt::NtError;
use crate::shared::Pooled;

/// `FAST_MUTEX`: a value that one thread uses at a time.
///
/// Locking raises the IRQL to `APC_LEVEL` until the guard is dropped. There, pageable memory is
/// accessible and threads can wait, but functions that require `PASSIVE_LEVEL`, such as those for
/// files and the registry, cannot be called: use a [`Resource`](crate::resource::Resource) for these.
/// A thread that locks the same mutex again waits for ever. Release several mutexes in the reverse
/// order, because each release restores the IRQL that its mutex was taken at. IRQL of dropping the mutex
/// itself: `DISPATCH_LEVEL` or below.
pub struct FastMutex<T>(Pooled<Body<T>>);

struct Body<T> {
    mutex: UnsafeCell<MaybeUninit<KFastMutex>>,
    value: UnsafeCell<T>,
}

// SAFETY: one thread at a time accesses the value, as if the value were sent between them.
unsafe impl<T: Send> Send for Body<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Body<T> {}

impl<T> FastMutex<T> {
    /// Moves a value to non-paged pool, with a mutex that is free. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new(value: T) -> Result<Self, NtError> {
        irql::assert_at_most(DISPATCH_LEVEL);
        let body = Pooled::new(Body {
            mutex: UnsafeCell::new(MaybeUninit::uninit()),
            value: UnsafeCell::new(value),
        })?;
        let mutex = body.mutex.get().cast::<KFastMutex>();
        // SAFETY: it is memory for a mutex, which does not move. `ExInitializeFastMutex` of wdm.h
        // does the same.
        unsafe {
            (&raw mut (*mutex).count).write(1);
            (&raw mut (*mutex).owner).write(ptr::null_mut());
            (&raw mut (*mutex).contention).write(0);
            (&raw mut (*mutex).old_irql).write(0);
            event::initialize(&raw mut (*mutex).event, EventKind::Synchronization);
        }
        Ok(Self(body))
    }

    /// Waits until the mutex is free, and takes it. IRQL: `APC_LEVEL` or below.
    pub fn lock(&self) -> FastMutexGuard<'_, T> {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the mutex is initialized.
        unsafe { ExAcquireFastMutex(self.as_ptr()) };
        self.guard()
    }

    /// Takes the mutex if it is free. IRQL: `APC_LEVEL` or below.
    #[must_use]
    pub fn try_lock(&self) -> Option<FastMutexGuard<'_, T>> {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the mutex is initialized.
        let is_taken = unsafe { ExTryToAcquireFastMutex(self.as_ptr()) != 0 };
        is_taken.then(|| self.guard())
    }

    fn guard(&self) -> FastMutexGuard<'_, T> {
        FastMutexGuard {
            mutex: self,
            here: PhantomData,
        }
    }

    fn as_ptr(&self) -> *mut KFastMutex {
        self.0.mutex.get().cast()
    }
}

impl<T> fmt::Debug for FastMutex<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Another thread may be changing the value.
        formatter.write_str("FastMutex { .. }")
    }
}

/// The value of a mutex that is held. Dropping it, at `APC_LEVEL`, releases the mutex and restores the
/// IRQL.
#[must_use = "a guard that is dropped releases the mutex"]
pub struct FastMutexGuard<'a, T> {
    mutex: &'a FastMutex<T>,
    /// The thread that took a mutex releases it.
    here: PhantomData<*mut T>,
}

// SAFETY: `&FastMutexGuard<T>` gives only `&T`.
unsafe impl<T: Sync> Sync for FastMutexGuard<'_, T> {}

impl<T> Deref for FastMutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mutex is held.
        unsafe { &*self.mutex.0.value.get() }
    }
}

impl<T> DerefMut for FastMutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is held, and this is its only guard.
        unsafe { &mut *self.mutex.0.value.get() }
    }
}

impl<T> Drop for FastMutexGuard<'_, T> {
    fn drop(&mut self) {
        // Not at the IRQL of a spin lock, which a release would end too early.
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: this thread holds the mutex.
        unsafe { ExReleaseFastMutex(self.mutex.as_ptr()) };
    }
}

#[cfg(not(target_arch = "x86"))]
crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ExAcquireFastMutex(mutex: *mut KFastMutex);
        fn ExReleaseFastMutex(mutex: *mut KFastMutex);
        fn ExTryToAcquireFastMutex(mutex: *mut KFastMutex) -> u8;
    }
}

// On x86 they are part of the HAL.
#[cfg(target_arch = "x86")]
crate::import! {
    "hal.dll",
    extern "fastcall" {
        fn ExAcquireFastMutex(mutex: *mut KFastMutex);
        fn ExReleaseFastMutex(mutex: *mut KFastMutex);
        fn ExTryToAcquireFastMutex(mutex: *mut KFastMutex) -> u8;
    }
}
