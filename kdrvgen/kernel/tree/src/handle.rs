//! Kernel handles, which are closed when they are dropped.

use core::ffi::c_void;
use core::mem;

use crate::irql::{self, PASSIVE_LEVEL};
use crate::nt::NtStatus;

/// A kernel handle: programs cannot use it, and it is valid in all processes.
///
/// It is closed when it is dropped. IRQL of that: `PASSIVE_LEVEL`.
#[derive(Debug)]
pub struct Handle(*mut c_void);

// SAFETY: a kernel handle is valid in all threads.
unsafe impl Send for Handle {}
// SAFETY: several threads can use a handle at once.
unsafe impl Sync for Handle {}

impl Handle {
    /// Takes over a handle. IRQL: any.
    ///
    /// # Safety
    ///
    /// The handle is open, was opened with `OBJ_KERNEL_HANDLE`, and nothing else closes it.
    #[must_use]
    pub const unsafe fn from_raw(handle: *mut c_void) -> Self {
        Self(handle)
    }

    /// Returns the handle, which is open as long as `self` exists. IRQL: any.
    #[must_use]
    pub const fn as_raw(&self) -> *mut c_void {
        self.0
    }

    /// Gives up the handle, which is then not closed. IRQL: any.
    #[must_use]
    pub const fn into_raw(self) -> *mut c_void {
        let handle = self.0;
        mem::forget(self);
        handle
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: the handle is open, and `self` owns it. It fails only for one that is not open.
        let _ = unsafe { ZwClose(self.0) };
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ZwClose(handle: *mut c_void) -> NtStatus;
    }
}
