//! Requests to read and to write: `ReadFile` and `WriteFile`.
//!
//! A device chooses where their data is: see [`Transfer`](crate::device::Transfer). The types are the
//! same for both. They copy the data, because with direct I/O the program can change its memory at any
//! time, so no reference to it would be valid. A number of bytes that was not copied cannot be
//! reported: the length of the output is what [`ReadRequest::append`] wrote, and that of the input is
//! what [`WriteRequest::take`] read.

use core::ptr;

use crate::mdl;
use crate::nt::irp::{Irp, TransferParameters};
use crate::nt::objects::{DO_BUFFERED_IO, DO_DIRECT_IO};
use crate::nt::status::STATUS_INSUFFICIENT_RESOURCES;
use crate::nt::NtError;
use crate::request::{Dispatching, Pending, Request, State};

/// A request of `ReadFile`: the program receives bytes.
#[must_use = "a request that is dropped fails"]
pub struct ReadRequest<S: State = Dispatching> {
    request: Request<S>,
    buffer: Buffer,
    written: usize,
}

// SAFETY: the buffer belongs to the request.
unsafe impl Send for ReadRequest<Pending> {}

impl ReadRequest {
    /// Takes over a request. IRQL: any.
    ///
    /// # Safety
    ///
    /// As for [`Request::new`], in the routine for `IRP_MJ_READ`.
    pub unsafe fn new(irp: *mut Irp) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Self::from_request(Request::new(irp)) }
    }
}

impl<S: State> ReadRequest<S> {
    /// Finds the buffer of a request to which nothing is written yet.
    ///
    /// # Safety
    ///
    /// It is a request for `IRP_MJ_READ`.
    pub(crate) unsafe fn from_request(request: Request<S>) -> Self {
        // SAFETY: the caller's contract.
        let buffer = unsafe { Buffer::of(&request) };
        Self {
            request,
            buffer,
            written: 0,
        }
    }

    /// Gives up the request and the number of bytes of its output.
    pub(crate) fn into_parts(self) -> (*mut Irp, usize) {
        (self.request.into_irp(), self.written)
    }

    /// Sets how many bytes of output are in the buffer.
    pub(crate) fn set_written(&mut self, written: usize) {
        self.written = written;
    }

    /// Returns the request itself. IRQL: any.
    pub fn request(&self) -> &Request<S> {
        &self.request
    }

    /// Returns the number of bytes that the program still accepts. IRQL: any.
    ///
    /// A request for a device without a [`Transfer`](crate::device::Transfer) accepts none.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.buffer.length - self.written
    }

    /// Returns the place in the device that the program chose, in bytes; most devices have no places.
    /// IRQL: any.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.buffer.offset
    }

    /// Writes bytes behind those that were written before, as many as the program accepts.
    /// IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// Returns their number.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if the kernel has no address for the program's pages; nothing
    /// is written.
    pub fn append(&mut self, output: &[u8]) -> Result<usize, NtError> {
        let output = &output[..output.len().min(self.remaining())];
        if !output.is_empty() {
            let address = self.buffer.address()?;
            // SAFETY: the buffer is longer than `written` and `output` together, which is not a part
            // of it, because nobody gets a reference to the buffer.
            unsafe {
                let to = address.add(self.written);
                match self.buffer.memory {
                    Memory::Program(_) => mdl::copy_to_program(output, to),
                    _ => ptr::copy_nonoverlapping(output.as_ptr(), to, output.len()),
                }
            }
            self.written += output.len();
        }
        Ok(output.len())
    }

    /// Completes the request. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// A success or a warning carries the output, and an error carries none. A success without output
    /// is the end of the file to most programs.
    #[allow(clippy::must_use_candidate)] // `Dispatched` is `must_use`; `()` has no use
    pub fn complete(self, result: Result<(), NtError>) -> S::Completed {
        self.request.finish(result, self.written)
    }
}

/// A request of `WriteFile`: the program sends bytes.
#[must_use = "a request that is dropped fails"]
pub struct WriteRequest<S: State = Dispatching> {
    request: Request<S>,
    buffer: Buffer,
    taken: usize,
}

// SAFETY: the buffer belongs to the request.
unsafe impl Send for WriteRequest<Pending> {}

impl WriteRequest {
    /// Takes over a request. IRQL: any.
    ///
    /// # Safety
    ///
    /// As for [`Request::new`], in the routine for `IRP_MJ_WRITE`.
    pub unsafe fn new(irp: *mut Irp) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Self::from_request(Request::new(irp)) }
    }
}

impl<S: State> WriteRequest<S> {
    /// Finds the buffer of a request of which nothing is taken yet.
    ///
    /// # Safety
    ///
    /// It is a request for `IRP_MJ_WRITE`.
    pub(crate) unsafe fn from_request(request: Request<S>) -> Self {
        // SAFETY: the caller's contract.
        let buffer = unsafe { Buffer::of(&request) };
        Self {
            request,
            buffer,
            taken: 0,
        }
    }

    /// Gives up the request and the number of bytes that were taken.
    pub(crate) fn into_parts(self) -> (*mut Irp, usize) {
        (self.request.into_irp(), self.taken)
    }

    /// Sets how many bytes were taken.
    pub(crate) fn set_taken(&mut self, taken: usize) {
        self.taken = taken;
    }

    /// Returns the request itself. IRQL: any.
    pub fn request(&self) -> &Request<S> {
        &self.request
    }

    /// Returns the number of bytes that were not taken yet. IRQL: any.
    ///
    /// A request for a device without a [`Transfer`](crate::device::Transfer) has none.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.buffer.length - self.taken
    }

    /// Returns the place in the device that the program chose, in bytes; most devices have no places.
    /// IRQL: any.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.buffer.offset
    }

    /// Copies the next bytes of the program into `input`, as many as there are.
    /// IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// Returns their number. Check the copy, and never the program's memory a second time.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if the kernel has no address for the program's pages; nothing
    /// is copied.
    pub fn take(&mut self, input: &mut [u8]) -> Result<usize, NtError> {
        let count = input.len().min(self.remaining());
        if count > 0 {
            let address = self.buffer.address()?;
            let input = &mut input[..count];
            // SAFETY: the buffer is longer than `taken` and `input` together, which is not a part of
            // it, because nobody gets a reference to the buffer.
            unsafe {
                let from = address.add(self.taken);
                match self.buffer.memory {
                    Memory::Program(_) => mdl::copy_from_program(from, input),
                    _ => ptr::copy_nonoverlapping(from, input.as_mut_ptr(), count),
                }
            }
            self.taken += count;
        }
        Ok(count)
    }

    /// Completes the request. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// A success or a warning tells the program how many bytes were taken. With an error, it was none.
    #[allow(clippy::must_use_candidate)] // `Dispatched` is `must_use`; `()` has no use
    pub fn complete(self, result: Result<(), NtError>) -> S::Completed {
        self.request.finish(result, self.taken)
    }
}

/// The buffer of a request to read or write.
struct Buffer {
    memory: Memory,
    length: usize,
    offset: i64,
}

#[derive(Clone, Copy)]
enum Memory {
    Missing,
    /// The kernel's own buffer.
    Kernel(*mut u8),
    /// The pages of the program, which can change them at any time.
    Program(*mut mdl::Mdl),
}

impl Buffer {
    /// Finds the buffer in the form that the device chose.
    ///
    /// # Safety
    ///
    /// It is a request for `IRP_MJ_READ` or `IRP_MJ_WRITE`.
    unsafe fn of<S: State>(request: &Request<S>) -> Self {
        let (irp, location) = (request.as_ptr(), request.location());
        // SAFETY: the packet exists, and this is the member of the union for both functions.
        let (parameters, flags, kernel, program): (TransferParameters, _, _, _) = unsafe {
            (
                (*location).parameters.transfer,
                (*(*location).device_object).flags,
                (*irp).associated_irp.system_buffer.cast::<u8>(),
                (*irp).mdl_address,
            )
        };
        let length = parameters.length as usize;
        let (memory, length) = if flags & DO_BUFFERED_IO != 0 && !kernel.is_null() {
            (Memory::Kernel(kernel), length)
        } else if flags & DO_DIRECT_IO != 0 && !program.is_null() {
            // SAFETY: the list exists as long as the request.
            let described = unsafe { (*program).byte_count } as usize;
            (Memory::Program(program), length.min(described))
        } else {
            // The program has no buffer, or the device did not choose.
            (Memory::Missing, 0)
        };
        let [low, high] = parameters.byte_offset;
        #[allow(clippy::cast_possible_wrap)] // the kernel's LARGE_INTEGER has a sign
        let offset = (u64::from(high) << 32 | u64::from(low)) as i64;
        Self {
            memory,
            length,
            offset,
        }
    }

    /// Returns the address in the kernel of a buffer that is not empty.
    fn address(&self) -> Result<*mut u8, NtError> {
        match self.memory {
            Memory::Missing => Err(STATUS_INSUFFICIENT_RESOURCES),
            Memory::Kernel(address) => Ok(address),
            // SAFETY: the list exists as long as the request, which is borrowed.
            Memory::Program(list) => unsafe { mdl::system_address(list) },
        }
    }
}
