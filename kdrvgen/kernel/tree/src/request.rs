//! Requests to a driver: each one is completed exactly once.

use core::marker::PhantomData;
use core::mem;
use core::ptr;
use core::slice;

use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::irp::{IoStackLocation, IoStatusBlock, IoStatusResult, Irp, IO_NO_INCREMENT};
use crate::nt::status::{STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL, STATUS_UNSUCCESSFUL};
use crate::nt::{NtError, NtStatus};

/// The result of a dispatch routine.
///
/// It comes from completing or queueing the request, so a dispatch routine cannot return another
/// status than that of its request, and cannot return before it dealt with the request. It stays in
/// its thread, so it cannot be that of another dispatch routine's request either.
#[repr(transparent)]
#[must_use = "a dispatch routine returns it"]
pub struct Dispatched(NtStatus, PhantomData<*mut ()>);

impl Dispatched {
    /// Returns a status for a request that was passed on or is pending. IRQL: any.
    ///
    /// # Safety
    ///
    /// It is what another driver's dispatch routine returned for the same request (`IofCallDriver`),
    /// or `STATUS_PENDING` for a request that is marked as pending.
    pub const unsafe fn with_status(status: NtStatus) -> Self {
        Self(status, PhantomData)
    }

    /// Returns the status. IRQL: any.
    pub const fn status(&self) -> NtStatus {
        self.0
    }
}

/// Who waits for a request: a parameter of the types of requests.
///
/// [`Dispatching`] and [`Pending`] are the only ones.
pub trait State: sealed::Sealed {
    /// What completing a request returns.
    type Completed;

    #[doc(hidden)]
    fn completed(status: NtStatus) -> Self::Completed;
}

/// A dispatch routine has the request, and returns the [`Dispatched`] that it gives.
///
/// Such a request stays in its thread. To complete it elsewhere or later, put it in a
/// [`Queue`](crate::queue::Queue).
pub enum Dispatching {}

/// The dispatch routine returned `STATUS_PENDING`. Any thread can complete the request.
pub enum Pending {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Dispatching {}
    impl Sealed for super::Pending {}
}

impl State for Dispatching {
    type Completed = Dispatched;

    fn completed(status: NtStatus) -> Dispatched {
        Dispatched(status, PhantomData)
    }
}

impl State for Pending {
    type Completed = ();

    fn completed(_status: NtStatus) {}
}

/// A request that belongs to this driver.
///
/// A request that is dropped is completed with `STATUS_UNSUCCESSFUL`. IRQL of that: `DISPATCH_LEVEL` or
/// below.
#[must_use = "a request that is dropped fails"]
pub struct Request<S: State = Dispatching>(*mut Irp, PhantomData<S>);

// SAFETY: a request is not tied to a thread, and its owner alone uses it. No dispatch routine has to
// return its status.
unsafe impl Send for Request<Pending> {}

impl Request {
    /// Takes over a request. IRQL: any.
    ///
    /// # Safety
    ///
    /// Windows passed `irp` to a dispatch routine of this driver, which returns the result of
    /// completing or queueing this request, and nothing else uses it.
    pub unsafe fn new(irp: *mut Irp) -> Self {
        Self(irp, PhantomData)
    }
}

impl<S: State> Request<S> {
    /// Returns the request again that [`Request::into_irp`] gave up.
    ///
    /// # Safety
    ///
    /// Nothing else uses it. If it is pending, its dispatch routine returns `STATUS_PENDING`.
    pub(crate) unsafe fn from_irp(irp: *mut Irp) -> Self {
        Self(irp, PhantomData)
    }

    /// Gives up the request, which is then not completed.
    pub(crate) fn into_irp(self) -> *mut Irp {
        let irp = self.0;
        mem::forget(self);
        irp
    }

    /// Returns the request's packet, which exists until the request is completed. IRQL: any.
    #[must_use]
    pub fn as_ptr(&self) -> *mut Irp {
        self.0
    }

    /// Returns the driver's part of the packet (`IoGetCurrentIrpStackLocation`). IRQL: any.
    #[must_use]
    pub fn location(&self) -> *mut IoStackLocation {
        // SAFETY: the packet exists.
        unsafe { (*self.0).tail.current_stack_location }
    }

    /// Completes the request, without output. IRQL: `DISPATCH_LEVEL` or below.
    #[allow(clippy::must_use_candidate)] // `Dispatched` is `must_use`; `()` has no use
    pub fn complete(self, result: Result<(), NtError>) -> S::Completed {
        self.finish(result, 0)
    }

    /// Completes the request, with the number of bytes that were transferred. An error reports none.
    pub(crate) fn finish(self, result: Result<(), NtError>, bytes: usize) -> S::Completed {
        let is_transferred = result.map_or_else(NtError::is_warning, |()| true);
        let information = if is_transferred { bytes } else { 0 };
        let status = result.into();
        // SAFETY: it is used no more: `drop` does not run.
        unsafe { complete(self.into_irp(), status, information) };
        S::completed(status)
    }
}

impl<S: State> Drop for Request<S> {
    fn drop(&mut self) {
        // SAFETY: `finish` did not complete it, and it is used no more.
        unsafe { complete(self.0, STATUS_UNSUCCESSFUL.status(), 0) };
    }
}

/// Completes a request.
///
/// # Safety
///
/// The request belongs to this driver, and is not used afterwards.
unsafe fn complete(irp: *mut Irp, status: NtStatus, information: usize) {
    irql::assert_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller's contract.
    unsafe {
        (*irp).io_status = IoStatusBlock {
            result: IoStatusResult { status },
            information,
        };
        IofCompleteRequest(irp, IO_NO_INCREMENT);
    }
}

/// A request of `DeviceIoControl` whose code has `METHOD_BUFFERED`.
///
/// The kernel copies the input into a buffer of its own. The output replaces the input there, and
/// the kernel copies it to the program.
///
/// For a code with another method, whose buffers are elsewhere, input and output are empty.
#[must_use = "a request that is dropped fails"]
pub struct Control<S: State = Dispatching> {
    request: Request<S>,
    code: u32,
    buffer: *mut u8,
    input_length: usize,
    output_length: usize,
    written: usize,
}

// SAFETY: the buffer belongs to the request.
unsafe impl Send for Control<Pending> {}

/// The two lowest bits of a control code.
const METHOD_MASK: u32 = 3;
const METHOD_BUFFERED: u32 = 0;

impl Control {
    /// Takes over a request. IRQL: any.
    ///
    /// # Safety
    ///
    /// As for [`Request::new`], in the routine for `IRP_MJ_DEVICE_CONTROL`.
    pub unsafe fn new(irp: *mut Irp) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Self::from_request(Request::new(irp)) }
    }
}

impl<S: State> Control<S> {
    /// Finds the buffer of a request to which nothing is written yet.
    ///
    /// # Safety
    ///
    /// It is a request for `IRP_MJ_DEVICE_CONTROL`.
    pub(crate) unsafe fn from_request(request: Request<S>) -> Self {
        let (irp, location) = (request.as_ptr(), request.location());
        // SAFETY: these are the members of the unions for this major function.
        let (parameters, buffer) = unsafe {
            (
                (*location).parameters.device_io_control,
                (*irp).associated_irp.system_buffer.cast::<u8>(),
            )
        };
        let code = parameters.io_control_code.0;
        // Without input and output there is no buffer.
        let has_buffer = code & METHOD_MASK == METHOD_BUFFERED && !buffer.is_null();
        let length = |length: u32| if has_buffer { length as usize } else { 0 };
        Self {
            request,
            code,
            buffer,
            input_length: length(parameters.input_buffer_length.0),
            output_length: length(parameters.output_buffer_length.0),
            written: 0,
        }
    }

    /// Returns the request itself. IRQL: any.
    pub fn request(&self) -> &Request<S> {
        &self.request
    }

    /// Gives up the request and the number of bytes of its output.
    pub(crate) fn into_parts(self) -> (*mut Irp, usize) {
        (self.request.into_irp(), self.written)
    }

    /// Sets how many bytes of output are in the buffer.
    pub(crate) fn set_written(&mut self, written: usize) {
        self.written = written;
    }

    /// Returns the control code. IRQL: any.
    #[must_use]
    pub fn code(&self) -> u32 {
        self.code
    }

    /// Returns the input, of the length that the program chose. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// The program cannot change it during the request. After a reply, its beginning is the output.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        if self.input_length == 0 {
            return &[];
        }
        // SAFETY: the kernel's buffer is as long as the longer of input and output, and only
        // `write` changes it, which borrows `self` mutably.
        unsafe { slice::from_raw_parts(self.buffer, self.input_length) }
    }

    /// Returns the number of bytes that the program accepts as output. IRQL: any.
    #[must_use]
    pub fn output_length(&self) -> usize {
        self.output_length
    }

    /// Makes `output` the whole output of the request. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_BUFFER_TOO_SMALL` if the program does not accept that many bytes; nothing is written.
    pub fn reply(&mut self, output: &[u8]) -> Result<(), NtError> {
        if output.len() > self.output_length {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        self.write(output);
        Ok(())
    }

    /// Makes as much of `output` the output as the program accepts. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_BUFFER_OVERFLOW` if that is not all. The program gets this warning together with the
    /// output if the request is completed with it.
    pub fn reply_partly(&mut self, output: &[u8]) -> Result<(), NtError> {
        match output.get(..self.output_length) {
            Some(beginning) if beginning.len() < output.len() => {
                self.write(beginning);
                Err(STATUS_BUFFER_OVERFLOW)
            }
            _ => {
                self.write(output);
                Ok(())
            }
        }
    }

    /// Writes at most `output_length` bytes.
    fn write(&mut self, output: &[u8]) {
        if !output.is_empty() {
            // SAFETY: the kernel's buffer has room for `output_length` bytes, and `output` is not
            // borrowed from it, because `self` is borrowed mutably.
            unsafe { ptr::copy_nonoverlapping(output.as_ptr(), self.buffer, output.len()) };
        }
        self.written = output.len();
    }

    /// Completes the request. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// A success or a warning carries the output of the last reply, and an error carries none.
    #[allow(clippy::must_use_candidate)] // `Dispatched` is `must_use`; `()` has no use
    pub fn complete(self, result: Result<(), NtError>) -> S::Completed {
        self.request.finish(result, self.written)
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "fastcall" {
        fn IofCompleteRequest(irp: *mut Irp, priority_boost: i8);
    }
}
