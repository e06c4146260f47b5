//! Resources: locks that several readers or one writer hold.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};

use crate::irql::{self, APC_LEVEL};
use crate::nt::locks::EResource;
use crate::nt::{NtError, NtStatus};
use crate::shared::Pooled;

/// `ERESOURCE`: a value that several threads read, or one thread writes, at a time.
///
/// A thread that holds it is in a critical region (`KeEnterCriticalRegion`), where normal kernel APCs,
/// which could suspend it, do not interrupt it. The IRQL does not change, so the holder can call
/// functions for files and the registry.
///
/// A writer goes before readers that come after it. A thread that reads must not write: it would wait
/// for itself for ever. IRQL of dropping the resource itself: `APC_LEVEL` or below.
pub struct Resource<T>(Pooled<Body<T>>);

struct Body<T> {
    resource: UnsafeCell<MaybeUninit<EResource>>,
    value: UnsafeCell<T>,
}

// SAFETY: the value can be sent with its lock.
unsafe impl<T: Send> Send for Body<T> {}
// SAFETY: several threads read the value at once, and a thread that writes can also move it out.
unsafe impl<T: Send + Sync> Sync for Body<T> {}

#[derive(Clone, Copy)]
enum Access {
    Shared,
    Exclusive,
}

impl<T> Resource<T> {
    /// Moves a value to non-paged pool, with a lock that is free. IRQL: `APC_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new(value: T) -> Result<Self, NtError> {
        irql::assert_at_most(APC_LEVEL);
        let body = Pooled::new(Body {
            resource: UnsafeCell::new(MaybeUninit::uninit()),
            value: UnsafeCell::new(value),
        })?;
        // SAFETY: it is non-paged memory for a resource, which does not move. It always succeeds, and
        // if it did not, the memory would be freed without `Resource::drop`.
        unsafe { ExInitializeResourceLite(body.resource.get().cast()) }.check()?;
        Ok(Self(body))
    }

    /// Waits until no thread writes, and reads. IRQL: `APC_LEVEL` or below.
    ///
    /// # Panics
    ///
    /// If this thread writes. The kernel would let it, and the value would change while it is borrowed.
    pub fn read(&self) -> ReadGuard<'_, T> {
        let is_held = self.acquire(Access::Shared, 1);
        assert!(is_held, "the kernel did not wait for a resource");
        ReadGuard {
            resource: self,
            here: PhantomData,
        }
    }

    /// Reads if no thread writes or waits to. IRQL: `APC_LEVEL` or below.
    ///
    /// # Panics
    ///
    /// If this thread writes.
    #[must_use]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        let is_held = self.acquire(Access::Shared, 0);
        is_held.then(|| ReadGuard {
            resource: self,
            here: PhantomData,
        })
    }

    /// Waits until no thread reads or writes, and writes. IRQL: `APC_LEVEL` or below.
    ///
    /// # Panics
    ///
    /// If this thread writes already. The kernel would let it, and there would be two mutable borrows.
    pub fn write(&self) -> WriteGuard<'_, T> {
        let is_held = self.acquire(Access::Exclusive, 1);
        assert!(is_held, "the kernel did not wait for a resource");
        WriteGuard {
            resource: self,
            here: PhantomData,
        }
    }

    /// Writes if no thread reads or writes. IRQL: `APC_LEVEL` or below.
    ///
    /// # Panics
    ///
    /// If this thread writes already.
    #[must_use]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        let is_held = self.acquire(Access::Exclusive, 0);
        is_held.then(|| WriteGuard {
            resource: self,
            here: PhantomData,
        })
    }

    /// Enters a critical region and takes the resource; returns whether it is held.
    fn acquire(&self, access: Access, wait: u8) -> bool {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the resource is initialized. A critical region that is entered is left, here or
        // when the guard is dropped.
        unsafe {
            assert!(
                ExIsResourceAcquiredExclusiveLite(self.as_ptr()) == 0,
                "this thread holds the resource, and takes it again"
            );
            KeEnterCriticalRegion();
            let is_held = match access {
                Access::Shared => ExAcquireResourceSharedLite(self.as_ptr(), wait),
                Access::Exclusive => ExAcquireResourceExclusiveLite(self.as_ptr(), wait),
            } != 0;
            if !is_held {
                KeLeaveCriticalRegion();
            }
            is_held
        }
    }

    /// Releases the resource and leaves the critical region.
    ///
    /// # Safety
    ///
    /// This thread holds it, by a guard that is used no more.
    unsafe fn release(&self) {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the caller's contract.
        unsafe {
            ExReleaseResourceLite(self.as_ptr());
            KeLeaveCriticalRegion();
        }
    }

    fn as_ptr(&self) -> *mut EResource {
        self.0.resource.get().cast()
    }
}

impl<T> Drop for Resource<T> {
    fn drop(&mut self) {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: no thread holds it or waits for it, because there is no other reference. It always
        // succeeds.
        let _ = unsafe { ExDeleteResourceLite(self.as_ptr()) };
    }
}

impl<T> fmt::Debug for Resource<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Another thread may be changing the value.
        formatter.write_str("Resource { .. }")
    }
}

/// The value of a resource that is held for reading. Dropping it, at `APC_LEVEL` or below, releases the
/// resource.
#[must_use = "a guard that is dropped releases the resource"]
pub struct ReadGuard<'a, T> {
    resource: &'a Resource<T>,
    /// The thread that took a resource releases it.
    here: PhantomData<*mut T>,
}

/// The value of a resource that is held for writing. Dropping it, at `APC_LEVEL` or below, releases the
/// resource.
#[must_use = "a guard that is dropped releases the resource"]
pub struct WriteGuard<'a, T> {
    resource: &'a Resource<T>,
    /// The thread that took a resource releases it.
    here: PhantomData<*mut T>,
}

// SAFETY: `&ReadGuard<T>` gives only `&T`.
unsafe impl<T: Sync> Sync for ReadGuard<'_, T> {}
// SAFETY: `&WriteGuard<T>` gives only `&T`.
unsafe impl<T: Sync> Sync for WriteGuard<'_, T> {}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the resource is held, and nobody writes.
        unsafe { &*self.resource.0.value.get() }
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the resource is held.
        unsafe { &*self.resource.0.value.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the resource is held for writing, and this is its only guard.
        unsafe { &mut *self.resource.0.value.get() }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this thread holds the resource by this guard.
        unsafe { self.resource.release() };
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this thread holds the resource by this guard.
        unsafe { self.resource.release() };
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ExAcquireResourceExclusiveLite(resource: *mut EResource, wait: u8) -> u8;
        fn ExAcquireResourceSharedLite(resource: *mut EResource, wait: u8) -> u8;
        fn ExDeleteResourceLite(resource: *mut EResource) -> NtStatus;
        fn ExInitializeResourceLite(resource: *mut EResource) -> NtStatus;
        fn ExIsResourceAcquiredExclusiveLite(resource: *mut EResource) -> u8;
        fn KeEnterCriticalRegion();
        fn KeLeaveCriticalRegion();
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "fastcall" {
        fn ExReleaseResourceLite(resource: *mut EResource);
    }
}
