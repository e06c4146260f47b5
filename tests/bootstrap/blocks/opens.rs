//! Tests of what a driver keeps for each open file, and of values in the pool.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::nt::file::FileObject;
use crate::nt::irp::{IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_READ};
use crate::nt::status::*;
use crate::open::{Close, Create};
use crate::packets::Packet;
use crate::memory::{exhausted, pieces, turn};
use crate::request::Request;
use crate::shared::Pooled;

/// Counts how often it is dropped.
struct Session(u8, &'static AtomicUsize);

impl Drop for Session {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter() -> &'static AtomicUsize {
    Box::leak(Box::new(AtomicUsize::new(0)))
}

fn file() -> *mut FileObject {
    // SAFETY: all members may be zero.
    Box::into_raw(Box::new(unsafe { mem::zeroed() }))
}

/// Opens a file with a value.
fn open(file: *mut FileObject, session: Session) -> Packet {
    let packet = Packet::new(IRP_MJ_CREATE).of(file);
    // SAFETY: it is a request to open, and no other module uses the file object.
    let _ = unsafe { Create::new(packet.irp()) }.open(session);
    packet
}

/// A request for the same file and device.
fn request(opened: &Packet, file: *mut FileObject, major_function: u8) -> Packet {
    let packet = Packet::new(major_function).of(file);
    // SAFETY: both exist.
    unsafe {
        (*(*packet.irp()).tail.current_stack_location).device_object = opened.device();
        (*file).device_object = opened.device();
    }
    packet
}

#[test]
fn the_value_of_an_open_file_lives_until_it_is_closed() {
    let _turn = turn();
    let (file, drops) = (file(), counter());
    let opened = open(file, Session(7, drops));
    assert_eq!(opened.fate.get(), Some((0, 0)));

    let read = request(&opened, file, IRP_MJ_READ);
    // SAFETY: it is a request.
    let fresh = unsafe { Request::new(read.irp()) };
    let context = fresh.context::<Session>().unwrap();
    assert_eq!(context.0, 7);
    assert!(fresh.context::<u8>().is_none(), "a value of another type is none");
    let _ = fresh.complete(Ok(()));
    assert_eq!(context.0, 7, "the value outlives the request");
    drop(context);

    assert_eq!(drops.load(Ordering::SeqCst), 0);
    let closed = request(&opened, file, IRP_MJ_CLOSE);
    // SAFETY: it is a request to close.
    let _ = unsafe { Close::new(closed.irp()) }.complete();
    assert_eq!(closed.fate.get(), Some((0, 0)));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(pieces().is_empty());
    // SAFETY: it is from a box, and used no more.
    drop(unsafe { Box::from_raw(file) });
}

#[test]
fn a_file_without_a_value_has_none_and_is_closed() {
    let file = file();
    let opened = Packet::new(IRP_MJ_CREATE).of(file);
    // SAFETY: it is a request to open.
    let _ = unsafe { Create::new(opened.irp()) }.complete(Ok(()));
    let cleanup = request(&opened, file, IRP_MJ_CLEANUP);
    // SAFETY: it is a request.
    let fresh = unsafe { Request::new(cleanup.irp()) };
    assert!(fresh.context::<u8>().is_none());
    let _ = fresh.complete(Ok(()));
    let closed = request(&opened, file, IRP_MJ_CLOSE);
    // SAFETY: it is a request to close.
    let _ = unsafe { Close::new(closed.irp()) }.complete();
    assert_eq!(closed.fate.get(), Some((0, 0)));
    // SAFETY: it is from a box, and used no more.
    drop(unsafe { Box::from_raw(file) });
}

#[test]
fn a_value_is_dropped_with_the_request_to_close() {
    let _turn = turn();
    let (file, drops) = (file(), counter());
    let opened = open(file, Session(1, drops));
    let closed = request(&opened, file, IRP_MJ_CLOSE);
    // SAFETY: it is a request to close.
    drop(unsafe { Close::new(closed.irp()) });
    let unsuccessful = STATUS_UNSUCCESSFUL.status().code();
    assert_eq!(closed.fate.get(), Some((unsuccessful, 0)));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(pieces().is_empty());
    // SAFETY: it is from a box, and used no more.
    drop(unsafe { Box::from_raw(file) });
}

#[test]
fn a_file_that_is_being_closed_or_of_another_device_gives_no_value() {
    let _turn = turn();
    let (file, drops) = (file(), counter());
    let opened = open(file, Session(1, drops));
    let closed = request(&opened, file, IRP_MJ_CLOSE);
    // SAFETY: it is a request.
    let fresh = unsafe { Request::new(closed.irp()) };
    assert!(fresh.context::<Session>().is_none());
    drop(fresh);
    let other = Packet::new(IRP_MJ_READ).of(file);
    // SAFETY: the file object exists.
    unsafe { (*file).device_object = opened.device() };
    // SAFETY: it is a request.
    let fresh = unsafe { Request::new(other.irp()) };
    assert!(fresh.context::<Session>().is_none());
    drop(fresh);
    let closed = request(&opened, file, IRP_MJ_CLOSE);
    // SAFETY: it is a request to close.
    let _ = unsafe { Close::new(closed.irp()) }.complete();
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    // SAFETY: it is from a box, and used no more.
    drop(unsafe { Box::from_raw(file) });
}

#[test]
fn opening_fails_if_there_is_no_memory() {
    let _turn = turn();
    let (file, drops) = (file(), counter());
    let opened = exhausted(|| open(file, Session(1, drops)));
    let code = STATUS_INSUFFICIENT_RESOURCES.status().code();
    assert_eq!(opened.fate.get(), Some((code, 0)));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    // SAFETY: it exists.
    assert!(unsafe { (*file).fs_context2 }.is_null());
    // SAFETY: it is from a box, and used no more.
    drop(unsafe { Box::from_raw(file) });
}

#[test]
fn a_value_in_the_pool_is_dropped_once_and_its_memory_freed() {
    let _turn = turn();
    let drops = counter();
    let mut value = Pooled::new(Session(1, drops)).unwrap();
    value.0 = 2;
    let raw = value.into_raw();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    // SAFETY: it is the result of `into_raw`.
    let value = unsafe { Pooled::from_raw(raw) };
    assert_eq!(value.0, 2);
    drop(value);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(pieces().is_empty());
}

#[test]
fn a_value_in_the_pool_has_its_alignment() {
    #[repr(align(256))]
    struct Block([u8; 256]);
    let _turn = turn();
    let block = Pooled::new(Block([3; 256])).unwrap();
    assert_eq!(std::ptr::from_ref(&*block) as usize % 256, 0);
    assert_eq!(block.0[255], 3);
    let raw = block.into_raw();
    // SAFETY: it is the result of `into_raw`.
    drop(unsafe { Pooled::from_raw(raw) });
    assert!(pieces().is_empty());
}

#[test]
fn an_exhausted_pool_is_an_error_that_drops_the_value() {
    let _turn = turn();
    let drops = counter();
    let error = exhausted(|| Pooled::new(Session(1, drops)).err());
    assert_eq!(error, Some(STATUS_INSUFFICIENT_RESOURCES));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}
