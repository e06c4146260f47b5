//! Timers that threads wait for. [`DpcTimer`](crate::dpc::DpcTimer) calls a function instead.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use core::time::Duration;

use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::dispatcher::{KDpc, KTimer};
use crate::nt::NtError;
use crate::shared::Pooled;
use crate::wait::{relative, sealed, Waitable};

/// `KTIMER`, a synchronization timer: each time it expires, one thread that waits continues.
///
/// It expires at the clock tick after its time; a tick has up to 15.6 ms. If it expires again before a
/// thread waits, that is one signal. A thread that waits for a timer that is not running waits until it
/// is started and expires. Dropping it stops it. IRQL of that: `DISPATCH_LEVEL` or below.
///
/// ```text
/// let timer = Timer::new()?;
/// timer.start_periodic(Duration::from_millis(500));
/// while wait_any([stop, &timer], None) == Some(1) {
///     work();
/// }
/// ```
pub struct Timer(RawTimer);

impl Timer {
    /// Returns a timer that is not running. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new() -> Result<Self, NtError> {
        RawTimer::new().map(Self)
    }

    /// Starts the timer again, to expire once. IRQL: `DISPATCH_LEVEL` or below.
    pub fn start(&self, time: Duration) {
        // SAFETY: there is no DPC.
        unsafe { self.0.start(time, 0, ptr::null_mut()) };
    }

    /// Starts the timer again, to expire after each period, of whole milliseconds. A period that is
    /// not is rounded up; it has at least 1 ms and at most 24 days. IRQL: `DISPATCH_LEVEL` or below.
    pub fn start_periodic(&self, period: Duration) {
        // SAFETY: there is no DPC.
        unsafe { self.0.start(period, milliseconds(period), ptr::null_mut()) };
    }

    /// Stops the timer. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// A timer that has expired stays signaled until a thread waits for it, or it is started again.
    pub fn stop(&self) {
        self.0.cancel();
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
    }
}

// SAFETY: the timer is in memory that exists as long as `self`.
unsafe impl sealed::Object for Timer {
    fn as_object(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl Waitable for Timer {}

/// The timer itself. Its owner cancels it before it is dropped.
pub(crate) struct RawTimer(Pooled<UnsafeCell<MaybeUninit<KTimer>>>);

// SAFETY: the kernel synchronizes all access to the timer.
unsafe impl Send for RawTimer {}
// SAFETY: as above.
unsafe impl Sync for RawTimer {}

impl RawTimer {
    pub(crate) fn new() -> Result<Self, NtError> {
        let timer = Self(Pooled::new(UnsafeCell::new(MaybeUninit::uninit()))?);
        // SAFETY: it is memory for a timer, which does not move.
        unsafe { KeInitializeTimerEx(timer.as_ptr(), SYNCHRONIZATION_TIMER) };
        Ok(timer)
    }

    /// Starts the timer, with a period in milliseconds or 0.
    ///
    /// # Safety
    ///
    /// The DPC is initialized or null, and exists until the timer is cancelled and DPCs are flushed.
    pub(crate) unsafe fn start(&self, time: Duration, period: i32, dpc: *mut KDpc) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the timer is initialized, and the caller's contract.
        let _ = unsafe { KeSetTimerEx(self.as_ptr(), relative(time), period, dpc) };
    }

    pub(crate) fn cancel(&self) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the timer is initialized. The result is whether the timer was running.
        let _ = unsafe { KeCancelTimer(self.as_ptr()) };
    }

    fn as_ptr(&self) -> *mut KTimer {
        self.0.get().cast()
    }
}

/// Returns a period in milliseconds: rounded up, at least 1 and at most `i32::MAX`.
pub(crate) fn milliseconds(period: Duration) -> i32 {
    let whole = period.as_secs().saturating_mul(1000);
    let milliseconds = whole.saturating_add(period.subsec_nanos().div_ceil(1_000_000).into());
    i32::try_from(milliseconds).unwrap_or(i32::MAX).max(1)
}

/// `SynchronizationTimer`.
const SYNCHRONIZATION_TIMER: i32 = 1;

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeCancelTimer(timer: *mut KTimer) -> u8;
        fn KeInitializeTimerEx(timer: *mut KTimer, kind: i32);
        fn KeSetTimerEx(timer: *mut KTimer, due_time: i64, period: i32, dpc: *mut KDpc) -> u8;
    }
}
