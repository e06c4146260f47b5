//! A kernel with files in memory and counted objects, and the tests of handles, objects and files.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::file::File;
use crate::handle::Handle;
use crate::nt::file::FileStandardInformation;
use crate::nt::irp::IoStatusBlock;
use crate::nt::object_attributes::ObjectAttributes;
use crate::nt::status::*;
use crate::nt::{NtError, NtStatus};
use crate::object::{Object, ObjectType};
use crate::unicode_string;

#[derive(Default)]
struct Disk {
    files: HashMap<String, Vec<u8>>,
    open: HashMap<usize, String>,
    last: usize,
    /// An error for the next read or write.
    fault: Option<NtError>,
}

thread_local! {
    static DISK: RefCell<Disk> = RefCell::default();
}

fn disk<T>(of: impl FnOnce(&mut Disk) -> T) -> T {
    DISK.with_borrow_mut(of)
}

#[unsafe(no_mangle)]
extern "system" fn ZwCreateFile(
    handle: *mut *mut c_void,
    _access: u32,
    attributes: *const ObjectAttributes<'_>,
    status: *mut IoStatusBlock,
    _allocation_size: *const i64,
    file_attributes: u32,
    share: u32,
    disposition: u32,
    options: u32,
    extended_attributes: *mut c_void,
    extended_attributes_length: u32,
) -> NtStatus {
    assert_eq!((file_attributes, share, extended_attributes_length), (0x80, 1, 0));
    assert!(extended_attributes.is_null() && !status.is_null());
    assert_eq!(options, 0x60, "synchronous, and no directory");
    // SAFETY: all pointers are valid during the call.
    unsafe {
        assert_eq!((*attributes).length as usize, size_of::<ObjectAttributes<'_>>());
        assert_eq!((*attributes).attributes, 0x240, "a kernel handle");
        let name = (*(*attributes).object_name).to_string();
        disk(|disk| {
            let is_there = disk.files.contains_key(&name);
            match disposition {
                1 if !is_there => return STATUS_OBJECT_NAME_NOT_FOUND.status(),
                1 | 3 => {}
                5 => drop(disk.files.remove(&name)),
                _ => panic!("disposition {disposition}"),
            }
            disk.files.entry(name.clone()).or_default();
            disk.last += 4;
            disk.open.insert(disk.last, name);
            *handle = disk.last as *mut c_void;
            STATUS_SUCCESS
        })
    }
}

#[unsafe(no_mangle)]
extern "system" fn ZwClose(handle: *mut c_void) -> NtStatus {
    disk(|disk| disk.open.remove(&(handle as usize))).expect("the handle is open");
    STATUS_SUCCESS
}

fn transfer(
    handle: *mut c_void,
    offset: *const i64,
    status: *mut IoStatusBlock,
    of: impl FnOnce(&mut Vec<u8>, usize) -> Result<usize, NtError>,
) -> NtStatus {
    disk(|disk| {
        if let Some(fault) = disk.fault.take() {
            return fault.status();
        }
        let name = &disk.open[&(handle as usize)];
        let file = disk.files.get_mut(name).unwrap();
        // SAFETY: the pointers are valid during the call.
        match of(file, usize::try_from(unsafe { *offset }).unwrap()) {
            Ok(count) => {
                // SAFETY: as above.
                unsafe { (*status).information = count };
                STATUS_SUCCESS
            }
            Err(error) => error.status(),
        }
    })
}

#[unsafe(no_mangle)]
extern "system" fn ZwReadFile(
    handle: *mut c_void,
    _event: *mut c_void,
    _apc_routine: *mut c_void,
    _apc_context: *mut c_void,
    status: *mut IoStatusBlock,
    buffer: *mut u8,
    length: u32,
    offset: *const i64,
    _key: *const u32,
) -> NtStatus {
    transfer(handle, offset, status, |file, offset| {
        let rest = file.get(offset..).filter(|rest| !rest.is_empty()).ok_or(STATUS_END_OF_FILE)?;
        let count = rest.len().min(length as usize);
        // SAFETY: the buffer has this length.
        unsafe { ptr::copy_nonoverlapping(rest.as_ptr(), buffer, count) };
        Ok(count)
    })
}

#[unsafe(no_mangle)]
extern "system" fn ZwWriteFile(
    handle: *mut c_void,
    _event: *mut c_void,
    _apc_routine: *mut c_void,
    _apc_context: *mut c_void,
    status: *mut IoStatusBlock,
    buffer: *const u8,
    length: u32,
    offset: *const i64,
    _key: *const u32,
) -> NtStatus {
    transfer(handle, offset, status, |file, offset| {
        let end = offset + length as usize;
        file.resize(file.len().max(end), 0);
        // SAFETY: the buffer has this length.
        let bytes = unsafe { std::slice::from_raw_parts(buffer, length as usize) };
        file[offset..end].copy_from_slice(bytes);
        Ok(bytes.len())
    })
}

#[unsafe(no_mangle)]
extern "system" fn ZwQueryInformationFile(
    handle: *mut c_void,
    status: *mut IoStatusBlock,
    information: *mut c_void,
    length: u32,
    class: i32,
) -> NtStatus {
    assert_eq!((length, class), (24, 5));
    let name = disk(|disk| disk.open[&(handle as usize)].clone());
    let end = disk(|disk| disk.files[&name].len());
    // SAFETY: the pointers are valid during the call.
    unsafe {
        (*status).information = 24;
        (*information.cast::<FileStandardInformation>()).end_of_file = end as i64;
    }
    STATUS_SUCCESS
}

#[test]
fn what_is_written_to_a_file_is_read_from_it() {
    let path = unicode_string!(r"\SystemRoot\x.bin");
    let file = File::create(&path).unwrap();
    assert_eq!(file.write_at(2, b"abc"), Ok(3));
    assert_eq!(file.length(), Ok(5));
    let mut buffer = [9; 8];
    assert_eq!(file.read_at(1, &mut buffer), Ok(4));
    assert_eq!(&buffer, b"\0abc\x09\x09\x09\x09");
    assert_eq!(file.read_at(5, &mut buffer), Ok(0));
    drop(file);
    assert_eq!(disk(|disk| disk.open.len()), 0, "the handle is closed");
    assert_eq!(File::open(&path).unwrap().length(), Ok(5));
    assert_eq!(File::open_or_create(&path).unwrap().length(), Ok(5));
    assert_eq!(File::create(&path).unwrap().length(), Ok(0));
}

#[test]
fn a_fault_of_the_disk_is_an_error_and_the_handle_is_closed() {
    let path = unicode_string!(r"\SystemRoot\x.bin");
    let file = File::open_or_create(&path).unwrap();
    for fault in [STATUS_INSUFFICIENT_RESOURCES, STATUS_ACCESS_DENIED] {
        disk(|disk| disk.fault = Some(fault));
        assert_eq!(file.write_at(0, b"a"), Err(fault));
        disk(|disk| disk.fault = Some(fault));
        assert_eq!(file.read_at(0, &mut [0]), Err(fault));
    }
    drop(file);
    assert_eq!(disk(|disk| disk.open.len()), 0);
    let missing = File::open(&unicode_string!(r"\SystemRoot\none")).map(|_| ());
    assert_eq!(missing, Err(STATUS_OBJECT_NAME_NOT_FOUND));
}

#[test]
fn an_offset_that_means_something_else_to_the_kernel_is_refused() {
    let file = File::create(&unicode_string!(r"\SystemRoot\x.bin")).unwrap();
    // FILE_WRITE_TO_END_OF_FILE and FILE_USE_FILE_POINTER_POSITION.
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        assert_eq!(file.write_at(offset, b"a"), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(file.read_at(offset, &mut [0]), Err(STATUS_INVALID_PARAMETER));
    }
}

#[test]
fn a_handle_that_is_given_up_is_not_closed() {
    let file = File::create(&unicode_string!(r"\SystemRoot\x.bin")).unwrap();
    // SAFETY: the file's handle is given up below.
    let handle = unsafe { Handle::from_raw(file.handle().as_raw()) };
    assert_eq!(handle.into_raw(), file.handle().as_raw());
    assert_eq!(disk(|disk| disk.open.len()), 1);
}

/// An object that counts its references.
#[repr(C)]
struct Counted {
    references: AtomicI32,
}

thread_local! {
    /// The objects of the current process's handles.
    static HANDLES: RefCell<HashMap<usize, usize>> = RefCell::default();
}

#[unsafe(no_mangle)]
extern "system" fn ObReferenceObjectByHandle(
    handle: *mut c_void,
    access: u32,
    _kind: *mut c_void,
    mode: i8,
    object: *mut *mut c_void,
    information: *mut c_void,
) -> NtStatus {
    assert!(information.is_null());
    assert_eq!(mode == 0, access == 0, "the access of a program is checked");
    let Some(found) = HANDLES.with_borrow(|handles| handles.get(&(handle as usize)).copied())
    else {
        return STATUS_INVALID_HANDLE.status();
    };
    let found = found as *mut c_void;
    ObfReferenceObject(found);
    // SAFETY: the pointer is valid during the call.
    unsafe { *object = found };
    STATUS_SUCCESS
}

#[unsafe(no_mangle)]
extern "system" fn ObfReferenceObject(object: *mut c_void) -> isize {
    // SAFETY: the objects of the tests begin with their count, or with type and size in its place.
    unsafe { (*object.cast::<Counted>()).references.fetch_add(1, Ordering::SeqCst) as isize + 1 }
}

#[unsafe(no_mangle)]
extern "system" fn ObfDereferenceObject(object: *mut c_void) {
    // SAFETY: as above.
    unsafe { (*object.cast::<Counted>()).references.fetch_sub(1, Ordering::SeqCst) };
}

#[test]
fn each_reference_to_an_object_is_released_once() {
    let counted = Box::leak(Box::new(Counted { references: AtomicI32::new(1) }));
    let address = (&raw mut *counted).cast::<c_void>();
    HANDLES.with_borrow_mut(|handles| handles.insert(0x44, address as usize));
    let count = || {
        // SAFETY: it exists for ever.
        unsafe { (*address.cast::<Counted>()).references.load(Ordering::SeqCst) }
    };
    // SAFETY: it is given up below.
    let handle = unsafe { Handle::from_raw(0x44 as *mut c_void) };
    let first = Object::of_handle(&handle, ObjectType::File).unwrap();
    let second = first.clone();
    let third = Object::of_program_handle(0x44, ObjectType::Event, 2).unwrap();
    assert_eq!((first.as_ptr(), count()), (address, 4));
    drop((first, third));
    assert_eq!(count(), 2);
    drop(second);
    assert_eq!(count(), 1);
    let _ = handle.into_raw();
    let none = Object::of_program_handle(0x48, ObjectType::Event, 2).map(|_| ());
    assert_eq!(none, Err(STATUS_INVALID_HANDLE));
}
