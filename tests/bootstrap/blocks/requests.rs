//! A kernel that counts how often a request is completed, and the tests of requests.

use std::cell::Cell;
use std::ptr;

use crate::nt::irp::{DeviceIoControl, Irp, Parameter, IRP_MJ_DEVICE_CONTROL};
use crate::nt::status::*;
use crate::nt::{NtError, NtStatus};
use crate::packets::{Fate, Packet};
use crate::request::{Control, Request};

thread_local! {
    /// Status and information of each completion.
    static COMPLETIONS: Cell<Vec<(u32, usize)>> = const { Cell::new(Vec::new()) };
}

#[unsafe(no_mangle)]
extern "system" fn IofCompleteRequest(irp: *mut Irp, _boost: i8) {
    let mut all = COMPLETIONS.take();
    // SAFETY: the request is the one of the test.
    all.push(unsafe { ((*irp).io_status.result.status.code(), (*irp).io_status.information) });
    COMPLETIONS.set(all);
    // SAFETY: as above.
    unsafe { Fate::record(irp) };
}

#[unsafe(no_mangle)]
extern "system" fn ObOpenObjectByPointer() {}
#[unsafe(no_mangle)]
extern "system" fn ZwSetSecurityObject() {}

const BUFFERED: u32 = 0x0022_2000;
const DIRECT: u32 = BUFFERED | 1;

/// A request with a buffer of eight bytes, in which the program sent four and accepts `room`.
struct Device {
    packet: Packet,
    buffer: *mut [u8; 8],
}

impl Device {
    fn new(code: u32, room: u32) -> Self {
        let packet = Packet::new(IRP_MJ_DEVICE_CONTROL);
        let buffer = Box::into_raw(Box::new(*b"sent...."));
        let irp = packet.irp();
        // SAFETY: the packet exists.
        unsafe {
            (*(*irp).tail.current_stack_location).parameters.device_io_control = DeviceIoControl {
                output_buffer_length: Parameter(room),
                input_buffer_length: Parameter(4),
                io_control_code: Parameter(code),
                type3_input_buffer: ptr::null_mut(),
            };
            (*irp).associated_irp.system_buffer = buffer.cast();
        }
        COMPLETIONS.take();
        Self { packet, buffer }
    }

    fn control(&mut self) -> Control {
        // SAFETY: it has the form of a request of `DeviceIoControl`.
        unsafe { Control::new(self.packet.irp()) }
    }

    fn bytes(&self) -> [u8; 8] {
        // SAFETY: the buffer exists, and the request is completed.
        unsafe { *self.buffer }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: it is from a box, and used no more.
        drop(unsafe { Box::from_raw(self.buffer) });
    }
}

/// What `DeviceIoControl` gives a driver that replies `output` in a way, and the status for `handle`.
fn completed(room: u32, handle: impl Fn(&mut Control) -> Result<(), NtError>) -> (u32, usize) {
    let mut device = Device::new(BUFFERED, room);
    let mut control = device.control();
    let result = handle(&mut control);
    let status = control.complete(result).status();
    let [only] = COMPLETIONS.take()[..] else { panic!("completed once") };
    assert_eq!(only.0, status.code(), "both are the same status");
    only
}

#[test]
fn the_length_of_the_output_is_that_of_the_last_reply() {
    assert_eq!(completed(8, |request| request.reply(b"abc")), (0, 3));
    assert_eq!(completed(8, |request| request.reply(b"")), (0, 0));
    assert_eq!(completed(8, |_| Ok(())), (0, 0));
    let twice = |request: &mut Control| {
        request.reply(b"long")?;
        request.reply(b"s")
    };
    assert_eq!(completed(8, twice), (0, 1));
}

#[test]
fn an_error_carries_no_output_and_a_warning_does() {
    let error = completed(8, |request| {
        request.reply(b"abc")?;
        Err(STATUS_ACCESS_DENIED)
    });
    assert_eq!(error, (STATUS_ACCESS_DENIED.status().code(), 0));
    let warning = completed(2, |request| request.reply_partly(b"abc"));
    assert_eq!(warning, (STATUS_BUFFER_OVERFLOW.status().code(), 2));
    assert_eq!(completed(3, |request| request.reply_partly(b"abc")), (0, 3));
}

#[test]
fn a_reply_that_does_not_fit_writes_nothing() {
    let mut device = Device::new(BUFFERED, 2);
    let mut control = device.control();
    assert_eq!(control.reply(b"abc"), Err(STATUS_BUFFER_TOO_SMALL));
    let _ = control.complete(Ok(()));
    assert_eq!(&device.bytes(), b"sent....");
    assert_eq!(COMPLETIONS.take(), [(0, 0)]);
}

#[test]
fn a_reply_stays_in_its_part_of_the_buffer() {
    let mut device = Device::new(BUFFERED, 2);
    let mut control = device.control();
    assert_eq!(control.input(), b"sent");
    assert_eq!(control.output_length(), 2);
    assert!(control.reply_partly(b"abcdefghij").is_err());
    let _ = control.complete(Ok(()));
    assert_eq!(&device.bytes(), b"abnt....");
}

#[test]
fn a_request_that_is_dropped_fails_once() {
    let mut device = Device::new(BUFFERED, 8);
    let mut control = device.control();
    control.reply(b"abc").unwrap();
    drop(control);
    assert_eq!(COMPLETIONS.take(), [(STATUS_UNSUCCESSFUL.status().code(), 0)]);
    // SAFETY: the request exists.
    drop(unsafe { Request::new(device.packet.irp()) });
    assert_eq!(COMPLETIONS.take(), [(STATUS_UNSUCCESSFUL.status().code(), 0)]);
}

#[test]
fn a_request_with_another_method_has_no_buffers() {
    let mut device = Device::new(DIRECT, 8);
    let mut control = device.control();
    assert_eq!((control.input(), control.output_length()), (&b""[..], 0));
    assert_eq!(control.reply(b"a"), Err(STATUS_BUFFER_TOO_SMALL));
    let _ = control.complete(Ok(()));
    assert_eq!(COMPLETIONS.take(), [(0, 0)]);
}

#[test]
fn the_status_of_a_dispatch_routine_is_that_of_the_request() {
    let device = Device::new(BUFFERED, 8);
    // SAFETY: the request exists.
    let request = unsafe { Request::new(device.packet.irp()) };
    let dispatched = request.complete(Err(STATUS_ACCESS_DENIED));
    assert_eq!(NtStatus::from(Err(STATUS_ACCESS_DENIED)), dispatched.status());
    assert_eq!(COMPLETIONS.take(), [(STATUS_ACCESS_DENIED.status().code(), 0)]);
}
