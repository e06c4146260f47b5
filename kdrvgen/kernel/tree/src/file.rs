//! Files: a driver opens, reads and writes them as the kernel does.
//!
//! Everything here requires `PASSIVE_LEVEL`, and waits for the disk. Do it in a system thread or a work
//! item, not in a dispatch routine or a callback of the kernel.
//!
//! A path is one of the kernel's, such as `\SystemRoot\System32\drivers\hello.bin` or
//! `\??\C:\data\hello.bin`. In the context of a program, `\??\C:` can be what the program has made of
//! it: open such paths in the start function or in a system thread, or write `\GLOBAL??\C:`. A path
//! that a program sends gives the program the driver's rights: do not open it.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr;

use crate::handle::Handle;
use crate::irql::{self, PASSIVE_LEVEL};
use crate::nt::file::FileStandardInformation;
use crate::nt::irp::{IoStatusBlock, IoStatusResult};
use crate::nt::object_attributes::{ObjectAttributes, OBJ_CASE_INSENSITIVE};
use crate::nt::status::{STATUS_END_OF_FILE, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use crate::nt::{NtError, NtStatus, UnicodeString};

/// An open file, which is closed when it is dropped. IRQL of that: `PASSIVE_LEVEL`.
///
/// Several threads can use it; the kernel lets one at a time read or write.
#[derive(Debug)]
pub struct File(Handle);

impl File {
    /// Opens an existing file to read it. IRQL: `PASSIVE_LEVEL`.
    ///
    /// Others can read it meanwhile, and not write.
    ///
    /// # Errors
    ///
    /// Among others `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_OBJECT_PATH_NOT_FOUND`, and
    /// `STATUS_SHARING_VIOLATION` if somebody has the file open to write it.
    pub fn open(path: &UnicodeString<'_>) -> Result<Self, NtError> {
        Self::with(path, FILE_GENERIC_READ, FILE_OPEN)
    }

    /// Creates an empty file to read and write it, or empties an existing one. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// Among others `STATUS_OBJECT_PATH_NOT_FOUND`, `STATUS_ACCESS_DENIED`, and
    /// `STATUS_SHARING_VIOLATION` if somebody has the file open.
    pub fn create(path: &UnicodeString<'_>) -> Result<Self, NtError> {
        Self::with(
            path,
            FILE_GENERIC_READ | FILE_GENERIC_WRITE,
            FILE_OVERWRITE_IF,
        )
    }

    /// Opens a file to read and write it, and creates it if it does not exist. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// As for [`File::create`].
    pub fn open_or_create(path: &UnicodeString<'_>) -> Result<Self, NtError> {
        Self::with(path, FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_OPEN_IF)
    }

    fn with(path: &UnicodeString<'_>, access: u32, disposition: u32) -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let attributes =
            ObjectAttributes::of_kernel_handle(ptr::null_mut(), path, OBJ_CASE_INSENSITIVE);
        let mut handle = ptr::null_mut();
        let mut status = IoStatusBlock::new();
        // SAFETY: all pointers are valid during the call. The file is synchronous, so nothing is
        // written after it.
        unsafe {
            ZwCreateFile(
                &raw mut handle,
                access,
                &raw const attributes,
                &raw mut status,
                ptr::null(),
                FILE_ATTRIBUTE_NORMAL,
                FILE_SHARE_READ,
                disposition,
                FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE,
                ptr::null_mut(),
                0,
            )
        }
        .check()?;
        // SAFETY: the handle is open, and is a kernel handle.
        Ok(Self(unsafe { Handle::from_raw(handle) }))
    }

    /// Returns the file's length in bytes. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// The status of the file system.
    pub fn length(&self) -> Result<u64, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let mut information = FileStandardInformation {
            allocation_size: 0,
            end_of_file: 0,
            number_of_links: 0,
            delete_pending: 0,
            directory: 0,
        };
        let mut status = IoStatusBlock::new();
        // SAFETY: the handle is open, and the structure is the one of this class.
        unsafe {
            #[allow(clippy::cast_possible_truncation)] // 24 bytes
            ZwQueryInformationFile(
                self.0.as_raw(),
                &raw mut status,
                (&raw mut information).cast(),
                size_of::<FileStandardInformation>() as u32,
                FILE_STANDARD_INFORMATION,
            )
        }
        .check()?;
        // No file system reports a negative length.
        Ok(u64::try_from(information.end_of_file).unwrap_or(0))
    }

    /// Reads bytes from a place of the file. IRQL: `PASSIVE_LEVEL`.
    ///
    /// Returns their number: less than the buffer's length at the end of the file, and 0 behind it.
    ///
    /// # Errors
    ///
    /// The status of the file system.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let offset = place(offset)?;
        let mut status = IoStatusBlock::new();
        // SAFETY: the handle is open, and the length is at most that of the buffer. The file is
        // synchronous, so nothing is written after the call.
        let read = unsafe {
            ZwReadFile(
                self.0.as_raw(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut status,
                buffer.as_mut_ptr(),
                length(buffer.len()),
                &raw const offset,
                ptr::null(),
            )
        };
        match read.check() {
            Ok(()) => Ok(status.information.min(buffer.len())),
            Err(error) if error == STATUS_END_OF_FILE => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Writes bytes to a place of the file, which grows if it is too short. IRQL: `PASSIVE_LEVEL`.
    ///
    /// Returns their number, which is that of `bytes`, unless they are more than 4 GiB.
    ///
    /// # Errors
    ///
    /// The status of the file system, such as `STATUS_ACCESS_DENIED` for a file that was opened to
    /// read it.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let offset = place(offset)?;
        let mut status = IoStatusBlock::new();
        // SAFETY: the handle is open, and the length is at most that of the bytes. The file is
        // synchronous, so nothing is read after the call.
        unsafe {
            ZwWriteFile(
                self.0.as_raw(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut status,
                bytes.as_ptr(),
                length(bytes.len()),
                &raw const offset,
                ptr::null(),
            )
        }
        .check()?;
        Ok(status.information.min(bytes.len()))
    }

    /// Returns the file's handle. IRQL: any.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.0
    }
}

/// Returns an offset for the kernel, to which negative ones have meanings of their own.
fn place(offset: u64) -> Result<i64, NtError> {
    i64::try_from(offset).map_err(|_| STATUS_INVALID_PARAMETER)
}

/// Returns the length of a buffer, of which the kernel can use the first 4 GiB at once.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl IoStatusBlock {
    const fn new() -> Self {
        Self {
            result: IoStatusResult {
                status: STATUS_SUCCESS,
            },
            information: 0,
        }
    }
}

const FILE_GENERIC_READ: u32 = 0x12_0089;
const FILE_GENERIC_WRITE: u32 = 0x12_0116;
const FILE_ATTRIBUTE_NORMAL: u32 = 0x80;
const FILE_SHARE_READ: u32 = 1;
/// The kernel waits in each call.
const FILE_SYNCHRONOUS_IO_NONALERT: u32 = 0x20;
const FILE_NON_DIRECTORY_FILE: u32 = 0x40;
const FILE_OPEN: u32 = 1;
const FILE_OPEN_IF: u32 = 3;
const FILE_OVERWRITE_IF: u32 = 5;
/// `FileStandardInformation`.
const FILE_STANDARD_INFORMATION: i32 = 5;

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ZwCreateFile(
            handle: *mut *mut c_void,
            access: u32,
            attributes: *const ObjectAttributes<'_>,
            status: *mut IoStatusBlock,
            allocation_size: *const i64,
            file_attributes: u32,
            share: u32,
            disposition: u32,
            options: u32,
            extended_attributes: *mut c_void,
            extended_attributes_length: u32,
        ) -> NtStatus;
        fn ZwQueryInformationFile(
            handle: *mut c_void,
            status: *mut IoStatusBlock,
            information: *mut c_void,
            length: u32,
            class: i32,
        ) -> NtStatus;
        fn ZwReadFile(
            handle: *mut c_void,
            event: *mut c_void,
            apc_routine: *mut c_void,
            apc_context: *mut c_void,
            status: *mut IoStatusBlock,
            buffer: *mut u8,
            length: u32,
            offset: *const i64,
            key: *const u32,
        ) -> NtStatus;
        fn ZwWriteFile(
            handle: *mut c_void,
            event: *mut c_void,
            apc_routine: *mut c_void,
            apc_context: *mut c_void,
            status: *mut IoStatusBlock,
            buffer: *const u8,
            length: u32,
            offset: *const i64,
            key: *const u32,
        ) -> NtStatus;
    }
}
