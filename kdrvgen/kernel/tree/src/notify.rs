//! Notifications: the kernel calls the driver when a process, a thread or an image begins.
//!
//! The kernel passes no context to these functions, so they are functions of a type, and what they use
//! is in statics. A registration ends when it is dropped, at `PASSIVE_LEVEL`, after the functions that run
//! have returned. It must not be dropped in such a function, which would wait for itself for ever.
//!
//! The functions run in the thread that creates or ends something, and delay it: be quick, and do not
//! wait for other processes. Normal kernel APCs are disabled in them, and sometimes all APCs, so a read
//! of a file can wait for ever: let a work item or a thread do it. Windows has a limited number of
//! registrations for all drivers.

use core::ffi::c_void;
use core::marker::PhantomData;

use crate::irql::{self, APC_LEVEL, PASSIVE_LEVEL};
use crate::nt::notify::{ImageInfo, PsCreateNotifyInfo, IMAGE_INFO_SYSTEM_MODE};
use crate::nt::{NtError, NtStatus, UnicodeString};

/// Functions that are called when processes begin and end, at `PASSIVE_LEVEL`.
pub trait OnProcess: 'static {
    /// A process was created, by a thread of this or another process, and does not run yet.
    fn created(id: usize, parent: usize);

    /// The last thread of a process ended.
    fn exited(id: usize);
}

/// The registration of [`OnProcess`] functions (`PsSetCreateProcessNotifyRoutine`).
///
/// ```text
/// struct Log;
///
/// impl OnProcess for Log {
///     fn created(id: usize, parent: usize) {
///         log!("process {id} was created by {parent}");
///     }
///     fn exited(id: usize) {
///         log!("process {id} ended");
///     }
/// }
///
/// static PROCESSES: Slot<Processes<Log>> = Slot::new();
///
/// PROCESSES.put(Processes::register()?);
/// ```
#[must_use = "a registration that is dropped ends"]
pub struct Processes<T: OnProcess> {
    /// A generic function can have several addresses, and the kernel removes the one that it knows.
    routine: ProcessRoutine,
    functions: PhantomData<fn(T)>,
}

impl<T: OnProcess> Processes<T> {
    /// Begins to call the functions of `T`. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_PARAMETER` if they are registered, or if there are too many registrations.
    pub fn register() -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let routine: ProcessRoutine = process::<T>;
        // SAFETY: `drop` removes the routine before the driver is unloaded.
        unsafe { PsSetCreateProcessNotifyRoutine(routine, 0) }.check()?;
        Ok(Self {
            routine,
            functions: PhantomData,
        })
    }
}

impl<T: OnProcess> Drop for Processes<T> {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: the routine is registered. It fails only if it is not.
        let _ = unsafe { PsSetCreateProcessNotifyRoutine(self.routine, 1) };
    }
}

unsafe extern "system" fn process<T: OnProcess>(parent: usize, id: usize, create: u8) {
    if create == 0 {
        T::exited(id);
    } else {
        T::created(id, parent);
    }
}

/// Functions that are called when processes begin and end, and can refuse new ones, at `PASSIVE_LEVEL`.
pub trait OnProcessEx: 'static {
    /// A process is being created. An error refuses it, and the program that creates it gets the error.
    ///
    /// # Errors
    ///
    /// The status with which the creation fails.
    fn creating(process: &NewProcess<'_>) -> Result<(), NtError>;

    /// The last thread of a process ended.
    fn exited(id: usize);
}

/// A process that is being created.
pub struct NewProcess<'a> {
    id: usize,
    information: &'a PsCreateNotifyInfo,
}

impl NewProcess<'_> {
    /// Returns the id of the new process. IRQL: any.
    #[must_use]
    pub fn id(&self) -> usize {
        self.id
    }

    /// Returns the id of the process whose settings and handles it inherits. IRQL: any.
    #[must_use]
    pub fn parent(&self) -> usize {
        self.information.parent_process_id
    }

    /// Returns the id of the process that creates it, which can be another one than its parent.
    /// IRQL: any.
    #[must_use]
    pub fn creator(&self) -> usize {
        self.information.creating_thread_id.unique_process
    }

    /// Returns the name of the image file, which may be only a part of the path. IRQL: `PASSIVE_LEVEL`.
    #[must_use]
    pub fn image(&self) -> Option<&UnicodeString<'_>> {
        // SAFETY: it is null, or valid during the notification.
        unsafe { self.information.image_file_name.as_ref() }
    }

    /// Returns the command line, which the creator chose: do not trust it. IRQL: `PASSIVE_LEVEL`.
    #[must_use]
    pub fn command_line(&self) -> Option<&UnicodeString<'_>> {
        // SAFETY: it is null, or valid during the notification.
        unsafe { self.information.command_line.as_ref() }
    }
}

/// The registration of [`OnProcessEx`] functions (`PsSetCreateProcessNotifyRoutineEx`).
///
/// It requires an image that is linked with `/INTEGRITYCHECK`, as the presets for the linker do.
/// Windows verifies the signature of such a driver even where it need not be trusted.
#[must_use = "a registration that is dropped ends"]
pub struct ProcessesEx<T: OnProcessEx> {
    routine: ProcessRoutineEx,
    functions: PhantomData<fn(T)>,
}

impl<T: OnProcessEx> ProcessesEx<T> {
    /// Begins to call the functions of `T`. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` without `/INTEGRITYCHECK`; `STATUS_INVALID_PARAMETER` if the functions are
    /// registered, or if there are too many registrations.
    pub fn register() -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let routine: ProcessRoutineEx = process_ex::<T>;
        // SAFETY: `drop` removes the routine before the driver is unloaded.
        unsafe { PsSetCreateProcessNotifyRoutineEx(routine, 0) }.check()?;
        Ok(Self {
            routine,
            functions: PhantomData,
        })
    }
}

impl<T: OnProcessEx> Drop for ProcessesEx<T> {
    fn drop(&mut self) {
        irql::assert_at_most(PASSIVE_LEVEL);
        // SAFETY: the routine is registered. It fails only if it is not.
        let _ = unsafe { PsSetCreateProcessNotifyRoutineEx(self.routine, 1) };
    }
}

unsafe extern "system" fn process_ex<T: OnProcessEx>(
    _process: *mut c_void,
    id: usize,
    information: *mut PsCreateNotifyInfo,
) {
    if information.is_null() {
        T::exited(id);
        return;
    }
    // SAFETY: the information is valid during the call.
    let borrowed = unsafe { &*information };
    let result = T::creating(&NewProcess {
        id,
        information: borrowed,
    });
    if let Err(error) = result {
        // SAFETY: the information is valid, and is not borrowed any more.
        unsafe { (&raw mut (*information).creation_status).write(error.status()) };
    }
}

/// Functions that are called when threads begin and end, at `APC_LEVEL` or below.
pub trait OnThread: 'static {
    /// A thread was created, by this or another process, and does not run yet.
    fn created(id: usize, process: usize);

    /// A thread ends, which calls this function.
    fn exited(id: usize, process: usize);
}

/// The registration of [`OnThread`] functions (`PsSetCreateThreadNotifyRoutine`).
#[must_use = "a registration that is dropped ends"]
pub struct Threads<T: OnThread> {
    routine: ThreadRoutine,
    functions: PhantomData<fn(T)>,
}

impl<T: OnThread> Threads<T> {
    /// Begins to call the functions of `T`. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there are too many registrations.
    pub fn register() -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let routine: ThreadRoutine = thread::<T>;
        // SAFETY: `drop` removes the routine before the driver is unloaded.
        unsafe { PsSetCreateThreadNotifyRoutine(routine) }.check()?;
        Ok(Self {
            routine,
            functions: PhantomData,
        })
    }
}

impl<T: OnThread> Drop for Threads<T> {
    fn drop(&mut self) {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the routine is registered. It fails only if it is not.
        let _ = unsafe { PsRemoveCreateThreadNotifyRoutine(self.routine) };
    }
}

unsafe extern "system" fn thread<T: OnThread>(process: usize, id: usize, create: u8) {
    if create == 0 {
        T::exited(id, process);
    } else {
        T::created(id, process);
    }
}

/// A function that is called when images are mapped, at `PASSIVE_LEVEL`.
pub trait OnImage: 'static {
    /// The image of a program, a DLL or a driver was mapped, and does not run yet.
    ///
    /// It must not map, allocate, free or query memory of programs: Windows holds a lock.
    fn loaded(image: &LoadedImage<'_>);
}

/// An image that was mapped.
pub struct LoadedImage<'a> {
    name: Option<&'a UnicodeString<'a>>,
    process: usize,
    information: &'a ImageInfo,
}

impl LoadedImage<'_> {
    /// Returns the path of the file, if Windows knows it. IRQL: `PASSIVE_LEVEL`.
    #[must_use]
    pub fn name(&self) -> Option<&UnicodeString<'_>> {
        self.name
    }

    /// Returns the id of the process; 0 for a driver. IRQL: any.
    #[must_use]
    pub fn process(&self) -> usize {
        self.process
    }

    /// Returns whether it is a driver or another image of the kernel. IRQL: any.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.information.properties & IMAGE_INFO_SYSTEM_MODE != 0
    }

    /// Returns the address at which the image begins. IRQL: any.
    #[must_use]
    pub fn base(&self) -> usize {
        self.information.image_base as usize
    }

    /// Returns the size of the image in bytes. IRQL: any.
    #[must_use]
    pub fn size(&self) -> usize {
        self.information.image_size
    }
}

/// The registration of an [`OnImage`] function (`PsSetLoadImageNotifyRoutine`).
#[must_use = "a registration that is dropped ends"]
pub struct Images<T: OnImage> {
    routine: ImageRoutine,
    functions: PhantomData<fn(T)>,
}

impl<T: OnImage> Images<T> {
    /// Begins to call the function of `T`. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if there are too many registrations.
    pub fn register() -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let routine: ImageRoutine = image::<T>;
        // SAFETY: `drop` removes the routine before the driver is unloaded.
        unsafe { PsSetLoadImageNotifyRoutine(routine) }.check()?;
        Ok(Self {
            routine,
            functions: PhantomData,
        })
    }
}

impl<T: OnImage> Drop for Images<T> {
    fn drop(&mut self) {
        irql::assert_at_most(APC_LEVEL);
        // SAFETY: the routine is registered. It fails only if it is not.
        let _ = unsafe { PsRemoveLoadImageNotifyRoutine(self.routine) };
    }
}

unsafe extern "system" fn image<T: OnImage>(
    name: *const UnicodeString<'static>,
    process: usize,
    information: *const ImageInfo,
) {
    // SAFETY: the name is null or valid, and the information is valid, during the call.
    let (name, information) = unsafe { (name.as_ref(), &*information) };
    T::loaded(&LoadedImage {
        name,
        process,
        information,
    });
}

type ProcessRoutine = unsafe extern "system" fn(parent: usize, id: usize, create: u8);
type ProcessRoutineEx = unsafe extern "system" fn(
    process: *mut c_void,
    id: usize,
    information: *mut PsCreateNotifyInfo,
);
type ThreadRoutine = unsafe extern "system" fn(process: usize, id: usize, create: u8);
type ImageRoutine = unsafe extern "system" fn(
    name: *const UnicodeString<'static>,
    process: usize,
    information: *const ImageInfo,
);

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn PsRemoveCreateThreadNotifyRoutine(routine: ThreadRoutine) -> NtStatus;
        fn PsRemoveLoadImageNotifyRoutine(routine: ImageRoutine) -> NtStatus;
        fn PsSetCreateProcessNotifyRoutine(routine: ProcessRoutine, remove: u8) -> NtStatus;
        fn PsSetCreateProcessNotifyRoutineEx(routine: ProcessRoutineEx, remove: u8) -> NtStatus;
        fn PsSetCreateThreadNotifyRoutine(routine: ThreadRoutine) -> NtStatus;
        fn PsSetLoadImageNotifyRoutine(routine: ImageRoutine) -> NtStatus;
    }
}
