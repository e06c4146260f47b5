//! What a driver keeps for each open file of its device: from `IRP_MJ_CREATE` to `IRP_MJ_CLOSE`.
//!
//! A program that opens a device gets a handle to a file object. The driver can keep a value with this
//! object. Each handle to it, and each request for it, leads to the same value.
//!
//! | request | when | use |
//! |---|---|---|
//! | `IRP_MJ_CREATE` | a program opens the device | [`Create`] stores the value |
//! | `IRP_MJ_CLEANUP` | the last handle was closed; requests can still be pending | cancel them: [`Queue::cancel_file`](crate::queue::Queue::cancel_file) |
//! | `IRP_MJ_CLOSE` | nothing refers to the file object any more | [`Close`] drops the value |

use core::any::TypeId;
use core::fmt;
use core::ops::Deref;
use core::ptr::{self, NonNull};

use crate::irql::{self, DISPATCH_LEVEL, PASSIVE_LEVEL};
use crate::nt::file::FileObject;
use crate::nt::irp::{Irp, IRP_MJ_CLOSE};
use crate::nt::NtError;
use crate::object::Object;
use crate::request::{Dispatched, Request, State};
use crate::shared::Pooled;

/// The value of a file object, and its type.
#[repr(C)]
struct Opened<T> {
    head: Head,
    value: T,
}

#[repr(C)]
struct Head {
    /// That of the value.
    kind: TypeId,
    /// Drops the value, and frees its memory.
    free: unsafe fn(NonNull<Head>),
}

/// Drops a value that [`Create::open`] stored.
///
/// # Safety
///
/// It is an `Opened<T>` that a `Pooled` gave up, and is not used afterwards.
unsafe fn free<T>(head: NonNull<Head>) {
    // SAFETY: the caller's contract. The head is the first member.
    drop(unsafe { Pooled::from_raw(head.cast::<Opened<T>>()) });
}

/// A request of a program to open the device.
#[must_use = "a request that is dropped fails"]
pub struct Create(Request);

impl Create {
    /// Takes over a request. IRQL: any.
    ///
    /// # Safety
    ///
    /// As for [`Request::new`], in the routine for `IRP_MJ_CREATE`. Only this module uses
    /// `FsContext2` of the file objects of this device, and the routine for `IRP_MJ_CLOSE` uses
    /// [`Close`].
    pub unsafe fn new(irp: *mut Irp) -> Self {
        // SAFETY: the caller's contract.
        Self(unsafe { Request::new(irp) })
    }

    /// Returns the request itself. IRQL: any.
    pub fn request(&self) -> &Request {
        &self.0
    }

    /// Lets the program open the device, and stores a value with the file object.
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// If there is no memory, the request fails with `STATUS_INSUFFICIENT_RESOURCES`, and the
    /// value is dropped.
    pub fn open<T: Send + Sync + 'static>(self, value: T) -> Dispatched {
        irql::assert_at_most(PASSIVE_LEVEL);
        let head = Head {
            kind: TypeId::of::<T>(),
            free: free::<T>,
        };
        let result = Pooled::new(Opened { head, value }).map(|opened| {
            // SAFETY: the packet exists, and so does its file object. Nothing else uses this member.
            unsafe {
                let file = (*self.0.location()).file_object;
                (*file).fs_context2 = opened.into_raw().as_ptr().cast();
            }
        });
        self.0.complete(result)
    }

    /// Lets the program open the device without a value, or refuses it. IRQL: `DISPATCH_LEVEL` or
    /// below.
    pub fn complete(self, result: Result<(), NtError>) -> Dispatched {
        self.0.complete(result)
    }
}

/// The end of a file object: no handle, request or reference leads to it any more.
///
/// If it is dropped, so is the value of the file object. IRQL of that: `PASSIVE_LEVEL`.
#[must_use = "a request that is dropped fails"]
pub struct Close {
    value: Option<Taken>,
    request: Request,
}

/// A value that was taken out of its file object.
struct Taken(NonNull<Head>);

impl Drop for Taken {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: `Create::open` stored it. Nothing has a reference to it, because that would have one
        // to the file object.
        unsafe { ((*self.0.as_ptr()).free)(self.0) };
    }
}

impl Close {
    /// Takes over a request. IRQL: any.
    ///
    /// # Safety
    ///
    /// As for [`Request::new`], in the routine for `IRP_MJ_CLOSE`. Only this module uses `FsContext2`
    /// of the file objects of this device.
    pub unsafe fn new(irp: *mut Irp) -> Self {
        // SAFETY: the caller's contract. The packet and its file object exist, and only this module uses
        // the member.
        unsafe {
            let request = Request::new(irp);
            let file = (*request.location()).file_object;
            let value = ptr::replace(&raw mut (*file).fs_context2, ptr::null_mut());
            let value = NonNull::new(value.cast()).map(Taken);
            Self { value, request }
        }
    }

    /// Drops the value of the file object, if it has one, and completes the request.
    /// IRQL: `PASSIVE_LEVEL`.
    pub fn complete(self) -> Dispatched {
        irql::assert_at_most(PASSIVE_LEVEL);
        drop(self.value);
        self.request.complete(Ok(()))
    }
}

/// The value of a file object, which exists as long as this reference.
///
/// It has a reference to the file object too, so `IRP_MJ_CLOSE` does not come before it is dropped. IRQL
/// of that: `DISPATCH_LEVEL` or below.
pub struct Context<T> {
    value: NonNull<T>,
    _file: Object,
}

// SAFETY: it gives references to the value, and `Create::open` requires this of it.
unsafe impl<T: Send + Sync> Send for Context<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Context<T> {}

impl<S: State> Request<S> {
    /// Returns the value that [`Create::open`] stored with the request's file object.
    /// IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// `None` if it stored no value of this type.
    #[must_use]
    pub fn context<T: Send + Sync + 'static>(&self) -> Option<Context<T>> {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the packet exists, and so does its file object, unless it is null.
        unsafe {
            let location = self.location();
            let file: *mut FileObject = (*location).file_object;
            // A file object that is being closed cannot be referenced, and one of another driver's
            // device has a value of that driver.
            if (*location).major_function == IRP_MJ_CLOSE
                || file.is_null()
                || (*file).device_object != (*location).device_object
            {
                return None;
            }
            let opened = NonNull::new((*file).fs_context2.cast::<Opened<T>>())?;
            if (*opened.as_ptr()).head.kind != TypeId::of::<T>() {
                return None;
            }
            Some(Context {
                value: NonNull::new_unchecked(&raw mut (*opened.as_ptr()).value),
                _file: Object::reference(file.cast()),
            })
        }
    }
}

impl<T> Deref for Context<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value exists as long as the file object. Nobody gets a mutable reference to it.
        unsafe { self.value.as_ref() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Context<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
