//! A driver that puts the building blocks to use in a kernel, and logs what came of it.

#![no_std]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{boxed::Box, format};
use core::ffi::c_void;
use core::hint::black_box;
use core::ptr;

use kernel::lock::SpinLock;
use kernel::nt::status::STATUS_SUCCESS;
use kernel::{error, log, unicode_string};
use kernel::{DriverObject, NtError, NtStatus, UnicodeString};

kernel::driver! {
    entry: driver_entry,
    start: start,
    pool_tag: *b"Prov",
    log_component: IhvDriver,
    log_level: Info,
}

fn start(driver: &mut DriverObject, _registry_path: &UnicodeString<'_>) -> Result<(), NtError> {
    driver.driver_unload = Some(unload);
    collections();
    alignment();
    lock();
    strings();
    arithmetic();
    #[cfg(not(target_arch = "x86"))]
    floating_point();
    lines();
    Ok(())
}

unsafe extern "system" fn unload(_driver: *mut DriverObject) {}

fn collections() {
    let mut words: Vec<String> = (0..1000_u32).map(|number| number.to_string()).collect();
    words.retain(|word| word.len() == 3);
    words.shrink_to_fit();
    let sum: u64 = words.iter().map(|word| word.parse::<u64>().unwrap()).sum();
    let mut map: BTreeMap<u32, Box<str>> = BTreeMap::new();
    for key in 0..100 {
        map.insert(key, "x".repeat(3).into());
    }
    words.sort_unstable_by_key(|word| word.parse::<u32>().ok());
    let zeroed = alloc::vec![0_u8; 100_000];
    let found = words.binary_search(&black_box("500").to_string());
    log!(
        "collections: {sum} {found:?} {} {}",
        map[&99],
        zeroed.iter().all(|byte| *byte == 0)
    );
}

#[repr(align(256))]
struct Block(u8);

#[repr(align(64))]
struct Line(u64);

fn alignment() {
    let blocks: Vec<Box<Block>> = (0..8).map(|fill| Box::new(Block(fill))).collect();
    let lines: Vec<Line> = (0..100).map(Line).collect();
    let blocks_are = blocks.iter().enumerate().all(|(fill, block)| {
        ptr::from_ref(&**block) as usize % 256 == 0 && usize::from(block.0) == fill
    });
    let lines_are = lines.as_ptr() as usize % 64 == 0 && lines.iter().map(|line| line.0).sum::<u64>() == 4950;
    log!("alignment: {blocks_are} {lines_are}");
}

const TURNS: u32 = 200_000;
static COUNT: SpinLock<(u32, u32)> = SpinLock::new((0, 0));

unsafe extern "system" fn count(_context: *mut c_void) {
    for _ in 0..TURNS {
        let mut count = COUNT.lock();
        // Read, and written some time later: a second one in between would be lost.
        let (first, second) = *count;
        count.0 = black_box(first) + 1;
        count.1 = black_box(second) + 1;
    }
    // SAFETY: this is a thread of its own.
    let _ = unsafe { PsTerminateSystemThread(STATUS_SUCCESS) };
}

fn lock() {
    const ALL_ACCESS: u32 = 0x1F_FFFF;
    let mut threads = [ptr::null_mut(); 3];
    for thread in &mut threads {
        // SAFETY: `count` is a thread's function, and the thread is waited for.
        let made = unsafe {
            PsCreateSystemThread(
                thread,
                ALL_ACCESS,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                count,
                ptr::null_mut(),
            )
        };
        assert_eq!(made, STATUS_SUCCESS);
    }
    for thread in threads {
        // SAFETY: the handle is open.
        let waited = unsafe { ZwWaitForSingleObject(thread, 0, ptr::null()) };
        assert_eq!(waited, STATUS_SUCCESS);
    }
    log!("lock: {:?} of {}", *COUNT.lock(), TURNS * 3);
}

fn strings() {
    let kernels = unicode_string!("Grüße 😀");
    let text: Vec<u16> = "grüße 😀".encode_utf16().collect();
    let own = UnicodeString::from_units(&text).unwrap();
    // SAFETY: both outlive the calls.
    let (same, folded) = unsafe {
        (
            RtlEqualUnicodeString(&raw const kernels, &raw const own, 0),
            RtlEqualUnicodeString(&raw const kernels, &raw const own, 1),
        )
    };
    log!("strings: {same} {folded} {kernels}");
}

fn arithmetic() {
    let (dividend, divisor) = (black_box(u64::MAX - 5), black_box(1_000_000_007_u64));
    let (negative, wide) = (black_box(i64::MIN + 1), black_box(u128::MAX / 3));
    log!(
        "arithmetic: {} {} {} {} {}",
        dividend / divisor,
        dividend % divisor,
        negative / 10_007,
        negative % 10_007,
        wide,
    );
}

/// Drivers for x86 are compiled without floating point.
#[cfg(not(target_arch = "x86"))]
fn floating_point() {
    log!(
        "floating point: {:.3} {} {}",
        black_box(2.5_f64) / 3.0,
        black_box(7.5_f64) % black_box(2.0),
        black_box(-7.5_f32) % black_box(2.0),
    );
}

fn lines() {
    log!("%s%n%d%x 100%");
    log!("{}", "%s%s%s%s%s%s%s%s%n");
    log!("before\0after");
    log!("{}", "x".repeat(1000));
    log!("{}", "é".repeat(400));
    log!("a{}", "é".repeat(400));
    log!("{}{}", "y".repeat(490), "😀");
    error!("error");
    let status = NtStatus::new(0xC000_0022);
    log!("{}", format!("{status:?}"));
}

kernel::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn PsCreateSystemThread(
            thread: *mut *mut c_void,
            access: u32,
            attributes: *mut c_void,
            process: *mut c_void,
            client: *mut c_void,
            start: unsafe extern "system" fn(*mut c_void),
            context: *mut c_void,
        ) -> NtStatus;
        fn PsTerminateSystemThread(status: NtStatus) -> NtStatus;
        fn RtlEqualUnicodeString(
            left: *const UnicodeString<'_>,
            right: *const UnicodeString<'_>,
            case_insensitive: u8,
        ) -> u8;
        fn ZwWaitForSingleObject(handle: *mut c_void, alertable: u8, timeout: *const i64) -> NtStatus;
    }
}
