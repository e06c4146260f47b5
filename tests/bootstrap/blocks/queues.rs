//! Tests of the queue: every request is completed once, whoever wants it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::nt::file::FileObject;
use crate::nt::irp::{IRP_MJ_CLEANUP, IRP_MJ_READ, IRP_MJ_WRITE};
use crate::nt::status::*;
use crate::packets::Packet;
use crate::queue::Queue;
use crate::request::Request;
use crate::transfer::{ReadRequest, WriteRequest};

const CANCELLED: Option<(u32, usize)> = Some((STATUS_CANCELLED.status().code(), 0));

/// A queue of the test's own, for ever.
fn queue<R: crate::queue::Queueable>() -> &'static Queue<R> {
    Box::leak(Box::new(Queue::new()))
}

fn insert(queue: &'static Queue<ReadRequest>, packet: &Packet) {
    // SAFETY: it is a request to read.
    let dispatched = queue.insert(unsafe { ReadRequest::new(packet.irp()) });
    assert_eq!(dispatched.status(), STATUS_PENDING);
    assert!(packet.is_marked_as_pending());
}

#[test]
fn the_oldest_request_is_taken_first() {
    let queue = queue();
    let packets: Vec<Packet> = (0..3).map(|_| Packet::read()).collect();
    assert!(queue.is_empty());
    packets.iter().for_each(|packet| insert(queue, packet));
    for packet in &packets {
        assert!(!queue.is_empty());
        let request = queue.remove().unwrap();
        assert_eq!(request.request().as_ptr(), packet.irp());
        assert_eq!(packet.fate.get(), None);
        request.complete(Ok(()));
        assert_eq!(packet.fate.get(), Some((0, 0)));
    }
    assert!(queue.is_empty() && queue.remove().is_none());
}

#[test]
fn a_cancelled_request_leaves_the_queue_wherever_it_is() {
    for cancelled in 0..3 {
        let queue = queue();
        let packets: Vec<Packet> = (0..3).map(|_| Packet::read()).collect();
        packets.iter().for_each(|packet| insert(queue, packet));
        assert!(packets[cancelled].cancel());
        assert_eq!(packets[cancelled].fate.get(), CANCELLED);
        // It has no routine any more.
        assert!(!packets[cancelled].cancel());
        for (index, packet) in packets.iter().enumerate().filter(|(index, _)| *index != cancelled) {
            let request = queue.remove().unwrap();
            assert_eq!(request.request().as_ptr(), packet.irp(), "{index}");
            request.complete(Ok(()));
        }
        assert!(queue.is_empty());
    }
}

#[test]
fn a_request_that_was_cancelled_before_it_is_queued_is_completed_at_once() {
    let queue = queue();
    let packet = Packet::read();
    assert!(!packet.cancel());
    insert(queue, &packet);
    assert_eq!(packet.fate.get(), CANCELLED);
    assert!(queue.is_empty());
}

#[test]
fn a_request_that_was_taken_cannot_be_cancelled() {
    let queue = queue();
    let packet = Packet::read();
    insert(queue, &packet);
    let request = queue.remove().unwrap();
    assert!(!packet.cancel());
    drop(request);
    assert_eq!(packet.fate.get(), Some((STATUS_UNSUCCESSFUL.status().code(), 0)));
}

#[test]
fn a_request_that_is_being_cancelled_is_nobody_elses() {
    let queue = queue();
    let packets: Vec<Packet> = (0..2).map(|_| Packet::read()).collect();
    packets.iter().for_each(|packet| insert(queue, packet));
    assert!(packets[0].cancel_after(|| {
        let request = queue.remove().unwrap();
        assert_eq!(request.request().as_ptr(), packets[1].irp());
        request.complete(Ok(()));
        assert!(queue.remove().is_none());
        queue.cancel_all();
        assert_eq!(packets[0].fate.get(), None);
    }));
    assert_eq!(packets[0].fate.get(), CANCELLED);
    assert!(queue.is_empty());
}

#[test]
fn a_queue_whose_last_request_was_cancelled_takes_another_one() {
    for count in [1, 2] {
        let queue = queue();
        let packets: Vec<Packet> = (0..=count).map(|_| Packet::read()).collect();
        packets[..count].iter().for_each(|packet| insert(queue, packet));
        assert!(packets[count - 1].cancel());
        insert(queue, &packets[count]);
        queue.cancel_all();
        packets.iter().for_each(|packet| assert_eq!(packet.fate.get(), CANCELLED));
    }
}

#[test]
fn cleanup_cancels_the_requests_of_its_file_and_no_others() {
    let queue = queue();
    // SAFETY: all members may be zero.
    let (mut first, mut second) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    let (first, second): (*mut FileObject, *mut FileObject) = (&raw mut first, &raw mut second);
    let packets: Vec<Packet> =
        [first, second, first, second, first].map(|file| Packet::read().of(file)).into();
    packets.iter().for_each(|packet| insert(queue, packet));
    let cleanup = Packet::new(IRP_MJ_CLEANUP).of(first);
    // SAFETY: it is a request.
    let request = unsafe { Request::new(cleanup.irp()) };
    queue.cancel_file(&request);
    let _ = request.complete(Ok(()));
    let fates: Vec<_> = packets.iter().map(|packet| packet.fate.get()).collect();
    assert_eq!(fates, [CANCELLED, None, CANCELLED, None, CANCELLED]);
    assert_eq!(queue.remove().unwrap().request().as_ptr(), packets[1].irp());
    queue.cancel_all();
    assert_eq!(packets[3].fate.get(), CANCELLED);
    assert!(queue.is_empty());
}

#[test]
fn a_request_keeps_its_progress_in_a_queue() {
    let mut buffer = [0; 8];
    let queue = queue::<ReadRequest>();
    let packet = Packet::buffered(IRP_MJ_READ, buffer.as_mut_ptr(), 8);
    // SAFETY: it is a request to read.
    let mut request = unsafe { ReadRequest::new(packet.irp()) };
    request.append(b"abc").unwrap();
    let _ = queue.insert(request);
    let mut request = queue.remove().unwrap();
    assert_eq!(request.remaining(), 5);
    request.append(b"de").unwrap();
    request.complete(Ok(()));
    assert_eq!(packet.fate.get(), Some((0, 5)));
    assert_eq!(&buffer, b"abcde\0\0\0");
}

#[test]
fn a_write_waits_with_what_was_not_taken() {
    let mut buffer = *b"abcd";
    let queue = queue::<WriteRequest>();
    let packet = Packet::direct(IRP_MJ_WRITE, buffer.as_mut_ptr(), 4);
    // SAFETY: it is a request to write.
    let mut request = unsafe { WriteRequest::new(packet.irp()) };
    let mut input = [0; 2];
    request.take(&mut input).unwrap();
    let _ = queue.insert(request);
    let mut request = queue.remove().unwrap();
    request.take(&mut input).unwrap();
    request.complete(Ok(()));
    assert_eq!((&input, packet.fate.get()), (b"cd", Some((0, 4))));
}

/// One thread queues, one cancels, and two take: each request ends once, and in one way.
#[test]
fn requests_that_are_cancelled_and_taken_at_once_are_completed_once() {
    let rounds = if cfg!(miri) { 30 } else { 20_000 };
    let queue = queue();
    let packets: Vec<Packet> = (0..rounds).map(|_| Packet::read()).collect();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| packets.iter().for_each(|packet| insert(queue, packet)));
        scope.spawn(|| {
            for packet in &packets {
                packet.cancel();
            }
            is_done.store(true, Ordering::SeqCst);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::SeqCst) {
                    match queue.remove() {
                        Some(request) => request.complete(Ok(())),
                        None => thread::yield_now(),
                    }
                }
            });
        }
    });
    // Each was cancelled, whether it was in the queue or not.
    assert!(queue.is_empty());
    let mut ends = [0, 0];
    for packet in &packets {
        match packet.fate.get() {
            Some((0, 0)) => ends[0] += 1,
            CANCELLED => ends[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ends[0] + ends[1], rounds);
}

/// A request that is cancelled while it is queued does not wait for ever.
#[test]
fn no_cancellation_is_lost_while_a_request_is_queued() {
    let rounds = if cfg!(miri) { 30 } else { 60_000 };
    let queue = queue();
    let packets: Vec<Packet> = (0..rounds).map(|_| Packet::read()).collect();
    let reached = AtomicUsize::new(0);
    let meet = |index: usize| {
        reached.fetch_add(1, Ordering::SeqCst);
        for spin in 0_u32.. {
            match reached.load(Ordering::SeqCst) >= 2 * (index + 1) {
                true => break,
                // The other thread may have no processor.
                false if spin % 256 == 255 => thread::yield_now(),
                false => std::hint::spin_loop(),
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for (index, packet) in packets.iter().enumerate() {
                meet(index);
                insert(queue, packet);
            }
        });
        scope.spawn(|| {
            for (index, packet) in packets.iter().enumerate() {
                meet(index);
                (0..index % 64).for_each(|_| std::hint::spin_loop());
                packet.cancel();
            }
        });
    });
    assert!(queue.is_empty());
    packets.iter().for_each(|packet| assert_eq!(packet.fate.get(), CANCELLED));
}
