//! The kernel for the tests of threads and locks: its threads are those of the machine.
//!
//! Each function refuses an IRQL at which Windows does not allow it: `req.irql` of its page in the
//! documentation of the Windows Driver Kit.

use std::alloc::{alloc, dealloc, Layout};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::event::EventKind;
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL};
use crate::nt::dispatcher::KEvent;
use crate::nt::locks::{EResource, KFastMutex};
use crate::nt::status::*;
use crate::nt::{DeviceObject, NtStatus};

thread_local! {
    static IRQL: Cell<u8> = const { Cell::new(PASSIVE_LEVEL) };
    static CRITICAL_REGIONS: Cell<usize> = const { Cell::new(0) };
    /// The number of functions that succeed before one that makes something fails.
    static SUCCESSES: Cell<usize> = const { Cell::new(usize::MAX) };
    static THREAD: usize = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
}

static NEXT_THREAD: AtomicUsize = AtomicUsize::new(1);
/// Threads that are in code of the driver.
static IN_DRIVER: AtomicUsize = AtomicUsize::new(0);
/// Pieces of the pool, work items and references to objects.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// The one lock of all objects that threads wait for, and what tells of their changes.
static DISPATCHER: Mutex<()> = Mutex::new(());
static CHANGED: Condvar = Condvar::new();
/// The number of references to each object, by its address.
static OBJECTS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());
static TESTS: Mutex<()> = Mutex::new(());

/// Lets one test at a time run, at the end of which nothing is in use.
pub struct Turn(#[allow(dead_code)] MutexGuard<'static, ()>);

pub fn turn() -> Turn {
    Turn(TESTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !thread::panicking() {
            let in_use = IN_USE.load(Ordering::SeqCst);
            assert_eq!((in_use, in_driver(), irql(), critical_regions()), (0, 0, 0, 0));
        }
    }
}

pub fn irql() -> u8 {
    IRQL.get()
}

pub fn critical_regions() -> usize {
    CRITICAL_REGIONS.get()
}

pub fn in_driver() -> usize {
    IN_DRIVER.load(Ordering::SeqCst)
}

/// Calls a function at an IRQL.
pub fn at<T>(level: u8, function: impl FnOnce() -> T) -> T {
    let before = IRQL.replace(level);
    let result = function();
    assert_eq!(IRQL.replace(before), level, "the function restores the IRQL");
    result
}

/// Calls a function in which only so many attempts to make something succeed.
pub fn failing_after<T>(successes: usize, function: impl FnOnce() -> T) -> T {
    SUCCESSES.set(successes);
    let result = function();
    SUCCESSES.set(usize::MAX);
    result
}

fn at_most(level: u8) {
    assert!(irql() <= level, "IRQL {} instead of {level}", irql());
}

fn fails() -> bool {
    let left = SUCCESSES.get();
    SUCCESSES.set(left.saturating_sub(1));
    left == 0
}

fn dispatcher() -> MutexGuard<'static, ()> {
    DISPATCHER.lock().unwrap()
}

/// Waits until a condition holds; returns whether it did within the limit.
fn wait_until(limit: Option<Duration>, mut holds: impl FnMut() -> bool) -> bool {
    let end = limit.map(|limit| Instant::now() + limit);
    let mut guard = dispatcher();
    while !holds() {
        guard = match end {
            None => CHANGED.wait(guard).unwrap(),
            Some(end) => match end.checked_duration_since(Instant::now()) {
                None => return false,
                Some(rest) => CHANGED.wait_timeout(guard, rest).unwrap().0,
            },
        };
    }
    true
}

const HEAD: usize = 16;

#[unsafe(no_mangle)]
extern "system" fn ExAllocatePoolWithTag(_pool: i32, size: usize, _tag: u32) -> *mut c_void {
    at_most(DISPATCH_LEVEL);
    if fails() {
        return ptr::null_mut();
    }
    IN_USE.fetch_add(1, Ordering::SeqCst);
    let layout = Layout::from_size_align(size + HEAD, 16).unwrap();
    // SAFETY: the head has room for the size.
    unsafe {
        let memory = alloc(layout);
        memory.cast::<usize>().write(size);
        memory.add(HEAD).cast()
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExFreePoolWithTag(memory: *mut c_void, _tag: u32) {
    at_most(DISPATCH_LEVEL);
    IN_USE.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: the size is in front of it.
    unsafe {
        let memory = memory.cast::<u8>().sub(HEAD);
        let size = memory.cast::<usize>().read();
        dealloc(memory, Layout::from_size_align(size + HEAD, 16).unwrap());
    }
}

#[unsafe(no_mangle)]
extern "system" fn MmGetSystemRoutineAddress(_name: *const c_void) -> *mut c_void {
    ptr::null_mut()
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeAcquireSpinLockRaiseToDpc(lock: *mut usize) -> u8 {
    at_most(DISPATCH_LEVEL);
    // SAFETY: the word is a lock.
    let word = unsafe { AtomicUsize::from_ptr(lock) };
    while word.swap(1, Ordering::Acquire) != 0 {
        thread::yield_now();
    }
    IRQL.replace(DISPATCH_LEVEL)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeReleaseSpinLock(lock: *mut usize, irql: u8) {
    assert_eq!(IRQL.replace(irql), DISPATCH_LEVEL);
    // SAFETY: the word is a lock.
    let word = unsafe { AtomicUsize::from_ptr(lock) };
    assert_eq!(word.swap(0, Ordering::Release), 1, "it is held");
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeInitializeEvent(event: *mut KEvent, kind: i32, state: u8) {
    // SAFETY: it is memory for an event.
    unsafe {
        event.write(mem::zeroed());
        (*event).header.lock = kind;
        (*event).header.signal_state = state.into();
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeSetEvent(event: *mut KEvent, _increment: i32, wait: u8) -> i32 {
    at_most(DISPATCH_LEVEL);
    assert_eq!(wait, 0);
    let _guard = dispatcher();
    CHANGED.notify_all();
    // SAFETY: it is an event.
    unsafe { mem::replace(&mut (*event).header.signal_state, 1) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeClearEvent(event: *mut KEvent) {
    at_most(DISPATCH_LEVEL);
    let _guard = dispatcher();
    // SAFETY: it is an event.
    unsafe { (*event).header.signal_state = 0 };
}

/// Returns whether an object is signaled. A synchronization object is not any more.
unsafe fn satisfy(object: *mut KEvent) -> bool {
    // SAFETY: the object begins as an event does.
    let header = unsafe { &mut (*object).header };
    let is_signaled = header.signal_state != 0;
    if is_signaled && header.lock == EventKind::Synchronization as i32 {
        header.signal_state = 0;
    }
    is_signaled
}

/// Reads a relative time.
unsafe fn limit(timeout: *const i64) -> Option<Duration> {
    // SAFETY: it is null or valid.
    let ticks = unsafe { timeout.as_ref() }?;
    assert!(*ticks <= 0);
    let limit = Duration::from_nanos(ticks.unsigned_abs() * 100);
    at_most(if limit.is_zero() { DISPATCH_LEVEL } else { APC_LEVEL });
    Some(limit)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeWaitForSingleObject(
    object: *mut c_void,
    _reason: i32,
    _mode: i8,
    _alertable: u8,
    timeout: *const i64,
) -> NtStatus {
    // SAFETY: the caller passes an object and a time.
    let done = unsafe {
        let limit = limit(timeout);
        at_most(limit.map_or(APC_LEVEL, |_| DISPATCH_LEVEL));
        wait_until(limit, || satisfy(object.cast()))
    };
    if done { STATUS_SUCCESS } else { STATUS_TIMEOUT }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeWaitForMultipleObjects(
    count: u32,
    objects: *const *mut c_void,
    _wait_type: i32,
    _reason: i32,
    _mode: i8,
    _alertable: u8,
    timeout: *const i64,
    _blocks: *mut c_void,
) -> NtStatus {
    let mut index = None;
    // SAFETY: the caller passes objects and a time.
    unsafe {
        let limit = limit(timeout);
        at_most(limit.map_or(APC_LEVEL, |_| DISPATCH_LEVEL));
        wait_until(limit, || {
            index = (0..count).find(|at| satisfy((*objects.add(*at as usize)).cast()));
            index.is_some()
        });
    }
    index.map_or(STATUS_TIMEOUT, NtStatus::new)
}

#[unsafe(no_mangle)]
unsafe extern "system" fn KeDelayExecutionThread(_: i8, _: u8, interval: *const i64) -> NtStatus {
    at_most(APC_LEVEL);
    // SAFETY: the time is valid.
    thread::sleep(unsafe { limit(interval) }.unwrap());
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExTryToAcquireFastMutex(mutex: *mut KFastMutex) -> u8 {
    at_most(APC_LEVEL);
    let _guard = dispatcher();
    // SAFETY: it is a mutex.
    unsafe { take(mutex) }.into()
}

unsafe fn take(mutex: *mut KFastMutex) -> bool {
    // SAFETY: the caller passes a mutex.
    unsafe {
        let is_free = (*mutex).count == 1;
        if is_free {
            (*mutex).count = 0;
            (*mutex).owner = ptr::without_provenance_mut(THREAD.with(|id| *id));
            (*mutex).old_irql = IRQL.replace(APC_LEVEL).into();
        }
        is_free
    }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExAcquireFastMutex(mutex: *mut KFastMutex) {
    at_most(APC_LEVEL);
    // SAFETY: it is a mutex.
    wait_until(None, || unsafe { take(mutex) });
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExReleaseFastMutex(mutex: *mut KFastMutex) {
    let _guard = dispatcher();
    // SAFETY: it is a mutex.
    unsafe {
        assert_eq!(((*mutex).count, (*mutex).owner.addr()), (0, THREAD.with(|id| *id)));
        (*mutex).count = 1;
        let before = u8::try_from((*mutex).old_irql).unwrap();
        assert_eq!(IRQL.replace(before), APC_LEVEL);
    }
    CHANGED.notify_all();
}

#[unsafe(no_mangle)]
extern "system" fn KeEnterCriticalRegion() {
    at_most(APC_LEVEL);
    CRITICAL_REGIONS.set(critical_regions() + 1);
}

#[unsafe(no_mangle)]
extern "system" fn KeLeaveCriticalRegion() {
    at_most(APC_LEVEL);
    CRITICAL_REGIONS.set(critical_regions() - 1);
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExInitializeResourceLite(resource: *mut EResource) -> NtStatus {
    at_most(DISPATCH_LEVEL);
    IN_USE.fetch_add(1, Ordering::SeqCst);
    // SAFETY: it is memory for a resource.
    unsafe { resource.write(mem::zeroed()) };
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExDeleteResourceLite(resource: *mut EResource) -> NtStatus {
    at_most(APC_LEVEL);
    IN_USE.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: it is a resource.
    unsafe { assert_eq!((*resource).active_count, 0, "nobody holds it") };
    STATUS_SUCCESS
}

/// The thread that writes; 0 if none does.
unsafe fn writer(resource: *mut EResource) -> &'static mut usize {
    // SAFETY: the caller passes a resource, and holds the dispatcher's lock.
    unsafe { &mut (*resource).owner_entry.owner_thread }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExIsResourceAcquiredExclusiveLite(resource: *mut EResource) -> u8 {
    at_most(DISPATCH_LEVEL);
    let _guard = dispatcher();
    // SAFETY: it is a resource.
    u8::from(unsafe { *writer(resource) } == THREAD.with(|id| *id))
}

unsafe fn acquire(resource: *mut EResource, wait: u8, id: usize) -> u8 {
    at_most(APC_LEVEL);
    assert!(critical_regions() > 0, "normal kernel APCs are disabled");
    let limit = (wait == 0).then_some(Duration::ZERO);
    // SAFETY: the caller passes a resource.
    u8::from(wait_until(limit, || unsafe {
        let (active, writer) = (&mut (*resource).active_count, writer(resource));
        let is_free = *active == 0 || id == 0 && *writer == 0;
        if is_free {
            *active += 1;
            *writer = id;
        }
        is_free
    }))
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExAcquireResourceSharedLite(resource: *mut EResource, wait: u8) -> u8 {
    // SAFETY: it is a resource.
    unsafe { acquire(resource, wait, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExAcquireResourceExclusiveLite(resource: *mut EResource, wait: u8) -> u8 {
    // SAFETY: it is a resource.
    unsafe { acquire(resource, wait, THREAD.with(|id| *id)) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ExReleaseResourceLite(resource: *mut EResource) {
    at_most(DISPATCH_LEVEL);
    assert!(critical_regions() > 0, "normal kernel APCs are disabled");
    let _guard = dispatcher();
    // SAFETY: it is a resource.
    unsafe {
        (*resource).active_count -= 1;
        *writer(resource) = 0;
    }
    CHANGED.notify_all();
}

/// Makes an object with one reference.
fn object<T>(value: T) -> *mut c_void {
    let object = Box::into_raw(Box::new(value)).cast::<c_void>();
    IN_USE.fetch_add(1, Ordering::SeqCst);
    OBJECTS.lock().unwrap().insert(object as usize, 1);
    object
}

#[unsafe(no_mangle)]
extern "system" fn ObfReferenceObject(object: *mut c_void) -> isize {
    at_most(DISPATCH_LEVEL);
    IN_USE.fetch_add(1, Ordering::SeqCst);
    *OBJECTS.lock().unwrap().get_mut(&(object as usize)).unwrap() += 1;
    0
}

/// The memory of an object stays, as its test ends soon.
#[unsafe(no_mangle)]
extern "system" fn ObfDereferenceObject(object: *mut c_void) {
    at_most(DISPATCH_LEVEL);
    let mut objects = OBJECTS.lock().unwrap();
    let references = objects.get_mut(&(object as usize)).unwrap();
    *references -= 1;
    if *references == 0 {
        objects.remove(&(object as usize));
    }
    drop(objects);
    IN_USE.fetch_sub(1, Ordering::SeqCst);
}

pub fn references(object: *mut DeviceObject) -> usize {
    OBJECTS.lock().unwrap().get(&(object as usize)).copied().unwrap_or(0)
}

/// A handle is the address of its object, to which it has a reference.
#[unsafe(no_mangle)]
unsafe extern "system" fn ObReferenceObjectByHandle(
    handle: *mut c_void,
    _access: u32,
    _kind: *mut c_void,
    _mode: i8,
    object: *mut *mut c_void,
    _information: *mut c_void,
) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    ObfReferenceObject(handle);
    // SAFETY: the caller passes a place.
    unsafe { object.write(handle) };
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn ZwClose(handle: *mut c_void) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    ObfDereferenceObject(handle);
    STATUS_SUCCESS
}

/// An address that another thread uses.
struct Address<T: ?Sized>(*mut T);

// SAFETY: what is there is made for several threads.
unsafe impl<T: ?Sized> Send for Address<T> {}

impl<T: ?Sized> Address<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// Starts a thread that runs code of the driver, and something else afterwards.
fn start(driver: impl FnOnce() + Send + 'static, afterwards: impl FnOnce() + Send + 'static) {
    IN_DRIVER.fetch_add(1, Ordering::SeqCst);
    thread::spawn(|| {
        driver();
        assert_eq!((irql(), critical_regions()), (PASSIVE_LEVEL, 0));
        IN_DRIVER.fetch_sub(1, Ordering::SeqCst);
        afterwards();
    });
}

#[unsafe(no_mangle)]
unsafe extern "system" fn PsCreateSystemThread(
    handle: *mut *mut c_void,
    _access: u32,
    _attributes: *const c_void,
    _process: *mut c_void,
    _client: *mut c_void,
    routine: unsafe extern "system" fn(*mut c_void),
    context: *mut c_void,
) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    if fails() {
        return STATUS_INSUFFICIENT_RESOURCES.status();
    }
    // SAFETY: all zeros are an event that is not signaled.
    let thread = object(unsafe { mem::zeroed::<KEvent>() });
    ObfReferenceObject(thread);
    // SAFETY: the caller passes a place.
    unsafe { handle.write(thread) };
    let (thread, context) = (Address(thread), Address(context));
    start(
        // SAFETY: the routine accepts the context.
        move || unsafe { routine(context.get()) },
        move || {
            // Whoever waits for the thread, and then for the end of the test, finds no reference.
            let _guard = dispatcher();
            ObfDereferenceObject(thread.get());
            // SAFETY: the thread object is an event, whose memory stays.
            unsafe { (*thread.get().cast::<KEvent>()).header.signal_state = 1 };
            CHANGED.notify_all();
        },
    );
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn PsTerminateSystemThread(_status: NtStatus) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    STATUS_SUCCESS
}

struct Item {
    device: *mut DeviceObject,
    is_queued: AtomicBool,
}

#[unsafe(no_mangle)]
extern "system" fn IoAllocateWorkItem(device: *mut DeviceObject) -> *mut c_void {
    at_most(DISPATCH_LEVEL);
    if fails() {
        return ptr::null_mut();
    }
    IN_USE.fetch_add(1, Ordering::SeqCst);
    let is_queued = AtomicBool::new(false);
    Box::into_raw(Box::new(Item { device, is_queued })).cast()
}

#[unsafe(no_mangle)]
unsafe extern "system" fn IoFreeWorkItem(item: *mut c_void) {
    at_most(DISPATCH_LEVEL);
    IN_USE.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: it is from a box.
    let item = unsafe { Box::from_raw(item.cast::<Item>()) };
    assert!(!item.is_queued.load(Ordering::SeqCst));
}

#[unsafe(no_mangle)]
unsafe extern "system" fn IoQueueWorkItem(
    item: *mut c_void,
    routine: unsafe extern "system" fn(*mut DeviceObject, *mut c_void),
    queue: i32,
    context: *mut c_void,
) {
    at_most(DISPATCH_LEVEL);
    assert_eq!(queue, 1, "DelayedWorkQueue");
    let item = Address(item.cast::<Item>());
    // SAFETY: the item exists until it was taken out of the queue.
    let device = unsafe {
        assert!(!(*item.get()).is_queued.swap(true, Ordering::SeqCst));
        Address((*item.get()).device)
    };
    ObfReferenceObject(device.get().cast());
    let (context, theirs) = (Address(context), Address(device.get()));
    start(
        // SAFETY: as above, and the routine accepts the context.
        move || unsafe {
            assert!((*item.get()).is_queued.swap(false, Ordering::SeqCst));
            routine(theirs.get(), context.get());
        },
        move || ObfDereferenceObject(device.get().cast()),
    );
}

#[unsafe(no_mangle)]
unsafe extern "system" fn IoCreateDevice(
    _driver: *mut c_void,
    _size: u32,
    _name: *const c_void,
    _kind: u32,
    _characteristics: u32,
    _exclusive: u8,
    device: *mut *mut DeviceObject,
) -> NtStatus {
    at_most(APC_LEVEL);
    // SAFETY: all members may be zero, and the caller passes a place.
    unsafe { device.write(object(mem::zeroed::<DeviceObject>()).cast()) };
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn IoDeleteDevice(device: *mut DeviceObject) {
    at_most(APC_LEVEL);
    ObfDereferenceObject(device.cast());
}

#[unsafe(no_mangle)]
unsafe extern "system" fn ObOpenObjectByPointer(
    object: *mut c_void,
    _attributes: u32,
    _state: *mut c_void,
    _access: u32,
    _kind: *mut c_void,
    _mode: i8,
    handle: *mut *mut c_void,
) -> NtStatus {
    at_most(APC_LEVEL);
    ObfReferenceObject(object);
    // SAFETY: the caller passes a place.
    unsafe { handle.write(object) };
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn ZwSetSecurityObject(_: *mut c_void, _: u32, _: *const c_void) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn IoCreateSymbolicLink(_: *const c_void, _: *const c_void) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn IoDeleteSymbolicLink(_: *const c_void) -> NtStatus {
    at_most(PASSIVE_LEVEL);
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn IofCompleteRequest(_irp: *mut c_void, _boost: i8) {
    at_most(DISPATCH_LEVEL);
}
