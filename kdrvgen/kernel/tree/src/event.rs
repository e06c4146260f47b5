//! Events: one thread or routine signals, threads wait.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;

use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::dispatcher::KEvent;
use crate::nt::NtError;
use crate::shared::Pooled;
use crate::wait::{sealed, Waitable};

/// What a wait does to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum EventKind {
    /// `NotificationEvent`: it stays signaled until [`Event::clear`], for all threads that wait.
    Notification = 0,
    /// `SynchronizationEvent`: one thread that waits continues, and the event is not signaled any more.
    Synchronization = 1,
}

/// `KEVENT`, which threads wait for with [`Waitable`].
///
/// Share it between threads in a [`Shared`](crate::shared::Shared). IRQL of dropping it: `DISPATCH_LEVEL`
/// or below.
pub struct Event(Pooled<UnsafeCell<MaybeUninit<KEvent>>>);

// SAFETY: the kernel synchronizes all access to the event.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// Returns an event that is not signaled. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new(kind: EventKind) -> Result<Self, NtError> {
        let event = Self(Pooled::new(UnsafeCell::new(MaybeUninit::uninit()))?);
        // SAFETY: it is memory for an event, which does not move.
        unsafe { initialize(event.as_ptr(), kind) };
        Ok(event)
    }

    /// Signals the event. IRQL: `DISPATCH_LEVEL` or below.
    pub fn set(&self) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the event is initialized. No wait follows at once.
        let _ = unsafe { KeSetEvent(self.as_ptr(), 0, 0) };
    }

    /// Ends the signal. IRQL: `DISPATCH_LEVEL` or below.
    pub fn clear(&self) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the event is initialized.
        unsafe { KeClearEvent(self.as_ptr()) };
    }

    fn as_ptr(&self) -> *mut KEvent {
        self.0.get().cast()
    }
}

// SAFETY: the event is in memory that exists as long as `self`.
unsafe impl sealed::Object for Event {
    fn as_object(&self) -> *mut c_void {
        self.as_ptr().cast()
    }
}

impl Waitable for Event {}

/// Makes an event that is not signaled. IRQL: any.
///
/// # Safety
///
/// It is non-paged memory for an event, which does not move and which nothing else uses.
pub(crate) unsafe fn initialize(event: *mut KEvent, kind: EventKind) {
    // SAFETY: the caller's contract.
    unsafe { KeInitializeEvent(event, kind as i32, 0) };
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeClearEvent(event: *mut KEvent);
        fn KeInitializeEvent(event: *mut KEvent, kind: i32, state: u8);
        fn KeSetEvent(event: *mut KEvent, increment: i32, wait: u8) -> i32;
    }
}
