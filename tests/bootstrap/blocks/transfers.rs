//! Tests of requests to read and write.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::nt::irp::{IRP_MJ_READ, IRP_MJ_WRITE};
use crate::nt::mdl::{Mdl, MDL_MAPPED_TO_SYSTEM_VA};
use crate::nt::status::*;
use crate::packets::Packet;
use crate::transfer::{ReadRequest, WriteRequest};

static MAPPINGS: AtomicUsize = AtomicUsize::new(0);

/// Maps a list whose memory begins at `start_va`.
#[unsafe(no_mangle)]
extern "system" fn MmMapLockedPagesSpecifyCache(
    list: *mut Mdl,
    mode: i8,
    cache: i32,
    address: *mut c_void,
    bug_check_on_failure: u32,
    priority: u32,
) -> *mut c_void {
    assert_eq!((mode, cache, bug_check_on_failure), (0, 1, 0));
    assert!(address.is_null());
    assert_eq!(priority, 16 | 0x4000_0000, "the mapping is not executable");
    MAPPINGS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the list is that of the test.
    unsafe {
        if (*list).start_va.is_null() {
            return ptr::null_mut();
        }
        (*list).mdl_flags |= MDL_MAPPED_TO_SYSTEM_VA;
        (*list).mapped_system_va = (*list).start_va;
        (*list).mapped_system_va
    }
}

/// Both kinds of buffers.
const KINDS: [fn(u8, *mut u8, usize) -> Packet; 2] = [Packet::buffered, Packet::direct];

#[test]
fn a_read_gets_what_was_appended_and_no_more_than_it_accepts() {
    for kind in KINDS {
        let mut buffer = *b"........";
        let packet = kind(IRP_MJ_READ, buffer.as_mut_ptr(), 5);
        // SAFETY: it is a request to read.
        let mut request = unsafe { ReadRequest::new(packet.irp()) };
        assert_eq!(request.remaining(), 5);
        assert_eq!(request.offset(), 0x0123_4567_89AB_CDEF);
        assert_eq!(request.append(b"abc"), Ok(3));
        assert_eq!(request.append(b""), Ok(0));
        assert_eq!(request.append(b"defg"), Ok(2));
        assert_eq!(request.append(b"h"), Ok(0));
        let dispatched = request.complete(Ok(()));
        assert_eq!(dispatched.status(), STATUS_SUCCESS);
        assert_eq!(packet.fate.get(), Some((0, 5)));
        assert_eq!(&buffer, b"abcde...");
    }
}

#[test]
fn a_write_reports_what_was_taken() {
    for kind in KINDS {
        let mut buffer = *b"abcdefgh";
        let packet = kind(IRP_MJ_WRITE, buffer.as_mut_ptr(), 8);
        // SAFETY: it is a request to write.
        let mut request = unsafe { WriteRequest::new(packet.irp()) };
        let mut input = [0; 3];
        assert_eq!(request.take(&mut input), Ok(3));
        assert_eq!(&input, b"abc");
        assert_eq!(request.take(&mut []), Ok(0));
        assert_eq!(request.remaining(), 5);
        let _ = request.complete(Ok(()));
        assert_eq!(packet.fate.get(), Some((0, 3)));

        let packet = kind(IRP_MJ_WRITE, buffer.as_mut_ptr(), 8);
        // SAFETY: it is a request to write.
        let mut request = unsafe { WriteRequest::new(packet.irp()) };
        let mut input = [0; 10];
        assert_eq!(request.take(&mut input), Ok(8));
        assert_eq!(&input, b"abcdefgh\0\0");
        assert_eq!(request.take(&mut input), Ok(0));
        let _ = request.complete(Err(STATUS_ACCESS_DENIED));
        assert_eq!(packet.fate.get(), Some((STATUS_ACCESS_DENIED.status().code(), 0)));
    }
}

#[test]
fn an_error_carries_no_output_and_a_warning_does() {
    for (error, information) in [(STATUS_ACCESS_DENIED, 0), (STATUS_BUFFER_OVERFLOW, 2)] {
        let mut buffer = [0; 4];
        let packet = Packet::buffered(IRP_MJ_READ, buffer.as_mut_ptr(), 4);
        // SAFETY: it is a request to read.
        let mut request = unsafe { ReadRequest::new(packet.irp()) };
        request.append(b"ab").unwrap();
        let _ = request.complete(Err(error));
        assert_eq!(packet.fate.get(), Some((error.status().code(), information)));
    }
}

#[test]
fn a_write_with_a_warning_reports_what_was_taken() {
    let mut buffer = *b"abcd";
    let packet = Packet::buffered(IRP_MJ_WRITE, buffer.as_mut_ptr(), 4);
    // SAFETY: it is a request to write.
    let mut request = unsafe { WriteRequest::new(packet.irp()) };
    let mut input = [0; 3];
    request.take(&mut input).unwrap();
    let _ = request.complete(Err(STATUS_BUFFER_OVERFLOW));
    assert_eq!(packet.fate.get(), Some((STATUS_BUFFER_OVERFLOW.status().code(), 3)));
}

#[test]
fn a_request_without_a_buffer_has_no_length() {
    let other = |major_function| Packet::buffered(major_function, ptr::null_mut(), 100);
    let (read, write) = (other(IRP_MJ_READ), other(IRP_MJ_WRITE));
    // SAFETY: they are such requests.
    let (mut reads, mut writes) =
        unsafe { (ReadRequest::new(read.irp()), WriteRequest::new(write.irp())) };
    assert_eq!(reads.append(b"a"), Ok(0));
    assert_eq!(writes.take(&mut [0]), Ok(0));
    let (_, _) = (reads.complete(Ok(())), writes.complete(Ok(())));
    assert_eq!((read.fate.get(), write.fate.get()), (Some((0, 0)), Some((0, 0))));
}

#[test]
fn a_device_that_chose_no_transfer_has_no_buffers() {
    let mut buffer = [0; 4];
    for kind in KINDS {
        let packet = kind(IRP_MJ_READ, buffer.as_mut_ptr(), 4);
        // SAFETY: the device exists.
        unsafe { (*packet.device()).flags = 0 };
        // SAFETY: it is a request to read.
        let request = unsafe { ReadRequest::new(packet.irp()) };
        assert_eq!(request.remaining(), 0);
        drop(request);
        assert_eq!(packet.fate.get(), Some((STATUS_UNSUCCESSFUL.status().code(), 0)));
    }
}

#[test]
fn the_pages_of_a_program_are_mapped_once_and_only_if_they_are_used() {
    let mut buffer = [0; 4];
    let packet = Packet::direct(IRP_MJ_READ, ptr::null_mut(), 4);
    // SAFETY: the list exists.
    unsafe {
        (*packet.list()).mdl_flags = 0;
        (*packet.list()).start_va = buffer.as_mut_ptr().cast();
    }
    let before = MAPPINGS.load(Ordering::SeqCst);
    // SAFETY: it is a request to read.
    let mut request = unsafe { ReadRequest::new(packet.irp()) };
    assert_eq!(MAPPINGS.load(Ordering::SeqCst), before);
    request.append(b"ab").unwrap();
    request.append(b"cd").unwrap();
    assert_eq!(MAPPINGS.load(Ordering::SeqCst), before + 1);
    let _ = request.complete(Ok(()));
    assert_eq!(&buffer, b"abcd");
}

#[test]
fn pages_without_an_address_are_an_error_and_nothing_is_copied() {
    for major_function in [IRP_MJ_READ, IRP_MJ_WRITE] {
        let packet = Packet::direct(major_function, ptr::null_mut(), 4);
        // SAFETY: the list exists. With a null pointer for its start, it has no address.
        unsafe { (*packet.list()).mdl_flags = 0 };
        let status = if major_function == IRP_MJ_READ {
            // SAFETY: it is a request to read.
            let mut request = unsafe { ReadRequest::new(packet.irp()) };
            let result = request.append(b"ab").map(|_| ());
            request.complete(result)
        } else {
            // SAFETY: it is a request to write.
            let mut request = unsafe { WriteRequest::new(packet.irp()) };
            let result = request.take(&mut [0; 4]).map(|_| ());
            request.complete(result)
        };
        assert_eq!(status.status(), STATUS_INSUFFICIENT_RESOURCES);
        let code = STATUS_INSUFFICIENT_RESOURCES.status().code();
        assert_eq!(packet.fate.get(), Some((code, 0)));
    }
}

#[test]
fn a_list_that_is_shorter_than_the_request_bounds_it() {
    let mut buffer = [0; 4];
    let packet = Packet::direct(IRP_MJ_READ, buffer.as_mut_ptr(), 4);
    // SAFETY: the list exists.
    unsafe { (*packet.list()).byte_count = 1 };
    // SAFETY: it is a request to read.
    let mut request = unsafe { ReadRequest::new(packet.irp()) };
    assert_eq!(request.append(b"abcd"), Ok(1));
    let _ = request.complete(Ok(()));
    assert_eq!(buffer, [b'a', 0, 0, 0]);
}

#[test]
fn every_length_and_alignment_is_copied_exactly() {
    let from: Vec<u8> = (1..=40).collect();
    for start in 0..9 {
        for length in 0..30 {
            let mut written = [0_u8; 48];
            let packet =
                Packet::direct(IRP_MJ_READ, written[start..].as_mut_ptr(), 40 - start);
            // SAFETY: it is a request to read.
            let mut request = unsafe { ReadRequest::new(packet.irp()) };
            request.append(&from[..length]).unwrap();
            let _ = request.complete(Ok(()));
            assert_eq!(&written[start..start + length], &from[..length]);
            assert!(written[start + length..].iter().all(|byte| *byte == 0));

            let mut source = from.clone();
            let packet =
                Packet::direct(IRP_MJ_WRITE, source[start..].as_mut_ptr(), 40 - start);
            // SAFETY: it is a request to write.
            let mut request = unsafe { WriteRequest::new(packet.irp()) };
            let mut taken = [0_u8; 48];
            request.take(&mut taken[1..=length]).unwrap();
            let _ = request.complete(Ok(()));
            assert_eq!(&taken[1..=length], &from[start..start + length]);
            assert!(taken[length + 1..].iter().all(|byte| *byte == 0));
        }
    }
}
