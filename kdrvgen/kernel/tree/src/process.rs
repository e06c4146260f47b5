//! Processes, by references that are counted.

use core::ffi::c_void;
use core::ptr;

use crate::irql::{self, APC_LEVEL, DISPATCH_LEVEL};
use crate::nt::{NtError, NtStatus};

/// A reference to a process object. The object exists as long as there is a reference, also after the
/// process has ended.
pub struct Process(*mut c_void);

// SAFETY: a process object is not tied to a thread, and the kernel counts references atomically.
unsafe impl Send for Process {}
// SAFETY: several threads can call all methods at once.
unsafe impl Sync for Process {}

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
        Ok(Self(process))
    }

    /// Returns the id of the process. IRQL: any.
    #[must_use]
    pub fn id(&self) -> usize {
        // SAFETY: the object exists.
        unsafe { PsGetProcessId(self.0) }
    }

    /// Returns the process object, which exists as long as this reference. IRQL: any.
    #[must_use]
    pub fn as_ptr(&self) -> *mut c_void {
        self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        irql::assert_at_most(DISPATCH_LEVEL);
        // SAFETY: `by_id` got this reference, and `self` owns it.
        unsafe { ObfDereferenceObject(self.0) };
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

crate::import! {
    "ntoskrnl.exe",
    extern "fastcall" {
        fn ObfDereferenceObject(object: *mut c_void);
    }
}
