//! Work items: functions that a thread of the system calls at `PASSIVE_LEVEL`.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::NonNull;

use crate::device::Device;
use crate::event::{Event, EventKind};
use crate::irql::{self, DISPATCH_LEVEL, PASSIVE_LEVEL};
use crate::lock::SpinLock;
use crate::nt::status::STATUS_INSUFFICIENT_RESOURCES;
use crate::nt::{DeviceObject, NtError};
use crate::object::Object;
use crate::shared::Pooled;
use crate::wait::Waitable;

/// A function that a system worker thread calls at `PASSIVE_LEVEL`, soon after it was queued, for
/// example by a DPC.
///
/// All drivers share the worker threads, so the function must not take long or wait for long: use a
/// [`Thread`](crate::thread::Thread) for this.
///
/// While it is queued or runs, the kernel holds a reference to the device, so the driver stays loaded.
/// Dropping it, at `PASSIVE_LEVEL`, waits until it is neither. It must not be dropped by its own function,
/// which would wait for itself for ever.
///
/// ```text
/// let refresh = WorkItem::new(&device, || log!("at PASSIVE_LEVEL"))?;
/// refresh.queue();   // at DISPATCH_LEVEL or below
/// ```
pub struct WorkItem {
    body: Pooled<Body<Routine>>,
    routine: WorkerRoutine,
}

type Routine = dyn FnMut() + Send;

type WorkerRoutine = unsafe extern "system" fn(device: *mut DeviceObject, context: *mut c_void);

struct Body<F: ?Sized> {
    item: NonNull<c_void>,
    /// The device, to which the item has no reference while it is not queued.
    _device: Object,
    /// How often it was queued since the function ran; the item is queued or runs unless this is 0.
    requests: SpinLock<usize>,
    /// Signaled while `requests` is 0.
    idle: Event,
    work: UnsafeCell<F>,
}

// SAFETY: only the routine uses `work`, in one thread at a time, and the kernel's objects are not tied
// to a thread.
unsafe impl<F: ?Sized + Send> Send for Body<F> {}
// SAFETY: as above.
unsafe impl<F: ?Sized + Send> Sync for Body<F> {}

impl WorkItem {
    /// Returns a work item of a device. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there is no memory.
    pub fn new<F>(device: &Device, work: F) -> Result<Self, NtError>
    where
        F: FnMut() + Send + 'static,
    {
        irql::assert_at_most(DISPATCH_LEVEL);
        let idle = Event::new(EventKind::Notification)?;
        idle.set();
        // SAFETY: the device exists.
        let (item, device) = unsafe {
            (
                IoAllocateWorkItem(device.as_ptr()),
                Object::reference(device.as_ptr().cast()),
            )
        };
        let item = NonNull::new(item).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let body: NonNull<Body<F>> = Pooled::new(Body {
            item,
            _device: device,
            requests: SpinLock::new(0),
            idle,
            work: UnsafeCell::new(work),
        })?
        .into_raw();
        let body: NonNull<Body<Routine>> = body;
        Ok(Self {
            // SAFETY: it is from `into_raw`.
            body: unsafe { Pooled::from_raw(body) },
            routine: run::<F>,
        })
    }

    /// Queues the function. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// If it is queued already, it is called once. If it runs, it is called again afterwards.
    pub fn queue(&self) {
        let body = &*self.body;
        {
            let mut requests = body.requests.lock();
            *requests = requests.saturating_add(1);
            if *requests > 1 {
                return;
            }
            body.idle.clear();
        }
        // SAFETY: the item is not queued, and the body has the type that the routine expects.
        unsafe {
            let context = core::ptr::from_ref(body).cast_mut().cast();
            IoQueueWorkItem(
                body.item.as_ptr(),
                self.routine,
                DELAYED_WORK_QUEUE,
                context,
            );
        }
    }
}

impl Drop for WorkItem {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        self.body.idle.wait();
        // The routine signals the event with the lock held: after this, it does not use the body.
        drop(self.body.requests.lock());
    }
}

impl<F: ?Sized> Drop for Body<F> {
    fn drop(&mut self) {
        // SAFETY: the item is not queued.
        unsafe { IoFreeWorkItem(self.item.as_ptr()) };
    }
}

unsafe extern "system" fn run<F: FnMut()>(_device: *mut DeviceObject, context: *mut c_void) {
    // SAFETY: `queue` passes the body, which exists until `idle` is signaled and the lock is free.
    let body = unsafe { &*context.cast::<Body<F>>() };
    loop {
        let served = *body.requests.lock();
        // SAFETY: the item is queued again only when `requests` is 0, so this is the only thread.
        (unsafe { &mut *body.work.get() })();
        let mut requests = body.requests.lock();
        *requests -= served;
        if *requests == 0 {
            body.idle.set();
            break;
        }
    }
}

/// `DelayedWorkQueue`, the only one for drivers.
const DELAYED_WORK_QUEUE: i32 = 1;

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn IoAllocateWorkItem(device: *mut DeviceObject) -> *mut c_void;
        fn IoFreeWorkItem(item: *mut c_void);
        fn IoQueueWorkItem(
            item: *mut c_void,
            routine: WorkerRoutine,
            queue: i32,
            context: *mut c_void,
        );
    }
}
