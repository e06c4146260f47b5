//! Requests that wait: pending, and cancelled safely.
//!
//! A request can be cancelled at any moment: its program ends, closes the file or calls `CancelIoEx`.
//! So each request in a [`Queue`] belongs to exactly one of those who want it, and is completed once:
//! [`Queue::remove`], the cancel routine, [`Queue::cancel_file`] or [`Queue::cancel_all`].
//!
//! The kernel's own queue (`IoCsqInitialize`) works the same way. This one has types, and needs no
//! callbacks.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use crate::irql::{self, DISPATCH_LEVEL};
use crate::lock::SpinLock;
use crate::nt::irp::{DriverCancel, Irp, SL_PENDING_RETURNED};
use crate::nt::status::{STATUS_CANCELLED, STATUS_PENDING};
use crate::nt::DeviceObject;
use crate::request::{Control, Dispatched, Pending, Request, State};
use crate::transfer::{ReadRequest, WriteRequest};

/// A type of requests that a queue can have: [`Request`], [`Control`], [`ReadRequest`] and
/// [`WriteRequest`].
pub trait Queueable: sealed::Sealed {
    /// The same type for a request that is pending.
    type Pending;

    /// Gives up a request: its packet and its progress.
    #[doc(hidden)]
    fn into_parts(self) -> (*mut Irp, usize);

    /// Returns the request of which `into_parts` returned these.
    ///
    /// # Safety
    ///
    /// The request is pending, and nothing else uses it.
    #[doc(hidden)]
    unsafe fn from_parts(irp: *mut Irp, progress: usize) -> Self::Pending;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Request {}
    impl Sealed for super::Control {}
    impl Sealed for super::ReadRequest {}
    impl Sealed for super::WriteRequest {}
}

impl Queueable for Request {
    type Pending = Request<Pending>;

    fn into_parts(self) -> (*mut Irp, usize) {
        (self.into_irp(), 0)
    }

    unsafe fn from_parts(irp: *mut Irp, _progress: usize) -> Request<Pending> {
        // SAFETY: the caller's contract.
        unsafe { Request::from_irp(irp) }
    }
}

macro_rules! queueable {
    ($type:ident, $set_progress:ident) => {
        impl Queueable for $type {
            type Pending = $type<Pending>;

            fn into_parts(self) -> (*mut Irp, usize) {
                $type::into_parts(self)
            }

            unsafe fn from_parts(irp: *mut Irp, progress: usize) -> $type<Pending> {
                // SAFETY: the caller's contract. It was a request of this type.
                let mut request = unsafe { $type::from_request(Request::from_irp(irp)) };
                request.$set_progress(progress);
                request
            }
        }
    };
}

queueable!(Control, set_written);
queueable!(ReadRequest, set_written);
queueable!(WriteRequest, set_taken);

/// Pending requests of one type, the oldest first.
///
/// ```text
/// static READS: Queue<ReadRequest> = Queue::new();
///
/// // in the routine for IRP_MJ_READ
/// READS.insert(request)
///
/// // when there are data
/// if let Some(mut request) = READS.remove() {
///     let result = request.append(data).map(|_| ());
///     request.complete(result);
/// }
/// ```
///
/// Call [`Queue::cancel_file`] in the routine for `IRP_MJ_CLEANUP`: the kernel closes a file only after
/// all its requests are completed.
pub struct Queue<R: Queueable> {
    list: SpinLock<List>,
    requests: PhantomData<fn() -> R>,
}

impl<R: Queueable> Queue<R> {
    /// Returns a queue without requests. IRQL: any.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: SpinLock::new(List::new()),
            requests: PhantomData,
        }
    }

    /// Puts a request at the end, and makes it pending. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// Another thread may complete the request before the function returns.
    pub fn insert(&'static self, request: R) -> Dispatched {
        let (irp, progress) = request.into_parts();
        let mut list = self.list.lock();
        // SAFETY: the request belongs to this function until the lock is released.
        let is_cancelled = unsafe {
            let location = (*irp).tail.current_stack_location;
            (*location).control |= SL_PENDING_RETURNED;
            (*irp).tail.driver_context[LIST] = ptr::from_ref(&self.list).cast_mut().cast();
            (*irp).tail.driver_context[PROGRESS] = progress as *mut c_void;
            list.push(irp);
            set_cancel_routine(irp, Some(cancel));
            // Whoever cancelled it before found no routine to call.
            is_cancelled(irp) && set_cancel_routine(irp, None)
        };
        if is_cancelled {
            // SAFETY: it is in the list, and the routine is not called any more.
            unsafe { list.unlink(irp) };
        }
        drop(list);
        if is_cancelled {
            // SAFETY: the request is marked as pending, and nothing else uses it.
            unsafe { complete_cancelled(irp) };
        }
        // SAFETY: the request is marked as pending.
        unsafe { Dispatched::with_status(STATUS_PENDING) }
    }

    /// Takes the oldest request that is not being cancelled. IRQL: `DISPATCH_LEVEL` or below.
    pub fn remove(&self) -> Option<R::Pending> {
        let irp = self.list.lock().take_first(|_| true)?;
        // SAFETY: `insert` put a request of this type into the list, which now belongs to the caller.
        unsafe {
            let progress = (*irp).tail.driver_context[PROGRESS] as usize;
            Some(R::from_parts(irp, progress))
        }
    }

    /// Cancels all requests for the file of `request`, which is one for `IRP_MJ_CLEANUP`.
    /// IRQL: `DISPATCH_LEVEL` or below.
    pub fn cancel_file<S: State>(&self, request: &Request<S>) {
        // SAFETY: the packet exists.
        let file = unsafe { (*request.location()).file_object };
        self.cancel(|irp| {
            // SAFETY: a packet in the list exists.
            unsafe { (*(*irp).tail.current_stack_location).file_object == file }
        });
    }

    /// Cancels all requests. IRQL: `DISPATCH_LEVEL` or below.
    pub fn cancel_all(&self) {
        self.cancel(|_| true);
    }

    /// Returns whether there is no request. IRQL: `DISPATCH_LEVEL` or below.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.lock().first.is_null()
    }

    /// Cancels the requests for which `which` is true.
    fn cancel(&self, which: impl Fn(*mut Irp) -> bool) {
        loop {
            // The lock is released before the request is completed: that can call back.
            let next = self.list.lock().take_first(&which);
            let Some(irp) = next else { return };
            // SAFETY: the request was in the list, and nothing else uses it now.
            unsafe { complete_cancelled(irp) };
        }
    }
}

impl<R: Queueable> Default for Queue<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Indexes of `driver_context`, which belongs to the driver that has the request.
const LIST: usize = 0;
const PROGRESS: usize = 1;
/// Indexes of `list_entry`.
const NEXT: usize = 0;
const PREVIOUS: usize = 1;

/// A list of packets, each of which links to its neighbours. It owns the requests in it, except those
/// whose cancel routine is about to take them out.
struct List {
    first: *mut Irp,
    last: *mut Irp,
}

// SAFETY: the packets in the list are not tied to a thread.
unsafe impl Send for List {}

impl List {
    const fn new() -> Self {
        Self {
            first: ptr::null_mut(),
            last: ptr::null_mut(),
        }
    }

    /// Adds a packet at the end.
    ///
    /// # Safety
    ///
    /// It exists, and is in no list.
    unsafe fn push(&mut self, irp: *mut Irp) {
        // SAFETY: the caller's contract, also for the last one.
        unsafe {
            (*irp).tail.list_entry = [ptr::null_mut(), self.last.cast()];
            if self.last.is_null() {
                self.first = irp;
            } else {
                (*self.last).tail.list_entry[NEXT] = irp.cast();
            }
        }
        self.last = irp;
    }

    /// Takes a packet out.
    ///
    /// # Safety
    ///
    /// It is in this list.
    unsafe fn unlink(&mut self, irp: *mut Irp) {
        // SAFETY: the caller's contract: its neighbours are in the list too.
        unsafe {
            let [next, previous] = (*irp).tail.list_entry;
            let (next, previous) = (next.cast::<Irp>(), previous.cast::<Irp>());
            if previous.is_null() {
                self.first = next;
            } else {
                (*previous).tail.list_entry[NEXT] = next.cast();
            }
            if next.is_null() {
                self.last = previous;
            } else {
                (*next).tail.list_entry[PREVIOUS] = previous.cast();
            }
        }
    }

    /// Takes out the first packet for which `which` is true, unless it is being cancelled.
    fn take_first(&mut self, which: impl Fn(*mut Irp) -> bool) -> Option<*mut Irp> {
        let mut irp = self.first;
        while !irp.is_null() {
            // SAFETY: the packet exists while it is in the list. Without a cancel routine it belongs
            // to that routine, which waits for the list's lock and takes it out.
            unsafe {
                if which(irp) && set_cancel_routine(irp, None) {
                    self.unlink(irp);
                    return Some(irp);
                }
                irp = (*irp).tail.list_entry[NEXT].cast();
            }
        }
        None
    }
}

/// `IoSetCancelRoutine`: returns whether there was a routine before.
///
/// # Safety
///
/// The packet exists. The routine takes it out of its list.
unsafe fn set_cancel_routine(irp: *mut Irp, routine: Option<DriverCancel>) -> bool {
    let address = routine.map_or(ptr::null_mut(), |routine| routine as *mut _);
    // SAFETY: the packet exists, and everyone exchanges this member atomically.
    let place = unsafe { AtomicPtr::from_ptr(&raw mut (*irp).cancel_routine) };
    !place.swap(address, Ordering::SeqCst).is_null()
}

/// Returns whether somebody cancelled the request.
///
/// # Safety
///
/// The packet exists.
unsafe fn is_cancelled(irp: *mut Irp) -> bool {
    // SAFETY: the packet exists. Whoever cancels it writes this member before exchanging the routine.
    unsafe { AtomicU8::from_ptr(&raw mut (*irp).cancel) }.load(Ordering::SeqCst) != 0
}

/// The cancel routine: takes the request out of its list, and completes it.
///
/// The one who cancels it has already taken this routine from the packet, so nobody else takes the
/// request out.
unsafe extern "system" fn cancel(_device: *mut DeviceObject, irp: *mut Irp) {
    // SAFETY: the kernel holds the cancel spin lock, and `insert` stored the list, which is static.
    unsafe {
        IoReleaseCancelSpinLock((*irp).cancel_irql);
        let list = (*irp).tail.driver_context[LIST].cast::<SpinLock<List>>();
        (*list).lock().unlink(irp);
        complete_cancelled(irp);
    }
}

/// Completes a request with `STATUS_CANCELLED`.
///
/// # Safety
///
/// The request is marked as pending, is in no list, and is not used afterwards.
unsafe fn complete_cancelled(irp: *mut Irp) {
    irql::assert_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller's contract.
    let request: Request<Pending> = unsafe { Request::from_irp(irp) };
    request.complete(Err(STATUS_CANCELLED));
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn IoReleaseCancelSpinLock(irql: u8);
    }
}
