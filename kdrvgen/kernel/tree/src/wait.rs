//! Waiting: for one object or one of several, with or without a time limit, and for a time.
//!
//! A thread that waits at `DISPATCH_LEVEL` or above stops the machine.

use core::ffi::c_void;
use core::ptr;
use core::time::Duration;

use crate::irql::{self, APC_LEVEL, DISPATCH_LEVEL};
use crate::nt::status::{STATUS_SUCCESS, STATUS_TIMEOUT};
use crate::nt::NtStatus;

pub(crate) mod sealed {
    use core::ffi::c_void;

    /// An object with a `DISPATCHER_HEADER`.
    ///
    /// # Safety
    ///
    /// The kernel can wait for the object as long as `self` exists.
    pub unsafe trait Object {
        fn as_object(&self) -> *mut c_void;
    }
}

/// Something that threads can wait for: an [`Event`](crate::event::Event), a
/// [`Timer`](crate::timer::Timer) or the end of a [`Thread`](crate::thread::Thread).
pub trait Waitable: sealed::Object {
    /// Waits until the object is signaled. IRQL: `APC_LEVEL` or below.
    fn wait(&self) {
        let is_signaled = wait_one(self.as_object(), None);
        debug_assert!(is_signaled, "a wait without a limit does not time out");
    }

    /// Waits until the object is signaled, at most for a time; returns whether it is.
    ///
    /// IRQL: `APC_LEVEL` or below; with a limit of zero, which does not wait, `DISPATCH_LEVEL` or below.
    #[must_use = "the object may not be signaled"]
    fn wait_for(&self, limit: Duration) -> bool {
        wait_one(self.as_object(), Some(limit))
    }
}

/// `THREAD_WAIT_OBJECTS`: the number of objects that a thread can wait for without more memory.
pub const MAXIMUM_OBJECTS: usize = 3;

/// Waits until one of at most three objects is signaled; returns its index.
///
/// If several are signaled, it is the first one of these. `None` as the limit waits for ever.
///
/// ```text
/// match wait_any([stop, &timer], None) {
///     Some(0) => return,
///     _ => work(),
/// }
/// ```
///
/// IRQL: `APC_LEVEL` or below; with a limit of zero, which does not wait, `DISPATCH_LEVEL` or below.
#[must_use = "the result says which object is signaled"]
pub fn wait_any<const N: usize>(
    objects: [&dyn Waitable; N],
    limit: Option<Duration>,
) -> Option<usize> {
    const {
        assert!(
            N >= 1 && N <= MAXIMUM_OBJECTS,
            "a thread can wait for 1 to 3 objects"
        );
    };
    assert_can_wait(limit);
    let objects = objects.map(sealed::Object::as_object);
    let timeout = limit.map(relative);
    #[allow(clippy::cast_possible_truncation)] // at most 3
    // SAFETY: the objects exist, and the thread has wait blocks for them.
    let status = unsafe {
        KeWaitForMultipleObjects(
            N as u32,
            objects.as_ptr(),
            WAIT_ANY,
            EXECUTIVE,
            KERNEL_MODE,
            0,
            timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
            ptr::null_mut(),
        )
    };
    if status == STATUS_TIMEOUT {
        return None;
    }
    // `STATUS_WAIT_0` and the index. A wait in kernel mode that is not alertable has no other results.
    let index = status.code() as usize;
    debug_assert!(index < N, "the wait ended with {status}");
    Some(index)
}

/// Suspends the thread for a time, or a little longer: a clock tick has up to 15.6 ms.
///
/// IRQL: `APC_LEVEL` or below.
pub fn sleep(time: Duration) {
    irql::assert_at_most(APC_LEVEL);
    let interval = relative(time);
    // SAFETY: the interval is valid during the call. A wait that is not alertable succeeds.
    let _ = unsafe { KeDelayExecutionThread(KERNEL_MODE, 0, &raw const interval) };
}

/// Waits for an object; returns whether it is signaled.
fn wait_one(object: *mut c_void, limit: Option<Duration>) -> bool {
    assert_can_wait(limit);
    let timeout = limit.map(relative);
    // SAFETY: the object exists: `Object` promises it.
    let status = unsafe {
        KeWaitForSingleObject(
            object,
            EXECUTIVE,
            KERNEL_MODE,
            0,
            timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
        )
    };
    // A wait in kernel mode that is not alertable has no other results.
    assert!(
        status == STATUS_SUCCESS || status == STATUS_TIMEOUT,
        "the wait ended with {status}"
    );
    status == STATUS_SUCCESS
}

#[track_caller]
fn assert_can_wait(limit: Option<Duration>) {
    irql::assert_at_most(match limit {
        Some(Duration::ZERO) => DISPATCH_LEVEL,
        _ => APC_LEVEL,
    });
}

/// Returns a time in the kernel's unit of 100 ns, rounded up. IRQL: any.
pub(crate) const fn ticks(time: Duration) -> i64 {
    const PER_SECOND: u64 = 10_000_000;
    let Some(ticks) = time.as_secs().checked_mul(PER_SECOND) else {
        return i64::MAX;
    };
    let ticks = ticks.saturating_add(time.subsec_nanos().div_ceil(100) as u64);
    if ticks > i64::MAX as u64 {
        i64::MAX
    } else {
        #[allow(clippy::cast_possible_wrap)] // it is not larger
        {
            ticks as i64
        }
    }
}

/// Returns a time as a `LARGE_INTEGER` that is relative to now: negative. IRQL: any.
pub(crate) const fn relative(time: Duration) -> i64 {
    -ticks(time)
}

/// `WaitAny`.
const WAIT_ANY: i32 = 1;
/// `Executive`, the reason of a driver.
const EXECUTIVE: i32 = 0;
/// `KernelMode`: the stack of the thread stays in memory.
const KERNEL_MODE: i8 = 0;

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn KeDelayExecutionThread(mode: i8, alertable: u8, interval: *const i64) -> NtStatus;
        fn KeWaitForMultipleObjects(
            count: u32,
            objects: *const *mut c_void,
            wait_type: i32,
            reason: i32,
            mode: i8,
            alertable: u8,
            timeout: *const i64,
            wait_blocks: *mut c_void,
        ) -> NtStatus;
        fn KeWaitForSingleObject(
            object: *mut c_void,
            reason: i32,
            mode: i8,
            alertable: u8,
            timeout: *const i64,
        ) -> NtStatus;
    }
}
