//! The part of the filter manager that this driver uses.
//!
//! Source: fltkernel.h of the Windows Driver Kit, and "File Systems and Filters", Microsoft Learn.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr::{self, NonNull};

use kernel::{DriverObject, NtError, NtStatus, UnicodeString};

/// `FLT_CALLBACK_DATA`: an operation. Only the filter manager reads it here.
#[repr(C)]
pub struct CallbackData {
    opaque: [u8; 0],
}

/// `FLT_PREOP_CALLBACK_STATUS`: what happens to an operation after a callback.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreOperation {
    /// The operation goes on, and no callback follows it.
    SuccessNoCallback = 1,
}

/// `PFLT_PRE_OPERATION_CALLBACK`
pub type BeforeOperation =
    unsafe extern "system" fn(*mut CallbackData, *const c_void, *mut *mut c_void) -> PreOperation;

/// `PFLT_FILTER_UNLOAD_CALLBACK`: with [`STATUS_FLT_DO_NOT_DETACH`], `fltmc unload` fails.
pub type UnloadFilter = unsafe extern "system" fn(u32) -> NtStatus;

pub const STATUS_FLT_DO_NOT_DETACH: NtStatus = NtStatus::new(0xC01C_0010);

/// `FLT_OPERATION_REGISTRATION`
#[repr(C)]
pub struct Operation {
    major_function: u8,
    flags: u32,
    before: Option<BeforeOperation>,
    after: Option<unsafe extern "system" fn()>,
    reserved: *mut c_void,
}

// SAFETY: nothing changes it, and `reserved` points to nothing.
unsafe impl Sync for Operation {}

const IRP_MJ_CREATE: u8 = 0;
const IRP_MJ_OPERATION_END: u8 = 0x80;

impl Operation {
    /// Calls `before` before a file is opened or created.
    pub const fn create(before: BeforeOperation) -> Self {
        Self::new(IRP_MJ_CREATE, Some(before))
    }

    /// The end of an array of operations.
    pub const END: Self = Self::new(IRP_MJ_OPERATION_END, None);

    const fn new(major_function: u8, before: Option<BeforeOperation>) -> Self {
        Self {
            major_function,
            flags: 0,
            before,
            after: None,
            reserved: ptr::null_mut(),
        }
    }

    #[cfg(test)]
    pub fn is_end(&self) -> bool {
        self.major_function == IRP_MJ_OPERATION_END
    }
}

/// `FLT_REGISTRATION`, as of Windows 7.
#[repr(C)]
pub struct Registration {
    size: u16,
    version: u16,
    flags: u32,
    contexts: *const c_void,
    operations: *const Operation,
    unload: Option<UnloadFilter>,
    /// Callbacks for instances, names and transactions, which a filter can leave out.
    others: [*const c_void; 9],
}

// SAFETY: nothing changes it, and it refers only to static memory.
unsafe impl Sync for Registration {}

const FLT_REGISTRATION_VERSION_0202: u16 = 0x0202;

impl Registration {
    /// Describes a filter with these operations, the last of which is [`Operation::END`].
    pub const fn new(operations: &'static [Operation; 2], unload: UnloadFilter) -> Self {
        Self {
            #[allow(clippy::cast_possible_truncation)] // 104 bytes
            size: size_of::<Self>() as u16,
            version: FLT_REGISTRATION_VERSION_0202,
            flags: 0,
            contexts: ptr::null(),
            operations: operations.as_ptr(),
            unload: Some(unload),
            others: [ptr::null(); 9],
        }
    }

    #[cfg(test)]
    pub fn operations(&self) -> *const Operation {
        self.operations
    }
}

const POINTER: usize = size_of::<usize>();
const _: () = assert!(size_of::<Registration>() == 8 + 12 * POINTER);
const _: () = assert!(size_of::<Operation>() == 8 + 3 * POINTER);

/// A registered filter. Dropping it waits for its callbacks, and removes it.
pub struct Filter(NonNull<c_void>);

// SAFETY: the filter manager's functions can be called in any thread.
unsafe impl Send for Filter {}

impl Filter {
    /// Registers a filter. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// What the filter manager returns: `STATUS_OBJECT_NAME_NOT_FOUND` if the service has no
    /// instance with an altitude, which the INF of the package adds.
    pub fn register(
        driver: &mut DriverObject,
        registration: &'static Registration,
    ) -> Result<Self, NtError> {
        let mut filter = ptr::null_mut();
        // SAFETY: the driver object is valid, and the registration is static.
        unsafe { FltRegisterFilter(driver, registration, &raw mut filter) }.check()?;
        NonNull::new(filter)
            .map(Self)
            .ok_or(kernel::nt::status::STATUS_UNSUCCESSFUL)
    }

    /// Attaches the filter to volumes: its callbacks run from now on. IRQL: `APC_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// What the filter manager returns.
    pub fn start(&self) -> Result<(), NtError> {
        // SAFETY: the filter is registered.
        unsafe { FltStartFiltering(self.0.as_ptr()) }.check()
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // SAFETY: the filter is registered, and nothing uses it any more.
        unsafe { FltUnregisterFilter(self.0.as_ptr()) };
    }
}

/// The beginning of `FLT_FILE_NAME_INFORMATION`.
#[repr(C)]
pub struct NameInformation {
    size: u16,
    parsed: u16,
    format: u32,
    name: UnicodeString<'static>,
}

const FLT_FILE_NAME_OPENED: u32 = 2;
const FLT_FILE_NAME_QUERY_DEFAULT: u32 = 0x100;

/// The name of a file, which is released when it is dropped.
pub struct FileName(NonNull<NameInformation>);

impl FileName {
    /// Returns the name that a program opens the file of an operation by. IRQL: `APC_LEVEL` or
    /// below.
    ///
    /// # Errors
    ///
    /// What the filter manager returns, for example for a file that is opened by its number.
    ///
    /// # Safety
    ///
    /// `data` is that of a callback which has not returned.
    pub unsafe fn opened(data: *mut CallbackData) -> Result<Self, NtError> {
        let mut information = ptr::null_mut();
        let options = FLT_FILE_NAME_OPENED | FLT_FILE_NAME_QUERY_DEFAULT;
        // SAFETY: the caller keeps the contract, and the filter manager writes one pointer.
        unsafe { FltGetFileNameInformation(data, options, &raw mut information) }.check()?;
        NonNull::new(information)
            .map(Self)
            .ok_or(kernel::nt::status::STATUS_UNSUCCESSFUL)
    }

    /// Returns the path, such as `\Device\HarddiskVolume2\Windows\win.ini`.
    pub fn text(&self) -> &UnicodeString<'_> {
        // SAFETY: the structure is valid until it is released.
        unsafe { &self.0.as_ref().name }
    }
}

impl Drop for FileName {
    fn drop(&mut self) {
        // SAFETY: the name was not released before.
        unsafe { FltReleaseFileNameInformation(self.0.as_ptr()) };
    }
}

kernel::import! {
    "fltmgr.sys",
    extern "system" {
        fn FltRegisterFilter(
            driver: *mut DriverObject,
            registration: *const Registration,
            filter: *mut *mut c_void,
        ) -> NtStatus;
        fn FltStartFiltering(filter: *mut c_void) -> NtStatus;
        fn FltUnregisterFilter(filter: *mut c_void);
        fn FltGetFileNameInformation(
            data: *mut CallbackData,
            options: u32,
            information: *mut *mut NameInformation,
        ) -> NtStatus;
        fn FltReleaseFileNameInformation(information: *mut NameInformation);
    }
}
