//! Deferred procedure calls (DPCs): functions that run at `DISPATCH_LEVEL`, now or after a time.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::time::Duration;

use crate::irql::{self, PASSIVE_LEVEL};
use crate::nt::dispatcher::{KDeferredRoutine, KDpc};
use crate::nt::NtError;
use crate::shared::Pooled;
use crate::timer::{milliseconds, RawTimer};

/// A function that an interrupt service routine, or other code that must not wait, has called at
/// `DISPATCH_LEVEL`.
///
/// The function must be quick, must not wait, and must not touch pageable memory. It can run on several
/// processors at once, if it is queued again while it runs. Use a
/// [`WorkItem`](crate::work_item::WorkItem) for anything else.
///
/// Dropping it removes it from the queue, and waits until it has run. IRQL of that: `PASSIVE_LEVEL`.
pub struct Dpc(Pooled<Body<Routine>>);

type Routine = dyn Fn() + Send + Sync;

struct Body<F: ?Sized> {
    dpc: UnsafeCell<MaybeUninit<KDpc>>,
    routine: F,
}

// SAFETY: the kernel synchronizes all access to the DPC.
unsafe impl<F: ?Sized + Send> Send for Body<F> {}
// SAFETY: as above.
unsafe impl<F: ?Sized + Sync> Sync for Body<F> {}

impl Dpc {
    /// Returns a DPC that calls `routine`. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new<F>(routine: F) -> Result<Self, NtError>
    where
        F: Fn() + Send + Sync + 'static,
    {
        let dpc = UnsafeCell::new(MaybeUninit::uninit());
        let body: NonNull<Body<F>> = Pooled::new(Body { dpc, routine })?.into_raw();
        // SAFETY: it is memory for a DPC, which does not move, and the context of `call::<F>`.
        unsafe {
            let dpc = body.as_ref().dpc.get().cast();
            KeInitializeDpc(dpc, call::<F>, body.as_ptr().cast());
        }
        let body: NonNull<Body<Routine>> = body;
        // SAFETY: it is from `into_raw`.
        Ok(Self(unsafe { Pooled::from_raw(body) }))
    }

    /// Queues the DPC on this processor, unless it is queued already. IRQL: any.
    pub fn queue(&self) {
        // SAFETY: the DPC is initialized. The result is whether the DPC was not queued.
        let _ = unsafe { KeInsertQueueDpc(self.as_ptr(), ptr::null_mut(), ptr::null_mut()) };
    }

    fn as_ptr(&self) -> *mut KDpc {
        self.0.dpc.get().cast()
    }
}

impl Drop for Dpc {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: the DPC is initialized, and nobody can queue it any more.
        let _ = unsafe { KeRemoveQueueDpc(self.as_ptr()) };
        flush();
    }
}

/// A function that is called at `DISPATCH_LEVEL` after a time, once or periodically.
///
/// The rules for the function are those of a [`Dpc`]. Prefer a [`Timer`](crate::timer::Timer) that a
/// thread waits for, which works at `PASSIVE_LEVEL`.
///
/// Dropping it stops the timer, and waits until the function has run. IRQL of that: `PASSIVE_LEVEL`.
///
/// ```text
/// let timer = DpcTimer::new(|| { TICKS.fetch_add(1, Ordering::Relaxed); })?;
/// timer.start_periodic(Duration::from_secs(1));
/// ```
pub struct DpcTimer {
    // In this order: a timer can expire and queue the DPC until it is cancelled, and its memory is in
    // use until the flush that ends the DPC.
    dpc: Dpc,
    timer: RawTimer,
}

impl DpcTimer {
    /// Returns a timer that is not running. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new<F>(routine: F) -> Result<Self, NtError>
    where
        F: Fn() + Send + Sync + 'static,
    {
        let timer = RawTimer::new()?;
        let dpc = Dpc::new(routine)?;
        Ok(Self { dpc, timer })
    }

    /// Starts the timer again, to call the function once. IRQL: `DISPATCH_LEVEL` or below.
    pub fn start(&self, time: Duration) {
        // SAFETY: `drop` cancels the timer and flushes DPCs before the DPC ends.
        unsafe { self.timer.start(time, 0, self.dpc.as_ptr()) };
    }

    /// Starts the timer again, to call the function after each period, of whole milliseconds. A period
    /// that is not is rounded up; it has at least 1 ms and at most 24 days.
    ///
    /// IRQL: `DISPATCH_LEVEL` or below.
    pub fn start_periodic(&self, period: Duration) {
        let each = milliseconds(period);
        // SAFETY: `drop` cancels the timer and flushes DPCs before the DPC ends.
        unsafe { self.timer.start(period, each, self.dpc.as_ptr()) };
    }

    /// Stops the timer. The function may still run once. IRQL: `DISPATCH_LEVEL` or below.
    pub fn stop(&self) {
        self.timer.cancel();
    }
}

impl Drop for DpcTimer {
    fn drop(&mut self) {
        self.stop();
        // The DPC ends as any other one: it is removed from the queue, and DPCs are flushed.
    }
}

/// Waits until all DPCs that are queued now have run, on all processors. This can take long.
///
/// IRQL: `PASSIVE_LEVEL`.
pub fn flush() {
    irql::assert_at_most(PASSIVE_LEVEL);
    // SAFETY: it has no other condition.
    unsafe { KeFlushQueuedDpcs() };
}

unsafe extern "system" fn call<F: Fn()>(
    _dpc: *mut KDpc,
    context: *mut c_void,
    _argument1: *mut c_void,
    _argument2: *mut c_void,
) {
    // SAFETY: `Dpc::new` passes the body, which exists until DPCs are flushed.
    (unsafe { &*context.cast::<Body<F>>() }.routine)();
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeFlushQueuedDpcs();
        fn KeInitializeDpc(dpc: *mut KDpc, routine: KDeferredRoutine, context: *mut c_void);
        fn KeInsertQueueDpc(
            dpc: *mut KDpc,
            argument1: *mut c_void,
            argument2: *mut c_void,
        ) -> u8;
        fn KeRemoveQueueDpc(dpc: *mut KDpc) -> u8;
    }
}
