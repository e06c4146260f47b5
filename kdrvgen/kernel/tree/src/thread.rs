//! System threads, which end before the driver is unloaded.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use crate::event::{Event, EventKind};
use crate::handle::Handle;
use crate::irql::{self, PASSIVE_LEVEL};
use crate::nt::object_attributes::ObjectAttributes;
use crate::nt::status::STATUS_SUCCESS;
use crate::nt::{NtError, NtStatus};
use crate::object::{Object, ObjectType};
use crate::shared::{Pooled, Shared};
use crate::wait::{sealed, Waitable};

/// A thread of the system process. Dropping it asks the thread to stop, and waits until it has ended. IRQL
/// of that: `PASSIVE_LEVEL`.
///
/// Waiting for a thread ([`Waitable`]) waits until it has ended, without asking it to.
///
/// A thread must not drop its own `Thread`, because it would wait for itself for ever. A thread whose
/// `Thread` is forgotten (`core::mem::forget`) runs on after the driver is unloaded, which stops the
/// machine: keep it in a [`Slot`](crate::slot::Slot).
#[must_use = "a thread that is dropped is stopped"]
pub struct Thread {
    object: Object,
    stop: Shared<Event>,
}

/// What a new thread gets.
struct Start<F> {
    work: F,
    stop: Shared<Event>,
}

impl Thread {
    /// Starts a thread that calls `work` at `PASSIVE_LEVEL`.
    ///
    /// The argument of `work` is an event that is signaled when the thread must stop. A thread that
    /// works for long waits for it between its steps:
    ///
    /// ```text
    /// let thread = Thread::spawn(|stop| {
    ///     while !stop.wait_for(Duration::from_secs(1)) {
    ///         log!("one second later");
    ///     }
    /// })?;
    /// ```
    ///
    /// The thread runs in a critical region, as all system threads do: normal kernel APCs do not
    /// interrupt it.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory; `work` does not run.
    ///
    /// # Panics
    ///
    /// If the kernel gives no reference to the new thread, which it always does.
    pub fn spawn<F>(work: F) -> Result<Self, NtError>
    where
        F: FnOnce(&Event) + Send + 'static,
    {
        irql::assert_at_most(PASSIVE_LEVEL);
        let stop = Shared::new(Event::new(EventKind::Notification)?)?;
        let theirs = stop.clone();
        let start = Pooled::new(Start { work, stop: theirs })?.into_raw();
        let attributes = ObjectAttributes::of_kernel_handle(ptr::null_mut(), ptr::null(), 0);
        let mut handle = ptr::null_mut();
        // SAFETY: all pointers are valid during the call, and `run` becomes the owner of `start`.
        let created = unsafe {
            PsCreateSystemThread(
                &raw mut handle,
                THREAD_ALL_ACCESS,
                &raw const attributes,
                ptr::null_mut(),
                ptr::null_mut(),
                run::<F>,
                start.as_ptr().cast(),
            )
        };
        if let Err(error) = created.check() {
            // SAFETY: no thread owns it.
            drop(unsafe { Pooled::from_raw(start) });
            return Err(error);
        }
        // SAFETY: it is a new kernel handle.
        let handle = unsafe { Handle::from_raw(handle) };
        // Without a reference, the thread would run on when the driver is unloaded. The kernel does not
        // refuse one for a handle that it just made.
        let object = Object::of_handle(&handle, ObjectType::Thread);
        let object = object.unwrap_or_else(|error| panic!("no reference to a new thread: {error}"));
        Ok(Self { object, stop })
    }

    /// Asks the thread to stop, without waiting. IRQL: `DISPATCH_LEVEL` or below.
    pub fn stop(&self) {
        self.stop.set();
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        self.stop();
        self.wait();
    }
}

// SAFETY: the thread object exists as long as the reference of `self`.
unsafe impl sealed::Object for Thread {
    fn as_object(&self) -> *mut c_void {
        self.object.as_ptr()
    }
}

impl Waitable for Thread {}

/// The beginning and the end of a thread.
unsafe extern "system" fn run<F: FnOnce(&Event)>(context: *mut c_void) {
    // SAFETY: `spawn` passes a `Start<F>`, which this thread owns.
    let start = unsafe { Pooled::from_raw(NonNull::new_unchecked(context.cast::<Start<F>>())) };
    {
        let Start { work, stop } = start.into_inner();
        work(&stop);
    }
    // SAFETY: this is a system thread, and it owns nothing any more.
    let _ = unsafe { PsTerminateSystemThread(STATUS_SUCCESS) };
}

/// `THREAD_ALL_ACCESS`.
const THREAD_ALL_ACCESS: u32 = 0x1F_FFFF;

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn PsCreateSystemThread(
            handle: *mut *mut c_void,
            access: u32,
            attributes: *const ObjectAttributes<'_>,
            process: *mut c_void,
            client: *mut c_void,
            start: unsafe extern "system" fn(*mut c_void),
            context: *mut c_void,
        ) -> NtStatus;
        fn PsTerminateSystemThread(status: NtStatus) -> NtStatus;
    }
}
