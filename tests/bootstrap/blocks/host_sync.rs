//! Tests of the blocks for settings, time, DPCs and notifications without a kernel, on the machine that
//! builds.
//!
//! The functions of the kernel are defined here: Wine's kernel runs no DPCs, does not notify of
//! processes and threads, and its registry has only well-formed values.

#![allow(dead_code, unused_imports)] // a driver uses only a part of what is tested here

/// In place of the crate's own macro: the tests define the functions.
#[macro_export]
macro_rules! import {
    ($library:literal, $(#[$attribute:meta])* extern $abi:literal { $($functions:tt)* }) => {
        unsafe extern "system" { $($functions)* }
    };
}

mod allocator;
mod dpc;
mod handle;
mod irql;
mod notify;
mod nt;
mod registry;
mod shared;
mod string;
mod time;
mod timer;
mod wait;

pub use nt::{NtError, NtStatus, UnicodeString};

mod request {
    /// The type in the signature of a dispatch routine, which nothing here calls.
    #[repr(transparent)]
    pub struct Dispatched(crate::NtStatus);
}

mod functions {
    use std::alloc::{alloc, dealloc, Layout};
    use std::cell::{Cell, RefCell};
    use std::ffi::c_void;
    use std::mem;
    use std::ptr;

    use crate::nt::dispatcher::{KDeferredRoutine, KDpc, KTimer};
    use crate::nt::notify::{ImageInfo, PsCreateNotifyInfo};
    use crate::nt::object_attributes::ObjectAttributes;
    use crate::nt::status::*;
    use crate::nt::{NtStatus, UnicodeString};

    /// The type of a value whose answer claims a byte more than there is.
    pub const TOO_LONG: u32 = 99;
    /// What is in front of the memory: its size. The pool aligns for two pointers.
    const HEAD: usize = 16;

    thread_local! {
        pub static IN_USE: Cell<usize> = const { Cell::new(0) };
        pub static QUEUE: RefCell<Vec<*mut KDpc>> = const { RefCell::new(Vec::new()) };
        pub static TIMER: Cell<(i64, i32, *mut KDpc)> = const { Cell::new((0, 0, ptr::null_mut())) };
        /// Type and data of each value, whatever its name; the second one replaces the first after a query.
        pub static VALUES: RefCell<Vec<(u32, Vec<u8>)>> = const { RefCell::new(Vec::new()) };
        pub static PROCESS: Cell<Option<unsafe extern "system" fn(usize, usize, u8)>> = const { Cell::new(None) };
        pub static PROCESS_EX: Cell<Option<unsafe extern "system" fn(*mut c_void, usize, *mut PsCreateNotifyInfo)>> = const { Cell::new(None) };
        pub static THREAD: Cell<Option<unsafe extern "system" fn(usize, usize, u8)>> = const { Cell::new(None) };
        pub static IMAGE: Cell<Option<unsafe extern "system" fn(*const UnicodeString<'static>, usize, *const ImageInfo)>> = const { Cell::new(None) };
    }

    #[unsafe(no_mangle)]
    extern "system" fn ExAllocatePoolWithTag(_pool: i32, size: usize, _tag: u32) -> *mut c_void {
        let layout = Layout::from_size_align(size + HEAD, 16).unwrap();
        IN_USE.set(IN_USE.get() + 1);
        unsafe {
            let memory = alloc(layout);
            memory.cast::<usize>().write(size);
            memory.add(HEAD).write_bytes(0xAA, size);
            memory.add(HEAD).cast()
        }
    }

    #[unsafe(no_mangle)]
    extern "system" fn ExFreePoolWithTag(memory: *mut c_void, _tag: u32) {
        IN_USE.set(IN_USE.get() - 1);
        unsafe {
            let memory = memory.cast::<u8>().sub(HEAD);
            let size = memory.cast::<usize>().read();
            memory.add(HEAD).write_bytes(0xDD, size);
            dealloc(memory, Layout::from_size_align(size + HEAD, 16).unwrap());
        }
    }

    #[unsafe(no_mangle)]
    extern "system" fn MmGetSystemRoutineAddress(_name: *const c_void) -> *mut c_void {
        ptr::null_mut()
    }

    #[unsafe(no_mangle)]
    unsafe extern "system" fn KeInitializeDpc(
        dpc: *mut KDpc,
        routine: KDeferredRoutine,
        context: *mut c_void,
    ) {
        unsafe {
            dpc.write(mem::zeroed());
            (*dpc).deferred_routine = Some(routine);
            (*dpc).deferred_context = context;
        }
    }

    #[unsafe(no_mangle)]
    extern "system" fn KeInsertQueueDpc(
        dpc: *mut KDpc,
        _first: *mut c_void,
        _second: *mut c_void,
    ) -> u8 {
        QUEUE.with_borrow_mut(|queue| {
            let is_new = !queue.contains(&dpc);
            if is_new {
                queue.push(dpc);
            }
            is_new.into()
        })
    }

    #[unsafe(no_mangle)]
    extern "system" fn KeRemoveQueueDpc(dpc: *mut KDpc) -> u8 {
        QUEUE.with_borrow_mut(|queue| {
            let before = queue.len();
            queue.retain(|each| *each != dpc);
            (queue.len() < before).into()
        })
    }

    /// Runs all DPCs.
    #[unsafe(no_mangle)]
    pub extern "system" fn KeFlushQueuedDpcs() {
        for dpc in QUEUE.take() {
            unsafe {
                ((*dpc).deferred_routine.unwrap())(
                    dpc,
                    (*dpc).deferred_context,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
        }
    }

    #[unsafe(no_mangle)]
    extern "system" fn KeInitializeTimerEx(_timer: *mut KTimer, _kind: i32) {}

    #[unsafe(no_mangle)]
    extern "system" fn KeSetTimerEx(
        _timer: *mut KTimer,
        due: i64,
        period: i32,
        dpc: *mut KDpc,
    ) -> u8 {
        TIMER.set((due, period, dpc));
        0
    }

    #[unsafe(no_mangle)]
    extern "system" fn KeCancelTimer(_timer: *mut KTimer) -> u8 {
        TIMER.set((0, 0, ptr::null_mut()));
        1
    }

    #[unsafe(no_mangle)]
    extern "system" fn KeQueryInterruptTime() -> u64 {
        0
    }
    #[unsafe(no_mangle)]
    extern "system" fn KeQuerySystemTime(_time: *mut u64) {}
    #[unsafe(no_mangle)]
    extern "system" fn KeDelayExecutionThread() {}
    #[unsafe(no_mangle)]
    extern "system" fn KeWaitForMultipleObjects() {}
    #[unsafe(no_mangle)]
    extern "system" fn KeWaitForSingleObject() {}
    #[unsafe(no_mangle)]
    extern "system" fn ZwClose(_handle: *mut c_void) -> NtStatus {
        STATUS_SUCCESS
    }
    #[unsafe(no_mangle)]
    extern "system" fn ZwCreateKey() {}
    #[unsafe(no_mangle)]
    extern "system" fn ZwDeleteValueKey() {}

    #[unsafe(no_mangle)]
    extern "system" fn ZwOpenKey(
        handle: *mut *mut c_void,
        _access: u32,
        attributes: *const ObjectAttributes<'_>,
    ) -> NtStatus {
        unsafe {
            assert_eq!(
                (*attributes).length as usize,
                mem::size_of::<ObjectAttributes<'_>>()
            );
            handle.write(ptr::without_provenance_mut(4));
        }
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn ZwQueryValueKey(
        _key: *mut c_void,
        _name: *const UnicodeString<'_>,
        class: i32,
        information: *mut c_void,
        length: u32,
        result_length: *mut u32,
    ) -> NtStatus {
        assert_eq!(class, 2);
        VALUES.with_borrow_mut(|values| {
            let (kind, data) = values[0].clone();
            if values.len() > 1 {
                values.remove(0);
            }
            let mut answer = [0, kind, data.len() as u32].map(u32::to_le_bytes).concat();
            answer.extend(data);
            if kind == TOO_LONG {
                answer[8] += 1;
            }
            let fits = answer.len().min(length as usize);
            unsafe {
                result_length.write(answer.len() as u32);
                ptr::copy_nonoverlapping(answer.as_ptr(), information.cast(), fits);
            }
            match fits {
                _ if fits == answer.len() => STATUS_SUCCESS,
                0..12 => STATUS_BUFFER_TOO_SMALL.status(),
                _ => STATUS_BUFFER_OVERFLOW.status(),
            }
        })
    }

    #[unsafe(no_mangle)]
    extern "system" fn ZwSetValueKey(
        _key: *mut c_void,
        _name: *const UnicodeString<'_>,
        _title_index: u32,
        value_type: u32,
        data: *const u8,
        length: u32,
    ) -> NtStatus {
        let data = unsafe { std::slice::from_raw_parts(data, length as usize) }.to_vec();
        VALUES.set(vec![(value_type, data)]);
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn PsSetCreateProcessNotifyRoutine(
        routine: unsafe extern "system" fn(usize, usize, u8),
        remove: u8,
    ) -> NtStatus {
        let before = PROCESS.replace((remove == 0).then_some(routine));
        assert_eq!(before.map(|it| it as usize), (remove != 0).then_some(routine as usize));
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn PsSetCreateProcessNotifyRoutineEx(
        routine: unsafe extern "system" fn(*mut c_void, usize, *mut PsCreateNotifyInfo),
        remove: u8,
    ) -> NtStatus {
        let before = PROCESS_EX.replace((remove == 0).then_some(routine));
        assert_eq!(before.map(|it| it as usize), (remove != 0).then_some(routine as usize));
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn PsSetCreateThreadNotifyRoutine(
        routine: unsafe extern "system" fn(usize, usize, u8),
    ) -> NtStatus {
        THREAD.set(Some(routine));
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn PsRemoveCreateThreadNotifyRoutine(
        routine: unsafe extern "system" fn(usize, usize, u8),
    ) -> NtStatus {
        let registered = THREAD.take().unwrap();
        assert_eq!(registered as usize, routine as usize);
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn PsSetLoadImageNotifyRoutine(
        routine: unsafe extern "system" fn(*const UnicodeString<'static>, usize, *const ImageInfo),
    ) -> NtStatus {
        IMAGE.set(Some(routine));
        STATUS_SUCCESS
    }

    #[unsafe(no_mangle)]
    extern "system" fn PsRemoveLoadImageNotifyRoutine(
        routine: unsafe extern "system" fn(*const UnicodeString<'static>, usize, *const ImageInfo),
    ) -> NtStatus {
        let registered = IMAGE.take().unwrap();
        assert_eq!(registered as usize, routine as usize);
        STATUS_SUCCESS
    }
}

mod memory {
    use std::sync::Arc;

    use crate::functions::IN_USE;
    use crate::shared::{Pooled, Shared};

    #[test]
    fn the_last_owner_drops_the_value_and_frees_the_memory() {
        let counted = Arc::new(());
        let first = Shared::new(counted.clone()).unwrap();
        let second = first.clone();
        assert_eq!(IN_USE.get(), 1);
        drop(first);
        assert_eq!(Arc::strong_count(&second), 2);
        drop(second);
        assert_eq!((Arc::strong_count(&counted), IN_USE.get()), (1, 0));
    }

    #[test]
    fn a_value_that_is_moved_out_is_not_dropped() {
        let counted = Arc::new(());
        let value = Pooled::new(counted.clone()).unwrap().into_inner();
        assert_eq!((Arc::strong_count(&counted), IN_USE.get()), (2, 0));
        drop(value);
    }
}

mod clock {
    use std::time::Duration;

    use crate::time::{Calendar, SystemTime};
    use crate::timer::milliseconds;
    use crate::wait::{relative, ticks};

    #[test]
    fn every_day_of_five_centuries_has_its_date() {
        let is_leap = |year: u32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut day = 0_u64;
        for year in 1601..2101 {
            for (month, length) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
                .iter()
                .enumerate()
            {
                let length = length + u8::from(month == 1 && is_leap(year));
                for date in 1..=length {
                    let calendar = SystemTime::from_ticks(day * 864_000_000_000).utc();
                    assert_eq!(
                        (calendar.year, calendar.month, calendar.day),
                        (year, month as u8 + 1, date)
                    );
                    assert_eq!((calendar.hour, calendar.minute, calendar.second), (0, 0, 0));
                    day += 1;
                }
            }
        }
    }

    #[test]
    fn times_are_written_as_in_iso_8601() {
        // `date -ud 2026-11-27T09:05:07Z +%s` prints 1795770307.
        let time =
            SystemTime::from_ticks((11_644_473_600 + 1_795_770_307) * 10_000_000 + 2_509_999);
        assert_eq!(time.to_string(), "2026-11-27T09:05:07.250Z");
        assert_eq!(time.utc().nanosecond, 250_999_900);
        assert_eq!(
            time.since_1970(),
            Some(Duration::new(1_795_770_307, 250_999_900))
        );
        assert_eq!(
            SystemTime::from_ticks(0).to_string(),
            "1601-01-01T00:00:00.000Z"
        );
        assert_eq!(SystemTime::from_ticks(0).since_1970(), None);
        assert_eq!(SystemTime::from_ticks(u64::MAX).utc().year, 60056);
        assert_eq!(
            SystemTime::from_ticks(5).since(SystemTime::from_ticks(6)),
            None
        );
        assert_eq!(
            SystemTime::from_ticks(6).since(SystemTime::from_ticks(5)),
            Some(Duration::from_nanos(100))
        );
    }

    #[test]
    fn limits_are_rounded_up_and_saturate() {
        assert_eq!(ticks(Duration::ZERO), 0);
        assert_eq!(ticks(Duration::from_nanos(1)), 1);
        assert_eq!(ticks(Duration::from_nanos(100)), 1);
        assert_eq!(ticks(Duration::from_nanos(101)), 2);
        assert_eq!(ticks(Duration::new(3, 999_999_999)), 40_000_000);
        assert_eq!(relative(Duration::from_millis(5)), -50_000);
        assert_eq!(ticks(Duration::MAX), i64::MAX);
        assert_eq!(
            ticks(Duration::from_secs(i64::MAX as u64 / 10_000_000)),
            i64::MAX / 10_000_000 * 10_000_000
        );
        assert_eq!(
            ticks(Duration::from_secs(i64::MAX as u64 / 10_000_000 + 1)),
            i64::MAX
        );
    }

    #[test]
    fn periods_are_whole_milliseconds_and_never_zero() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_micros(1001)), 2);
        assert_eq!(milliseconds(Duration::from_secs(2)), 2000);
        assert_eq!(milliseconds(Duration::MAX), i32::MAX);
    }
}

mod calls {
    use std::cell::Cell;
    use std::ptr;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::Arc;
    use std::time::Duration;

    use crate::dpc::{Dpc, DpcTimer};
    use crate::functions::{KeFlushQueuedDpcs, IN_USE, QUEUE, TIMER};

    fn counter() -> (Arc<AtomicU32>, impl Fn() + Send + Sync) {
        let count = Arc::new(AtomicU32::new(0));
        let theirs = count.clone();
        (count, move || {
            theirs.fetch_add(1, Ordering::Relaxed);
        })
    }

    #[test]
    fn a_dpc_calls_its_function_and_is_removed_when_it_is_dropped() {
        let (count, routine) = counter();
        let dpc = Dpc::new(routine).unwrap();
        dpc.queue();
        dpc.queue();
        KeFlushQueuedDpcs();
        assert_eq!(count.load(Ordering::Relaxed), 1);
        dpc.queue();
        drop(dpc);
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!((Arc::strong_count(&count), IN_USE.get()), (1, 0));
    }

    #[test]
    fn a_timer_is_cancelled_and_dpcs_are_flushed_before_its_memory_is_freed() {
        let (count, routine) = counter();
        let timer = DpcTimer::new(routine).unwrap();
        timer.start(Duration::from_millis(2));
        assert_eq!((TIMER.get().0, TIMER.get().1), (-20_000, 0));
        timer.start_periodic(Duration::from_millis(7));
        let (due, period, dpc) = TIMER.get();
        assert_eq!((due, period), (-70_000, 7));
        let (others, other) = counter();
        let other = Dpc::new(other).unwrap();
        other.queue();
        QUEUE.with_borrow_mut(|queue| queue.push(dpc));
        KeFlushQueuedDpcs();
        assert_eq!(count.load(Ordering::Relaxed), 1);
        other.queue();
        drop(timer);
        assert!(TIMER.get().2.is_null());
        assert_eq!(others.load(Ordering::Relaxed), 2, "the flush runs all DPCs");
        drop(other);
        assert_eq!((Arc::strong_count(&count), IN_USE.get()), (1, 0));
    }
}

mod settings {
    use crate::functions::{IN_USE, TOO_LONG, VALUES};
    use crate::nt::registry::*;
    use crate::nt::status::*;
    use crate::nt::NtError;
    use crate::registry::{Key, Value};
    use crate::{unicode_string, wide};

    fn value(kind: u32, data: &[u8]) -> Value {
        VALUES.set(vec![(kind, data.to_vec())]);
        key().query(&unicode_string!("Name"), 100).unwrap()
    }

    fn key() -> Key {
        Key::open(&unicode_string!("\\Registry\\Key")).unwrap()
    }

    fn bytes(units: &[u16]) -> Vec<u8> {
        units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
    }

    #[test]
    fn a_number_has_exactly_its_size() {
        assert_eq!(value(REG_DWORD, &[1, 2, 0, 0]).dword(), Ok(0x201));
        assert_eq!(
            value(REG_DWORD, &[1, 2, 0]).dword(),
            Err(STATUS_INVALID_BUFFER_SIZE)
        );
        assert_eq!(
            value(REG_DWORD, &[0; 8]).dword(),
            Err(STATUS_INVALID_BUFFER_SIZE)
        );
        assert_eq!(
            value(REG_DWORD, &[]).dword(),
            Err(STATUS_INVALID_BUFFER_SIZE)
        );
        assert_eq!(
            value(REG_QWORD, &[0; 8]).dword(),
            Err(STATUS_OBJECT_TYPE_MISMATCH)
        );
        assert_eq!(
            value(REG_QWORD, &[0, 0, 0, 0, 0, 1, 0, 0]).qword(),
            Ok(1 << 40)
        );
        assert_eq!(
            value(REG_QWORD, &[0; 4]).qword(),
            Err(STATUS_INVALID_BUFFER_SIZE)
        );
    }

    #[test]
    fn text_needs_no_nul_and_ends_at_the_first_one() {
        assert_eq!(
            value(REG_SZ, &bytes(wide!("ab"))).string().unwrap(),
            wide!("ab")
        );
        assert_eq!(
            value(REG_SZ, &bytes(wide!("ab\0"))).string().unwrap(),
            wide!("ab")
        );
        assert_eq!(
            value(REG_EXPAND_SZ, &bytes(wide!("a\0b\0")))
                .string()
                .unwrap(),
            wide!("a")
        );
        assert_eq!(value(REG_SZ, &[]).string().unwrap(), wide!(""));
        assert_eq!(
            value(REG_SZ, &bytes(wide!("\0"))).string().unwrap(),
            wide!("")
        );
        assert_eq!(
            value(REG_SZ, &[65, 0, 66]).string(),
            Err(STATUS_INVALID_BUFFER_SIZE)
        );
        assert_eq!(
            value(REG_MULTI_SZ, &[]).string(),
            Err(STATUS_OBJECT_TYPE_MISMATCH)
        );
    }

    #[test]
    fn a_list_of_texts_ends_at_an_empty_one_or_at_its_end() {
        let list = |units: &[u16]| -> Vec<Vec<u16>> {
            let value = value(REG_MULTI_SZ, &bytes(units));
            let texts = value.strings().unwrap();
            texts.map(<[u16]>::to_vec).collect()
        };
        assert_eq!(
            list(wide!("a\0bc\0\0")),
            [wide!("a").to_vec(), wide!("bc").to_vec()]
        );
        assert_eq!(
            list(wide!("a\0bc")),
            [wide!("a").to_vec(), wide!("bc").to_vec()]
        );
        assert_eq!(list(wide!("a\0\0b\0\0")), [wide!("a").to_vec()]);
        assert!(list(wide!("\0\0")).is_empty());
        assert!(list(wide!("")).is_empty());
        assert!(value(REG_MULTI_SZ, &[65]).strings().is_err());
    }

    #[test]
    fn a_value_of_more_bytes_than_the_limit_is_an_error() {
        let query = |limit| key().query(&unicode_string!("Name"), limit).err();
        VALUES.set(vec![(REG_BINARY, vec![1; 10])]);
        assert_eq!(query(10), None);
        assert_eq!(query(9), Some(STATUS_BUFFER_OVERFLOW));
        assert_eq!(query(0), Some(STATUS_BUFFER_OVERFLOW));
        assert_eq!(query(usize::MAX), Some(STATUS_INVALID_PARAMETER));
        VALUES.set(vec![(REG_BINARY, vec![1; 10]), (TOO_LONG, vec![1; 10])]);
        assert_eq!(query(10), Some(STATUS_BUFFER_OVERFLOW));
        // It grows or shrinks between two calls.
        VALUES.set(vec![(REG_BINARY, vec![1; 4]), (REG_BINARY, vec![1; 10])]);
        assert_eq!(query(100), Some(STATUS_BUFFER_OVERFLOW));
        VALUES.set(vec![(REG_BINARY, vec![1; 10]), (REG_SZ, vec![2; 4])]);
        let shorter = key().query(&unicode_string!("Name"), 100).unwrap();
        assert_eq!((shorter.kind(), shorter.data()), (REG_SZ, &[2; 4][..]));
        drop(shorter);
        assert_eq!(IN_USE.get(), 0);
    }

    #[test]
    fn a_key_that_was_opened_for_reading_refuses_writes() {
        // As Windows does, the kernel here would carry them out.
        let (name, denied) = (unicode_string!("Name"), Err(STATUS_ACCESS_DENIED));
        let key = key();
        assert_eq!(key.set_dword(&name, 1), denied);
        assert_eq!(key.set_string(&name, wide!("a")), denied);
        assert_eq!(key.delete(&name), denied);
        assert!(matches!(key.create_subkey(&name), Err(STATUS_ACCESS_DENIED)));
        let below = key.open_subkey(&name).unwrap();
        assert_eq!(below.set_binary(&name, &[1]), denied);
        assert!(VALUES.take().is_empty());
    }

    #[test]
    fn written_texts_end_with_a_nul_and_lists_with_two() {
        let key = Key::open_writable(&unicode_string!("\\Registry\\Key")).unwrap();
        let name = unicode_string!("Name");
        key.set_string(&name, wide!("ab")).unwrap();
        assert_eq!(VALUES.take(), [(REG_SZ, bytes(wide!("ab\0")))]);
        key.set_string(&name, &[]).unwrap();
        assert_eq!(VALUES.take(), [(REG_SZ, bytes(wide!("\0")))]);
        key.set_multi_string(&name, &[wide!("a"), wide!("bc")])
            .unwrap();
        assert_eq!(VALUES.take(), [(REG_MULTI_SZ, bytes(wide!("a\0bc\0\0")))]);
        key.set_multi_string(&name, &[]).unwrap();
        assert_eq!(VALUES.take(), [(REG_MULTI_SZ, bytes(wide!("\0")))]);
        assert_eq!(
            key.set_string(&name, &[65, 0]),
            Err(STATUS_INVALID_PARAMETER)
        );
        assert_eq!(
            key.set_multi_string(&name, &[&[]]),
            Err(STATUS_INVALID_PARAMETER)
        );
    }
}

mod notifications {
    use std::cell::RefCell;
    use std::ptr;

    use crate::functions::{IMAGE, PROCESS, PROCESS_EX, THREAD};
    use crate::notify::*;
    use crate::nt::notify::{ClientId, ImageInfo, PsCreateNotifyInfo};
    use crate::nt::status::{STATUS_ACCESS_DENIED, STATUS_SUCCESS};
    use crate::nt::{NtError, NtStatus, UnicodeString};
    use crate::unicode_string;

    thread_local! {
        static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    struct Log;

    fn log(text: String) {
        CALLS.with_borrow_mut(|calls| calls.push(text));
    }

    impl OnProcess for Log {
        fn created(id: usize, parent: usize) {
            log(format!("created {id} {parent}"));
        }
        fn exited(id: usize) {
            log(format!("exited {id}"));
        }
    }

    impl OnProcessEx for Log {
        fn creating(process: &NewProcess<'_>) -> Result<(), NtError> {
            let ids = (process.id(), process.parent(), process.creator());
            let image = process.image().map(ToString::to_string);
            let command = process.command_line().map(ToString::to_string);
            log(format!("{ids:?} {image:?} {command:?}"));
            command.map(|_| ()).ok_or(STATUS_ACCESS_DENIED)
        }
        fn exited(id: usize) {
            log(format!("exited {id}"));
        }
    }

    impl OnThread for Log {
        fn created(id: usize, process: usize) {
            log(format!("created {id} {process}"));
        }
        fn exited(id: usize, process: usize) {
            log(format!("exited {id} {process}"));
        }
    }

    impl OnImage for Log {
        fn loaded(image: &LoadedImage<'_>) {
            let place = (image.base(), image.size(), image.is_system());
            log(format!("{:?} {} {place:?}", image.name(), image.process()));
        }
    }

    #[test]
    fn processes_are_reported_until_the_registration_is_dropped() {
        let registration = Processes::<Log>::register().unwrap();
        let routine = PROCESS.get().unwrap();
        unsafe { routine(4, 8, 1) };
        unsafe { routine(4, 8, 0) };
        drop(registration);
        assert!(PROCESS.get().is_none());
        assert_eq!(CALLS.take(), ["created 8 4", "exited 8"]);
    }

    #[test]
    fn a_new_process_is_refused_by_an_error() {
        let registration = ProcessesEx::<Log>::register().unwrap();
        let routine = PROCESS_EX.get().unwrap();
        let (image, command) = (unicode_string!("\\a.exe"), unicode_string!("a -b"));
        let mut information = PsCreateNotifyInfo {
            size: size_of::<PsCreateNotifyInfo>(),
            flags: 0,
            parent_process_id: 4,
            creating_thread_id: ClientId {
                unique_process: 12,
                unique_thread: 16,
            },
            file_object: ptr::null_mut(),
            image_file_name: &image,
            command_line: &command,
            creation_status: STATUS_SUCCESS,
        };
        unsafe { routine(ptr::null_mut(), 8, &mut information) };
        assert_eq!(information.creation_status, STATUS_SUCCESS);
        information.command_line = ptr::null();
        unsafe { routine(ptr::null_mut(), 8, &mut information) };
        assert_eq!(information.creation_status, STATUS_ACCESS_DENIED);
        unsafe { routine(ptr::null_mut(), 8, ptr::null_mut()) };
        drop(registration);
        assert!(PROCESS_EX.get().is_none());
        let first = r#"(8, 4, 12) Some("\\a.exe") Some("a -b")"#;
        assert_eq!(
            CALLS.take(),
            [first, r#"(8, 4, 12) Some("\\a.exe") None"#, "exited 8"]
        );
    }

    #[test]
    fn threads_are_reported_until_the_registration_is_dropped() {
        let registration = Threads::<Log>::register().unwrap();
        let routine = THREAD.get().unwrap();
        unsafe { routine(4, 8, 1) };
        unsafe { routine(4, 8, 0) };
        drop(registration);
        assert!(THREAD.get().is_none());
        assert_eq!(CALLS.take(), ["created 8 4", "exited 8 4"]);
    }

    #[test]
    fn images_with_and_without_a_name_are_reported() {
        let registration = Images::<Log>::register().unwrap();
        let routine = IMAGE.get().unwrap();
        let name = unicode_string!("a.dll");
        let mut information = ImageInfo {
            properties: 0x100 | 3,
            image_base: ptr::without_provenance_mut(0x1000),
            image_selector: 0,
            image_size: 0x2000,
            image_section_number: 0,
        };
        unsafe { routine(&name, 0, &information) };
        information.properties = 3;
        unsafe { routine(ptr::null(), 8, &information) };
        drop(registration);
        assert!(IMAGE.get().is_none());
        let first = r#"Some("a.dll") 0 (4096, 8192, true)"#;
        assert_eq!(CALLS.take(), [first, "None 8 (4096, 8192, false)"]);
    }
}
