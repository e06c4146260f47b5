//! Processes, by references that are counted.

use core::ffi::c_void;
use core::ptr::{self, NonNull};

use crate::irql::{self, APC_LEVEL};
use crate::nt::{NtError, NtStatus};
use crate::object::Object;

/// A reference to a process object. The object exists as long as there is a reference, also after the
/// process has ended.
#[derive(Debug)]
pub struct Process(Object);

impl Process {
    /// Finds the process with an id. IRQL: `APC_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_CID` or `STATUS_INVALID_PARAMETER` if it does not exist.
    pub fn by_id(id: usize) -> Result<Self, NtError> {
        irql::assert_at_most(APC_LEVEL);
        let mut process = ptr::null_mut();
        // SAFETY: `process` is valid during the call.
        unsafe { PsLookupProcessByProcessId(id, &raw mut process) }.check()?;
        // SAFETY: the kernel returned an object, with a reference for the caller.
        Ok(Self(unsafe {
            Object::from_raw(NonNull::new_unchecked(process))
        }))
    }

    /// Returns the id of the process. IRQL: any.
    #[must_use]
    pub fn id(&self) -> usize {
        // SAFETY: the object exists.
        unsafe { PsGetProcessId(self.as_ptr()) }
    }

    /// Returns the process object, which exists as long as this reference. IRQL: any.
    #[must_use]
    pub fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr()
    }
}

/// Returns the id of the process in which the caller runs. IRQL: any.
#[must_use]
pub fn current_id() -> usize {
    // SAFETY: it can be called at any IRQL.
    unsafe { PsGetCurrentProcessId() }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn PsGetCurrentProcessId() -> usize;
        fn PsGetProcessId(process: *mut c_void) -> usize;
        fn PsLookupProcessByProcessId(id: usize, process: *mut *mut c_void) -> NtStatus;
    }
}
