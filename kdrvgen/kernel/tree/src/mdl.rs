//! Memory descriptor lists: the pages of a program's buffer, for direct I/O.
//!
//! [`ReadRequest`](crate::transfer::ReadRequest) and [`WriteRequest`](crate::transfer::WriteRequest)
//! use it; code for other requests can do so too.
//!
//! There is nothing here to lock pages that a program names by an address: `MmProbeAndLockPages` raises
//! an exception for a bad one, and Rust code cannot handle it. Let the kernel lock the pages, by direct
//! I/O.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr;

use crate::irql::{self, DISPATCH_LEVEL};
pub use crate::nt::mdl::Mdl;
use crate::nt::mdl::{MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL};
use crate::nt::status::STATUS_INSUFFICIENT_RESOURCES;
use crate::nt::NtError;

const KERNEL_MODE: i8 = 0;
/// `MmCached`.
const MM_CACHED: i32 = 1;
/// `NormalPagePriority`.
const NORMAL_PAGE_PRIORITY: u32 = 16;
/// `MdlMappingNoExecute`, since Windows 8.
const MDL_MAPPING_NO_EXECUTE: u32 = 0x4000_0000;

/// Returns the kernel's address of a buffer, with `byte_count` bytes: `MmGetSystemAddressForMdlSafe`.
///
/// The memory is never executable. It has the address until the list is freed, which the kernel does
/// when the request is completed. It is valid in every process.
///
/// The program can change the memory at any time: use [`copy_from_program`] and [`copy_to_program`],
/// and make no reference to it.
///
/// IRQL: `DISPATCH_LEVEL` or below.
///
/// # Errors
///
/// `STATUS_INSUFFICIENT_RESOURCES` if the kernel has no free address.
///
/// # Safety
///
/// The list exists during the call, its pages are locked, and no other thread uses the list.
pub unsafe fn system_address(list: *mut Mdl) -> Result<*mut u8, NtError> {
    irql::assert_at_most(DISPATCH_LEVEL);
    // SAFETY: the caller's contract.
    let address = unsafe {
        if (*list).mdl_flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) == 0 {
            MmMapLockedPagesSpecifyCache(
                list,
                KERNEL_MODE,
                MM_CACHED,
                ptr::null_mut(),
                0,
                NORMAL_PAGE_PRIORITY | MDL_MAPPING_NO_EXECUTE,
            )
        } else {
            (*list).mapped_system_va
        }
    };
    if address.is_null() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    Ok(address.cast())
}

const WORD: usize = size_of::<usize>();

/// Copies bytes that a program can change meanwhile: each byte is read once. IRQL: that of the memory.
///
/// # Safety
///
/// As many bytes as `to` has are readable, and are not a part of `to`.
#[allow(clippy::cast_ptr_alignment)] // it is aligned where it is cast
pub unsafe fn copy_from_program(from: *const u8, to: &mut [u8]) {
    let (head, rest) = to.split_at_mut(from.align_offset(WORD).min(to.len()));
    let mut words = rest.chunks_exact_mut(WORD);
    // SAFETY: the caller's contract. `from` is aligned after the head.
    unsafe {
        let from = read_bytes(from, head);
        let mut at = from.cast::<usize>();
        for word in &mut words {
            word.copy_from_slice(&at.read_volatile().to_ne_bytes());
            at = at.add(1);
        }
        read_bytes(at.cast(), words.into_remainder());
    }
}

/// Copies bytes to memory that a program can use meanwhile. IRQL: that of the memory.
///
/// # Safety
///
/// As many bytes as `from` has are writable, and are not a part of `from`.
#[allow(clippy::cast_ptr_alignment)] // it is aligned where it is cast
pub unsafe fn copy_to_program(from: &[u8], to: *mut u8) {
    let (head, rest) = from.split_at(to.align_offset(WORD).min(from.len()));
    let words = rest.chunks_exact(WORD);
    let tail = words.remainder();
    // SAFETY: the caller's contract. `to` is aligned after the head.
    unsafe {
        let to = write_bytes(head, to);
        let mut at = to.cast::<usize>();
        for word in words {
            let mut bytes = [0; WORD];
            bytes.copy_from_slice(word);
            at.write_volatile(usize::from_ne_bytes(bytes));
            at = at.add(1);
        }
        write_bytes(tail, at.cast());
    }
}

/// Copies some bytes, and returns the address behind them.
///
/// # Safety
///
/// As for [`copy_from_program`].
unsafe fn read_bytes(mut from: *const u8, to: &mut [u8]) -> *const u8 {
    for byte in to {
        // SAFETY: the caller's contract.
        unsafe {
            *byte = from.read_volatile();
            from = from.add(1);
        }
    }
    from
}

/// Copies some bytes, and returns the address behind them.
///
/// # Safety
///
/// As for [`copy_to_program`].
unsafe fn write_bytes(from: &[u8], mut to: *mut u8) -> *mut u8 {
    for byte in from {
        // SAFETY: the caller's contract.
        unsafe {
            to.write_volatile(*byte);
            to = to.add(1);
        }
    }
    to
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn MmMapLockedPagesSpecifyCache(
            list: *mut Mdl,
            mode: i8,
            cache: i32,
            address: *mut c_void,
            bug_check_on_failure: u32,
            priority: u32,
        ) -> *mut c_void;
    }
}
