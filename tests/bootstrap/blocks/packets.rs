//! Requests as the kernel builds them, and what becomes of them.

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU8, AtomicUsize, Ordering};
use std::sync::Mutex;

use crate::nt::file::FileObject;
use crate::nt::irp::{
    DriverCancel, IoStackLocation, Irp, Parameter, TransferParameters, IRP_MJ_READ,
};
use crate::nt::mdl::{Mdl, MDL_MAPPED_TO_SYSTEM_VA};
use crate::nt::objects::{DO_BUFFERED_IO, DO_DIRECT_IO};
use crate::nt::DeviceObject;

/// How a request ended: how often it was completed, and with which status and information.
#[derive(Default)]
pub struct Fate {
    completions: AtomicUsize,
    status: AtomicU32,
    information: AtomicUsize,
}

impl Fate {
    /// Status and information, if the request is completed. It is not completed twice.
    pub fn get(&self) -> Option<(u32, usize)> {
        match self.completions.load(Ordering::SeqCst) {
            0 => None,
            1 => Some((self.status.load(Ordering::SeqCst), self.information.load(Ordering::SeqCst))),
            more => panic!("completed {more} times"),
        }
    }

    /// # Safety
    ///
    /// `irp` is a packet of a test, whose event is null or a fate.
    pub unsafe fn record(irp: *mut Irp) {
        // A completion routine can come back to the driver, and want the same locks.
        assert_eq!(SPIN_LOCKS.get(), 0, "completed with a spin lock held");
        assert!(!HELD.get(), "completed with the cancel spin lock held");
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(fate) = (*irp).user_event.cast::<Fate>().as_ref() {
                fate.status.store((*irp).io_status.result.status.code(), Ordering::SeqCst);
                fate.information.store((*irp).io_status.information, Ordering::SeqCst);
                fate.completions.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// A request to a device, with all that it leads to.
pub struct Packet {
    irp: *mut Irp,
    location: *mut IoStackLocation,
    device: *mut DeviceObject,
    list: *mut Mdl,
    owns: Vec<Box<dyn FnOnce()>>,
    pub fate: &'static Fate,
}

// SAFETY: the tests use a packet in one thread at a time, or as the kernel does.
unsafe impl Send for Packet {}
// SAFETY: as above.
unsafe impl Sync for Packet {}

fn allocate<T: 'static>(owns: &mut Vec<Box<dyn FnOnce()>>, value: T) -> *mut T {
    let place = Box::into_raw(Box::new(value));
    let address = AtomicPtr::new(place);
    // SAFETY: it is freed once, with the packet.
    owns.push(Box::new(move || drop(unsafe { Box::from_raw(address.into_inner()) })));
    place
}

impl Packet {
    pub fn new(major_function: u8) -> Self {
        let mut owns = Vec::new();
        // SAFETY: all members of these may be zero.
        let (irp, location, device, list) = unsafe {
            (
                allocate(&mut owns, mem::zeroed::<Irp>()),
                allocate(&mut owns, mem::zeroed::<IoStackLocation>()),
                allocate(&mut owns, mem::zeroed::<DeviceObject>()),
                allocate(&mut owns, mem::zeroed::<Mdl>()),
            )
        };
        let fate = allocate(&mut owns, Fate::default());
        // SAFETY: they exist as long as the packet.
        let fate = unsafe {
            (*location).major_function = major_function;
            (*location).device_object = device;
            (*irp).tail.current_stack_location = location;
            (*irp).user_event = fate.cast();
            &*fate
        };
        Self { irp, location, device, list, owns, fate }
    }

    /// A request to read or write with a buffer of the kernel's.
    pub fn buffered(major_function: u8, buffer: *mut u8, length: usize) -> Self {
        let packet = Self::new(major_function).with_length(length);
        // SAFETY: they exist.
        unsafe {
            (*packet.device).flags = DO_BUFFERED_IO;
            (*packet.irp).associated_irp.system_buffer = buffer.cast();
        }
        packet
    }

    /// A request to read or write with the pages of a program.
    pub fn direct(major_function: u8, buffer: *mut u8, length: usize) -> Self {
        let packet = Self::new(major_function).with_length(length);
        // SAFETY: they exist.
        unsafe {
            (*packet.device).flags = DO_DIRECT_IO;
            (*packet.list).mapped_system_va = buffer.cast();
            (*packet.list).mdl_flags = MDL_MAPPED_TO_SYSTEM_VA;
            (*packet.list).byte_count = length as u32;
            (*packet.irp).mdl_address = packet.list;
        }
        packet
    }

    fn with_length(self, length: usize) -> Self {
        // SAFETY: it exists.
        unsafe {
            (*self.location).parameters.transfer = TransferParameters {
                length: length as u32,
                key: Parameter(0),
                byte_offset: [0x89AB_CDEF, 0x0123_4567],
            };
        }
        self
    }

    /// A request to read with no buffer.
    pub fn read() -> Self {
        Self::buffered(IRP_MJ_READ, ptr::null_mut(), 0)
    }

    /// The same request for a file object.
    pub fn of(self, file: *mut FileObject) -> Self {
        // SAFETY: both exist.
        unsafe {
            (*self.location).file_object = file;
            (*file).device_object = self.device;
        }
        self
    }

    pub fn irp(&self) -> *mut Irp {
        self.irp
    }

    pub fn list(&self) -> *mut Mdl {
        self.list
    }

    pub fn device(&self) -> *mut DeviceObject {
        self.device
    }

    pub fn is_marked_as_pending(&self) -> bool {
        // SAFETY: it exists.
        unsafe { (*self.location).control & 1 != 0 }
    }

    /// What `IoCancelIrp` does: returns whether there was a routine to call.
    pub fn cancel(&self) -> bool {
        self.cancel_after(|| ())
    }

    /// The same, with something that another processor does before the routine runs.
    pub fn cancel_after(&self, meanwhile: impl FnOnce()) -> bool {
        let _spin = CANCEL.lock().unwrap();
        // SAFETY: the packet exists, and the members are exchanged atomically.
        unsafe {
            AtomicU8::from_ptr(&raw mut (*self.irp).cancel).store(1, Ordering::SeqCst);
            let place = AtomicPtr::from_ptr(&raw mut (*self.irp).cancel_routine);
            let routine = place.swap(ptr::null_mut(), Ordering::SeqCst);
            meanwhile();
            if routine.is_null() {
                return false;
            }
            (*self.irp).cancel_irql = 1;
            HELD.with(|held| held.set(true));
            mem::transmute::<*mut c_void, DriverCancel>(routine)(self.device, self.irp);
            assert!(!HELD.with(std::cell::Cell::get), "the routine releases the cancel spin lock");
        }
        true
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        for free in self.owns.drain(..) {
            free();
        }
    }
}

/// The cancel spin lock. The mock keeps it until the routine returns, as Wine does for a part of it.
static CANCEL: Mutex<()> = Mutex::new(());

thread_local! {
    static HELD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    /// How many spin locks this thread holds.
    static SPIN_LOCKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[unsafe(no_mangle)]
extern "system" fn IoReleaseCancelSpinLock(irql: u8) {
    assert_eq!(irql, 1, "the IRQL that the lock was taken at");
    assert!(HELD.with(|held| held.replace(false)), "it is held");
}

/// Spin locks that spin.
#[unsafe(no_mangle)]
extern "system" fn KeAcquireSpinLockRaiseToDpc(lock: *mut usize) -> u8 {
    // SAFETY: the word is a lock.
    let word = unsafe { AtomicUsize::from_ptr(lock) };
    while word.swap(1, Ordering::Acquire) != 0 {
        std::thread::yield_now();
    }
    SPIN_LOCKS.set(SPIN_LOCKS.get() + 1);
    0
}

#[unsafe(no_mangle)]
extern "system" fn KeReleaseSpinLock(lock: *mut usize, irql: u8) {
    assert_eq!(irql, 0);
    SPIN_LOCKS.set(SPIN_LOCKS.get() - 1);
    // SAFETY: the word is a lock.
    let word = unsafe { AtomicUsize::from_ptr(lock) };
    assert_eq!(word.swap(0, Ordering::Release), 1, "it is held");
}
