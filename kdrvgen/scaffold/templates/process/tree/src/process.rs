//! Processes, by references that are counted.

use core::ffi::c_void;
use core::ptr;

use crate::nt::NtStatus;

/// A reference to a process object. As long as there is one, the object stays, even when the
/// process has ended.
pub struct Process(*mut c_void);

// SAFETY: a process object belongs to no thread, and the kernel counts references atomically.
unsafe impl Send for Process {}
// SAFETY: as above; what is asked of it here may be asked by several at once.
unsafe impl Sync for Process {}

impl Process {
    /// Looks up the process with an id; at `APC_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_CID` or `STATUS_INVALID_PARAMETER` if there is none.
    pub fn by_id(id: usize) -> Result<Self, NtStatus> {
        let mut process = ptr::null_mut();
        // SAFETY: `process` outlives the call.
        unsafe { PsLookupProcessByProcessId(id, &raw mut process) }.check()?;
        Ok(Self(process))
    }

    /// The process's id.
    pub fn id(&self) -> usize {
        // SAFETY: the reference keeps the object.
        unsafe { PsGetProcessId(self.0) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: the lookup gave this reference, which nobody else gives back.
        unsafe { ObfDereferenceObject(self.0) };
    }
}

/// The id of the process that the caller runs in.
pub fn current_id() -> usize {
    // SAFETY: may be called at any IRQL.
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
