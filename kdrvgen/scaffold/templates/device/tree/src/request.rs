//! Requests: how they are completed, and the buffer of those that `DeviceIoControl` makes.

use core::ptr;
use core::slice;

use crate::nt::irp::{self, IoStatusBlock, IoStatusResult, Irp};
use crate::nt::status::{NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_SUCCESS};

/// Completes a request, with the number of bytes of output or the failure; returns what the
/// dispatch routine has to return.
///
/// # Safety
///
/// The kernel passed `irp` to a dispatch routine of this driver. It is not touched afterwards.
pub unsafe fn complete(irp: *mut Irp, result: Result<usize, NtStatus>) -> NtStatus {
    let (status, information) = match result {
        Ok(written) => (STATUS_SUCCESS, written),
        Err(status) => (status, 0),
    };
    // SAFETY: the request is this driver's until it is completed.
    unsafe {
        (*irp).io_status = IoStatusBlock {
            result: IoStatusResult { status },
            information,
        };
        IofCompleteRequest(irp, irp::IO_NO_INCREMENT);
    }
    status
}

/// A request by `DeviceIoControl`, of a code with `METHOD_BUFFERED`: the kernel copies the input
/// into a buffer of its own, and the output out of the same buffer.
///
/// Of a code with another method, for which the buffers lie elsewhere, both are empty.
pub struct Control {
    irp: *mut Irp,
    code: u32,
    buffer: *mut u8,
    input_length: usize,
    output_length: usize,
}

/// The two lowest bits of a control code.
const METHOD_MASK: u32 = 3;
const METHOD_BUFFERED: u32 = 0;

impl Control {
    /// Takes a request over, until [`Control::complete`].
    ///
    /// # Safety
    ///
    /// The kernel passed `irp` to this driver's routine for `IRP_MJ_DEVICE_CONTROL`, which leaves
    /// it to this object.
    pub unsafe fn new(irp: *mut Irp) -> Self {
        // SAFETY: by the major function, these are the members of the unions that are meant.
        let (parameters, buffer) = unsafe {
            let location = (*irp).tail.current_stack_location;
            (
                (*location).parameters.device_io_control,
                (*irp).associated_irp.system_buffer.cast::<u8>(),
            )
        };
        let code = parameters.io_control_code.0;
        // Without input and output there is no buffer at all.
        let is_buffered = code & METHOD_MASK == METHOD_BUFFERED && !buffer.is_null();
        let length = |length: u32| if is_buffered { length as usize } else { 0 };
        Self {
            irp,
            code,
            buffer,
            input_length: length(parameters.input_buffer_length.0),
            output_length: length(parameters.output_buffer_length.0),
        }
    }

    /// The control code.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// The input: as much as the program said, which may be too little, or too much.
    pub fn input(&self) -> &[u8] {
        if self.input_length == 0 {
            return &[];
        }
        // SAFETY: the kernel's copy has this length, and only `reply` writes to it.
        unsafe { slice::from_raw_parts(self.buffer, self.input_length) }
    }

    /// Writes the whole output, over the input; returns its length for [`Control::complete`].
    ///
    /// # Errors
    ///
    /// `STATUS_BUFFER_TOO_SMALL` if the program has no room for it. Nothing is written then.
    pub fn reply(&mut self, output: &[u8]) -> Result<usize, NtStatus> {
        if output.len() > self.output_length {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        if !output.is_empty() {
            // SAFETY: the kernel's buffer has room for the longer of input and output; what is
            // borrowed from it is not `output`, as `self` is borrowed mutably.
            unsafe { ptr::copy_nonoverlapping(output.as_ptr(), self.buffer, output.len()) };
        }
        Ok(output.len())
    }

    /// Completes the request, as [`complete`] does.
    pub fn complete(self, result: Result<usize, NtStatus>) -> NtStatus {
        // SAFETY: by `new` it is this object's, which ends here.
        unsafe { complete(self.irp, result) }
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "fastcall" {
        fn IofCompleteRequest(irp: *mut Irp, priority_boost: i8);
    }
}
