//! References to kernel objects, which are counted.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use crate::handle::Handle;
use crate::irql::{self, DISPATCH_LEVEL, PASSIVE_LEVEL};
use crate::nt::{NtError, NtStatus};

/// The type of an object that a handle leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectType {
    /// `KEVENT`.
    Event,
    /// `FILE_OBJECT`: an open file or device.
    File,
    /// `EPROCESS`.
    Process,
    /// `ETHREAD`.
    Thread,
}

/// A reference to a kernel object, which exists as long as there is one.
///
/// A process has one handle table for itself, so the handle of a program means something only in this
/// program's process, and can be closed at any time. Reference the object in the dispatch routine, and
/// keep the reference.
#[derive(Debug)]
pub struct Object(NonNull<c_void>);

// SAFETY: an object is not tied to a thread, and the kernel counts references atomically.
unsafe impl Send for Object {}
// SAFETY: it gives nothing but the address.
unsafe impl Sync for Object {}

impl Object {
    /// References the object of a kernel handle. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_TYPE_MISMATCH` for an object of another type.
    pub fn of_handle(handle: &Handle, kind: ObjectType) -> Result<Self, NtError> {
        Self::by_handle(handle.as_raw(), 0, kind, KERNEL_MODE)
    }

    /// References the object of a handle that the current process's program sent.
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// The kernel checks the handle: it can have any value. The object is of this type, and the
    /// program's handle has this access, such as `EVENT_MODIFY_STATE`. It is the current process, so
    /// call it in the dispatch routine of a request from that program.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH` or `STATUS_ACCESS_DENIED`.
    pub fn of_program_handle(
        handle: usize,
        kind: ObjectType,
        access: u32,
    ) -> Result<Self, NtError> {
        Self::by_handle(handle as *mut c_void, access, kind, USER_MODE)
    }

    fn by_handle(
        handle: *mut c_void,
        access: u32,
        kind: ObjectType,
        mode: i8,
    ) -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let mut object = ptr::null_mut();
        // SAFETY: `object` is valid during the call. The kernel checks the handle of a program, and
        // another one is open.
        unsafe {
            ObReferenceObjectByHandle(
                handle,
                access,
                type_object(kind),
                mode,
                &raw mut object,
                ptr::null_mut(),
            )
        }
        .check()?;
        // SAFETY: the kernel returned an object.
        Ok(Self(unsafe { NonNull::new_unchecked(object) }))
    }

    /// Adds a reference to an object. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Safety
    ///
    /// `object` is an object of the kernel's object manager, and has a reference during the call.
    #[must_use]
    pub unsafe fn reference(object: *mut c_void) -> Self {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: the caller's contract.
        unsafe {
            ObfReferenceObject(object);
            Self(NonNull::new_unchecked(object))
        }
    }

    /// Takes over a reference that somebody else added. IRQL: any.
    ///
    /// # Safety
    ///
    /// `object` is an object of the kernel's object manager, and nothing else releases this reference.
    #[must_use]
    pub const unsafe fn from_raw(object: NonNull<c_void>) -> Self {
        Self(object)
    }

    /// Returns the object, which exists as long as this reference. IRQL: any.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr()
    }
}

/// Adds a reference. IRQL: `DISPATCH_LEVEL` or below.
impl Clone for Object {
    fn clone(&self) -> Self {
        // SAFETY: the object has the reference of `self`.
        unsafe { Self::reference(self.as_ptr()) }
    }
}

/// Releases the reference. IRQL: `DISPATCH_LEVEL` or below; above `PASSIVE_LEVEL`, the kernel deletes the
/// object later.
impl Drop for Object {
    fn drop(&mut self) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: `self` owns this reference.
        unsafe { ObfDereferenceObject(self.as_ptr()) };
    }
}

const KERNEL_MODE: i8 = 0;
const USER_MODE: i8 = 1;

/// Returns the kernel's object for a type.
#[cfg(all(windows, panic = "abort"))]
fn type_object(kind: ObjectType) -> *mut c_void {
    // SAFETY: the kernel never changes these variables.
    unsafe {
        match kind {
            ObjectType::Event => ExEventObjectType,
            ObjectType::File => IoFileObjectType,
            ObjectType::Process => PsProcessType,
            ObjectType::Thread => PsThreadType,
        }
    }
}

/// Outside of the kernel there are no types.
#[cfg(not(all(windows, panic = "abort")))]
fn type_object(_kind: ObjectType) -> *mut c_void {
    ptr::null_mut()
}

// Variables, which `import!` does not declare.
#[cfg(all(windows, panic = "abort"))]
#[cfg_attr(
    target_arch = "x86",
    link(
        name = "ntoskrnl.exe",
        kind = "raw-dylib",
        modifiers = "+verbatim",
        import_name_type = "undecorated"
    )
)]
#[cfg_attr(
    not(target_arch = "x86"),
    link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")
)]
unsafe extern "C" {
    static ExEventObjectType: *mut c_void;
    static IoFileObjectType: *mut c_void;
    static PsProcessType: *mut c_void;
    static PsThreadType: *mut c_void;
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ObReferenceObjectByHandle(
            handle: *mut c_void,
            access: u32,
            kind: *mut c_void,
            mode: i8,
            object: *mut *mut c_void,
            information: *mut c_void,
        ) -> NtStatus;
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "fastcall" {
        fn ObfDereferenceObject(object: *mut c_void);
        fn ObfReferenceObject(object: *mut c_void) -> isize;
    }
}
