//! Tests of the blocks for threads, locks and work items without a kernel, on the machine that builds.
//!
//! The threads are real, and the IRQL is checked: Wine's kernel has none, and no tool looks for races or
//! for memory errors there.

#![allow(dead_code, unused_imports)] // a driver uses only a part of what is tested here

/// In place of the crate's own macro: the tests define the functions.
#[macro_export]
macro_rules! import {
    ($library:literal, $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }) => {
        unsafe extern "system" { $($functions)* }
    };
}

mod allocator;
mod device;
mod event;
mod handle;
mod irql;
mod lock;
mod mutex;
mod nt;
mod object;
mod request;
mod resource;
mod scheduler;
mod security;
mod shared;
mod slot;
mod string;
mod thread;
mod wait;
mod work_item;

pub use nt::{NtError, NtStatus, UnicodeString};

use std::mem;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::device::Device;
use crate::event::{Event, EventKind};
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};
use crate::lock::SpinLock;
use crate::mutex::FastMutex;
use crate::nt::status::STATUS_INSUFFICIENT_RESOURCES;
use crate::nt::DriverObject;
use crate::resource::Resource;
use crate::scheduler::{at, critical_regions, failing_after, in_driver, irql, references, turn};
use crate::security::Access;
use crate::shared::{Pooled, Shared};
use crate::slot::Slot;
use crate::thread::Thread;
use crate::wait::{sleep, wait_any, Waitable};
use crate::work_item::WorkItem;

const TURNS: usize = if cfg!(miri) { 20 } else { 2000 };

fn new_device() -> Device {
    // SAFETY: all members may be zero, and the kernel here does not look at them.
    let mut driver = unsafe { mem::zeroed::<DriverObject>() };
    Device::create(&mut driver, &unicode_string!("\\Device\\a"), Access::default()).unwrap()
}

/// Deletes a device, and waits until no work item has a reference to it.
fn delete(device: Device) {
    let object = device.as_ptr();
    drop(device);
    while references(object) > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_thread_has_left_the_driver_when_it_was_dropped() {
    let _turn = turn();
    let (token, steps) = (Arc::new(()), Shared::new(AtomicUsize::new(0)).unwrap());
    let (theirs, count) = (token.clone(), steps.clone());
    let thread = Thread::spawn(move |stop| {
        let _theirs = theirs;
        while !stop.wait_for(Duration::from_millis(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        sleep(Duration::from_millis(5));
        count.fetch_add(1000, Ordering::Relaxed);
    })
    .unwrap();
    drop(thread);
    assert_eq!(in_driver(), 0);
    assert!(steps.load(Ordering::Relaxed) >= 1000);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[test]
fn a_thread_that_cannot_start_leaves_nothing_behind() {
    let _turn = turn();
    let token = Arc::new(());
    for successes in 0..4 {
        let theirs = token.clone();
        let result = failing_after(successes, || Thread::spawn(move |_| drop(theirs)));
        assert_eq!(result.err(), Some(STATUS_INSUFFICIENT_RESOURCES), "{successes}");
        assert_eq!(Arc::strong_count(&token), 1);
    }
}

#[test]
fn a_fast_mutex_admits_one_thread_at_the_level_of_apcs() {
    let _turn = turn();
    let count = Shared::new(FastMutex::new(0_usize).unwrap()).unwrap();
    let threads = [(); 3].map(|()| {
        let count = count.clone();
        Thread::spawn(move |_| (0..TURNS).for_each(|_| *count.lock() += 1)).unwrap()
    });
    threads.iter().for_each(Waitable::wait);
    let guard = count.lock();
    assert_eq!((*guard, irql()), (3 * TURNS, APC_LEVEL));
    drop(guard);
    assert_eq!(irql(), PASSIVE_LEVEL);
}

#[test]
fn a_fast_mutex_that_is_held_is_not_taken_and_a_free_one_is() {
    let _turn = turn();
    let mutex = Shared::new(FastMutex::new(1).unwrap()).unwrap();
    let guard = mutex.try_lock().unwrap();
    assert_eq!(irql(), APC_LEVEL);
    assert!(mutex.try_lock().is_none(), "nor by its owner");
    assert_eq!(irql(), APC_LEVEL, "a failure does not change the IRQL");
    let (theirs, refused) = (mutex.clone(), Arc::new(AtomicUsize::new(0)));
    let count = refused.clone();
    at(PASSIVE_LEVEL, || {
        let thread = Thread::spawn(move |_| {
            count.fetch_add(theirs.try_lock().is_none().into(), Ordering::Relaxed);
            assert_eq!(irql(), PASSIVE_LEVEL);
        });
        thread.unwrap().wait();
    });
    drop(guard);
    assert_eq!(irql(), PASSIVE_LEVEL);
    *mutex.try_lock().unwrap() += 1;
    assert_eq!((*mutex.lock(), refused.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn readers_of_a_resource_see_whole_changes_in_a_critical_region() {
    let _turn = turn();
    let pair = Shared::new(Resource::new((0, 0)).unwrap()).unwrap();
    let writers = [(); 2].map(|()| {
        let pair = pair.clone();
        Thread::spawn(move |_| {
            for _ in 0..TURNS {
                let mut pair = pair.write();
                pair.0 += 1;
                pair.1 += 1;
            }
        })
        .unwrap()
    });
    for _ in 0..TURNS {
        let pair = pair.read();
        assert_eq!((pair.0, critical_regions(), irql()), (pair.1, 1, PASSIVE_LEVEL));
    }
    writers.iter().for_each(Waitable::wait);
    assert_eq!(*pair.read(), (2 * TURNS, 2 * TURNS));
}

#[test]
fn a_resource_is_not_taken_twice_by_its_writer() {
    let _turn = turn();
    let resource = Resource::new(()).unwrap();
    let readers = (resource.read(), resource.try_read().unwrap());
    assert!(resource.try_write().is_none());
    assert_eq!(critical_regions(), 2);
    drop(readers);
    let writer = resource.write();
    let again: [fn(&Resource<()>); 4] = [
        |resource| drop(resource.read()),
        |resource| drop(resource.try_read()),
        |resource| drop(resource.write()),
        |resource| drop(resource.try_write()),
    ];
    for take in again {
        assert!(catch_unwind(AssertUnwindSafe(|| take(&resource))).is_err());
    }
    assert_eq!(critical_regions(), 1);
    drop(writer);
}

#[test]
fn a_work_item_runs_in_one_thread_at_a_time_until_it_is_dropped() {
    let _turn = turn();
    let device = new_device();
    let (token, calls) = (Arc::new(()), Shared::new(AtomicUsize::new(0)).unwrap());
    let (theirs, count, mut mine) = (token.clone(), calls.clone(), 0);
    let work = move || {
        let _ = &theirs;
        assert_eq!(irql(), PASSIVE_LEVEL);
        mine += 1; // a race, if two threads were here
        count.store(mine, Ordering::Relaxed);
    };
    let item = Shared::new(WorkItem::new(&device, work).unwrap()).unwrap();
    let threads = [(); 3].map(|()| {
        let item = item.clone();
        Thread::spawn(move |_| (0..TURNS).for_each(|_| item.queue())).unwrap()
    });
    drop(threads);
    at(DISPATCH_LEVEL, || item.queue());
    drop(item);
    assert!((1..=3 * TURNS + 1).contains(&calls.load(Ordering::Relaxed)));
    assert_eq!(Arc::strong_count(&token), 1);
    // While code of the driver runs, its device exists, and with it the driver.
    delete(device);
    assert_eq!(in_driver(), 0);
}

#[test]
fn a_work_item_that_is_queued_runs_before_it_is_dropped() {
    let _turn = turn();
    let device = new_device();
    for _ in 0..TURNS {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        let item = WorkItem::new(&device, move || _ = count.fetch_add(1, Ordering::Relaxed));
        let item = item.unwrap();
        item.queue();
        drop(item);
        assert_eq!((calls.load(Ordering::Relaxed), Arc::strong_count(&calls)), (1, 1));
    }
    delete(device);
}

#[test]
fn a_work_item_that_is_queued_while_it_runs_runs_again() {
    let _turn = turn();
    let device = new_device();
    let [started, go_on] = [(); 2].map(|()| {
        Shared::new(Event::new(EventKind::Synchronization).unwrap()).unwrap()
    });
    let calls = Arc::new(AtomicUsize::new(0));
    let (first, second, count) = (started.clone(), go_on.clone(), calls.clone());
    let item = WorkItem::new(&device, move || {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            first.set();
            second.wait();
        }
    });
    let item = item.unwrap();
    item.queue();
    started.wait();
    (0..3).for_each(|_| item.queue());
    go_on.set();
    drop(item);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    delete(device);
}

#[test]
fn a_work_item_without_memory_leaves_nothing_behind() {
    let _turn = turn();
    let (device, token) = (new_device(), Arc::new(()));
    for successes in 0..3 {
        let theirs = token.clone();
        let work = move || _ = &theirs;
        let result = failing_after(successes, || WorkItem::new(&device, work));
        assert_eq!(result.err(), Some(STATUS_INSUFFICIENT_RESOURCES), "{successes}");
        assert_eq!((Arc::strong_count(&token), references(device.as_ptr())), (1, 1));
    }
}

/// Notes the IRQL at which it is dropped.
struct Noted(Arc<AtomicUsize>);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.store(irql().into(), Ordering::Relaxed);
    }
}

#[test]
fn a_slot_drops_its_values_at_the_level_of_its_caller() {
    static SLOT: Slot<Noted> = Slot::new();
    let _turn = turn();
    let (first, second) = [(); 2].map(|()| Arc::new(AtomicUsize::new(9))).into();
    SLOT.put(Noted(first.clone()));
    SLOT.put(Noted(second.clone()));
    assert_eq!((first.load(Ordering::Relaxed), second.load(Ordering::Relaxed)), (0, 9));
    SLOT.clear();
    assert_eq!(second.load(Ordering::Relaxed), 0);
    assert!(SLOT.take().is_none());
}

#[test]
fn locks_that_are_released_in_the_reverse_order_restore_the_level() {
    let _turn = turn();
    let (mutex, outer, inner) = (FastMutex::new(()).unwrap(), SpinLock::new(()), SpinLock::new(()));
    let guards = (mutex.lock(), outer.lock(), inner.lock());
    assert_eq!(irql(), DISPATCH_LEVEL);
    let (first, second, third) = guards;
    drop(third);
    assert_eq!(irql(), DISPATCH_LEVEL);
    drop(second);
    assert_eq!(irql(), APC_LEVEL);
    drop(first);
}

#[test]
fn everything_works_at_its_highest_documented_level() {
    let _turn = turn();
    let device = new_device();
    let thread = Thread::spawn(|stop| stop.wait()).unwrap();
    let item = at(DISPATCH_LEVEL, || {
        drop((Pooled::new(1).unwrap(), Shared::new(1).unwrap().clone()));
        let event = Event::new(EventKind::Synchronization).unwrap();
        event.set();
        event.clear();
        assert!(!event.wait_for(Duration::ZERO));
        assert_eq!(wait_any([&event, &event], Some(Duration::ZERO)), None);
        drop(FastMutex::new(1).unwrap());
        let item = WorkItem::new(&device, || ()).unwrap();
        item.queue();
        thread.stop();
        item
    });
    at(APC_LEVEL, || {
        thread.wait();
        sleep(Duration::from_millis(1));
        let resource = Resource::new(1).unwrap();
        drop((resource.read(), resource.try_read()));
        drop((resource.try_write(), FastMutex::new(1).unwrap().lock()));
        drop(resource);
    });
    drop((thread, item));
    at(APC_LEVEL, || delete(device));
}
