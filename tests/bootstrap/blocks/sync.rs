//! A driver that puts the blocks for threads, locks, time and settings to use, and logs what they did.

#![no_std]

use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use kernel::device::Device;
use kernel::event::{Event, EventKind};
use kernel::log;
use kernel::mutex::FastMutex;
use kernel::notify::{Images, LoadedImage, OnImage, OnProcess, OnThread, Processes, Threads};
use kernel::nt::status::STATUS_OBJECT_NAME_NOT_FOUND;
use kernel::registry::Key;
use kernel::resource::Resource;
use kernel::security::Access;
use kernel::shared::Shared;
use kernel::slot::Slot;
use kernel::thread::Thread;
use kernel::time::{self, SystemTime};
use kernel::timer::Timer;
use kernel::wait::{sleep, wait_any, Waitable};
use kernel::work_item::WorkItem;
use kernel::{unicode_string, wide};
use kernel::{DriverObject, NtError, NtStatus, UnicodeString};

kernel::driver! {
    entry: driver_entry,
    start: start,
    log_component: IhvDriver,
    log_level: Info,
}

static WORKER: Slot<Thread> = Slot::new();
static WORK: Slot<(WorkItem, Device)> = Slot::new();
static IMAGES: Slot<Images<Seen>> = Slot::new();

const LONG: Duration = Duration::from_secs(60);

fn start(driver: &mut DriverObject, registry_path: &UnicodeString<'_>) -> Result<(), NtError> {
    driver.driver_unload = Some(unload);
    events()?;
    threads()?;
    fast_mutex()?;
    resource()?;
    timers()?;
    work_items(driver)?;
    clock();
    settings(registry_path)?;
    notifications()?;
    relock(registry_path)?;
    WORKER.put(Thread::spawn(|stop| {
        stop.wait();
        log!("thread: stopped by unload");
    })?);
    log!("loaded");
    Ok(())
}

unsafe extern "system" fn unload(_driver: *mut DriverObject) {
    WORKER.clear();
    IMAGES.clear();
    WORK.clear();
    log!("unloaded");
}

fn events() -> Result<(), NtError> {
    let stays = Event::new(EventKind::Notification)?;
    let once = Event::new(EventKind::Synchronization)?;
    let before = time::since_start();
    let early = stays.wait_for(Duration::from_millis(50));
    let waited = time::since_start() - before;
    stays.set();
    once.set();
    let both = (stays.wait_for(LONG), once.wait_for(LONG));
    let again = (
        stays.wait_for(Duration::ZERO),
        once.wait_for(Duration::ZERO),
    );
    stays.clear();
    let cleared = stays.wait_for(Duration::ZERO);
    let is_limit_kept = waited >= Duration::from_millis(40) && waited < LONG;
    log!("events: {early} {both:?} {again:?} {cleared} {is_limit_kept}");

    let limit = Some(Duration::from_millis(20));
    let none = wait_any([&stays, &once], limit);
    once.set();
    let second = wait_any([&stays, &once], None);
    once.set();
    stays.set();
    let first = wait_any([&stays, &once], None);
    log!("any: {none:?} {second:?} {first:?}");

    let before = time::since_start();
    sleep(Duration::from_millis(100));
    let slept = time::since_start() - before;
    log!(
        "sleep: {}",
        slept >= Duration::from_millis(80) && slept < LONG
    );
    Ok(())
}

/// Counts how often it is dropped.
struct Dropped(Shared<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn threads() -> Result<(), NtError> {
    let drops = Shared::new(AtomicU32::new(0))?;
    let ready = Shared::new(Event::new(EventKind::Notification)?)?;
    let (theirs, token) = (ready.clone(), Dropped(drops.clone()));
    let thread = Thread::spawn(move |stop| {
        let _token = token;
        theirs.set();
        while !stop.wait_for(Duration::from_millis(5)) {}
        sleep(Duration::from_millis(50));
    })?;
    ready.wait();
    let is_running = !thread.wait_for(Duration::ZERO);
    let before = drops.load(Ordering::Relaxed);
    drop(thread);
    log!(
        "threads: {is_running} {before} {}",
        drops.load(Ordering::Relaxed)
    );

    // It ends by itself, and waiting does not ask it to.
    let thread = Thread::spawn(|stop| {
        sleep(Duration::from_millis(20));
        log!("not asked to stop: {}", !stop.wait_for(Duration::ZERO));
    })?;
    thread.wait();
    Ok(())
}

const TURNS: u32 = 20_000;

fn fast_mutex() -> Result<(), NtError> {
    let count = Shared::new(FastMutex::new((0_u32, 0_u32))?)?;
    let work = |count: Shared<FastMutex<(u32, u32)>>| {
        Thread::spawn(move |_| {
            for _ in 0..TURNS {
                let mut count = count.lock();
                let (first, second) = *count;
                count.0 = black_box(first) + 1;
                count.1 = black_box(second) + 1;
            }
        })
    };
    let threads = [
        work(count.clone())?,
        work(count.clone())?,
        work(count.clone())?,
    ];
    drop(threads);
    log!("fast mutex: {:?} of {}", *count.lock(), 3 * TURNS);
    Ok(())
}

fn resource() -> Result<(), NtError> {
    let pair = Shared::new(Resource::new((0_u32, 0_u32))?)?;
    let torn = Shared::new(AtomicU32::new(0))?;
    let (mine, seen) = (pair.clone(), torn.clone());
    let reader = Thread::spawn(move |stop| {
        while !stop.wait_for(Duration::ZERO) {
            let pair = mine.read();
            if pair.0 != pair.1 {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }
    })?;
    let write = |pair: Shared<Resource<(u32, u32)>>| {
        Thread::spawn(move |_| {
            for _ in 0..1000 {
                let mut pair = pair.write();
                pair.0 = black_box(pair.0) + 1;
                pair.1 = black_box(pair.1) + 1;
            }
        })
    };
    let writers = [write(pair.clone())?, write(pair.clone())?];
    for writer in &writers {
        writer.wait();
    }
    drop(reader);
    let value = *pair.read();
    log!("resource: {value:?} {}", torn.load(Ordering::Relaxed));

    let readers = (pair.read(), pair.read());
    let theirs = pair.clone();
    let other = Thread::spawn(move |_| {
        let (write, read) = (theirs.try_write().is_some(), theirs.try_read().is_some());
        log!("while read: write {write}, read {read}");
    })?;
    other.wait();
    drop(readers);
    let writer = pair.write();
    let theirs = pair.clone();
    let other = Thread::spawn(move |_| {
        let (write, read) = (theirs.try_write().is_some(), theirs.try_read().is_some());
        log!("while written: write {write}, read {read}");
    })?;
    other.wait();
    drop(writer);
    log!("afterwards: write {}", pair.try_write().is_some());
    Ok(())
}

fn timers() -> Result<(), NtError> {
    let once = Timer::new()?;
    once.start(Duration::from_millis(30));
    let early = once.wait_for(Duration::ZERO);
    once.wait();
    let again = once.wait_for(Duration::from_millis(60));

    let periodic = Timer::new()?;
    let before = time::since_start();
    periodic.start_periodic(Duration::from_millis(20));
    for _ in 0..5 {
        periodic.wait();
    }
    let elapsed = time::since_start() - before;
    let is_periodic = elapsed >= Duration::from_millis(80) && elapsed < LONG;
    log!("timers: {early} {again} {is_periodic}");
    Ok(())
}

static CALLS: AtomicU32 = AtomicU32::new(0);

fn work_items(driver: &mut DriverObject) -> Result<(), NtError> {
    let name = unicode_string!("\\Device\\KdrvgenSync");
    let device = Device::create(driver, &name, Access::AdministratorsAndSystem)?;
    let called = Shared::new(Event::new(EventKind::Synchronization)?)?;
    let theirs = called.clone();
    let mut calls = 0;
    let item = WorkItem::new(&device, move || {
        calls += 1;
        CALLS.store(calls, Ordering::Relaxed);
        sleep(Duration::from_millis(30));
        theirs.set();
    })?;
    item.queue();
    called.wait();
    item.queue();
    called.wait();
    // At most one call runs, and one more is queued.
    for _ in 0..10 {
        item.queue();
    }
    drop(item);
    let calls = CALLS.load(Ordering::Relaxed);
    let is_over = called.wait_for(Duration::ZERO);
    log!("work items: {} {is_over}", (3..=5).contains(&calls));

    let last = WorkItem::new(&device, || {
        sleep(Duration::from_millis(50));
        log!("work item: done before unload");
    })?;
    last.queue();
    WORK.put((last, device));
    Ok(())
}

fn clock() {
    let (now, start) = (SystemTime::now(), time::since_start());
    log!(
        "now: {now} {}",
        now.since_1970().map_or(0, |time| time.as_secs())
    );
    sleep(Duration::from_millis(50));
    log!(
        "later: {} {}",
        SystemTime::now() > now,
        time::since_start() > start
    );
}

fn settings(registry_path: &UnicodeString<'_>) -> Result<(), NtError> {
    let missing = unicode_string!("Missing");
    let service = Key::open_writable(registry_path)?;
    log!("missing key: {:?}", service.open_subkey(&missing).err());
    let parameters = service.open_subkey(&unicode_string!("Parameters"))?;

    let count = parameters.query(&unicode_string!("Count"), 4)?;
    log!("dword: {:?} {:?}", count.dword(), count.string());
    let text = parameters.query(&unicode_string!("Text"), 64)?;
    log!("string: {}", UnicodeString::from_units(text.string()?)?);
    log!("not a number: {:?}", text.dword());
    let list = parameters.query(&unicode_string!("List"), 64)?;
    for text in list.strings()? {
        log!("of the list: {}", UnicodeString::from_units(text)?);
    }
    let bytes = parameters.query(&unicode_string!("Bytes"), 64)?;
    log!("binary: {:?}", bytes.binary());
    log!(
        "limit: {:?}",
        parameters.query(&unicode_string!("Text"), 5).err()
    );
    log!("missing: {:?}", parameters.query(&missing, 4).err());
    log!("read only: {:?}", parameters.set_dword(&missing, 1));

    written(&service)
}

fn written(service: &Key) -> Result<(), NtError> {
    let missing = unicode_string!("Missing");
    let state = service.create_subkey(&unicode_string!("State"))?;
    state.set_dword(&unicode_string!("Dword"), 0xFFFF_FFFE)?;
    state.set_qword(&unicode_string!("Qword"), 1 << 40)?;
    state.set_string(&unicode_string!("String"), wide!("Grüße 😀"))?;
    state.set_multi_string(&unicode_string!("Multi"), &[wide!("one"), wide!("two")])?;
    state.set_binary(&unicode_string!("Binary"), &[1, 2, 255])?;
    let qword = state.query(&unicode_string!("Qword"), 8)?.qword();
    log!("qword: {qword:?}");
    let again = state.query(&unicode_string!("String"), 100)?;
    log!("again: {}", again.string()? == wide!("Grüße 😀"));
    log!("NUL: {:?}", state.set_string(&missing, wide!("a\0b")));
    log!(
        "empty: {:?}",
        state.set_multi_string(&missing, &[wide!("")])
    );
    state.set_dword(&unicode_string!("Gone"), 1)?;
    state.delete(&unicode_string!("Gone"))?;
    let gone = state.query(&unicode_string!("Gone"), 4).err();
    log!("deleted: {}", gone == Some(STATUS_OBJECT_NAME_NOT_FOUND));
    Ok(())
}

/// Takes a resource twice, if the setting says so: this stops the machine.
fn relock(registry_path: &UnicodeString<'_>) -> Result<(), NtError> {
    let parameters = Key::open(registry_path)?.open_subkey(&unicode_string!("Parameters"))?;
    if parameters.query(&unicode_string!("Relock"), 4).is_ok() {
        let resource = Resource::new(0)?;
        let writer = resource.write();
        log!("not reached: {}", *writer + *resource.read());
    }
    Ok(())
}

struct Seen;

impl OnImage for Seen {
    fn loaded(image: &LoadedImage<'_>) {
        if let Some(name) = image.name() {
            let (process, is_system) = (image.process(), image.is_system());
            let has_place = image.base() != 0 && image.size() != 0;
            log!("image: {name} {process} {is_system} {has_place}");
        }
    }
}

impl OnProcess for Seen {
    fn created(id: usize, parent: usize) {
        log!("process: {id} of {parent}");
    }

    fn exited(id: usize) {
        log!("process: {id} ended");
    }
}

impl OnThread for Seen {
    fn created(id: usize, process: usize) {
        log!("thread: {id} of {process}");
    }

    fn exited(id: usize, process: usize) {
        log!("thread: {id} of {process} ended");
    }
}

fn notifications() -> Result<(), NtError> {
    IMAGES.put(Images::register()?);
    let other = unicode_string!("\\Registry\\Machine\\System\\CurrentControlSet\\Services\\other");
    // SAFETY: a NUL follows the name, which is valid during the calls.
    let (loaded, unloaded) = unsafe {
        (
            ZwLoadDriver(&raw const other),
            ZwUnloadDriver(&raw const other),
        )
    };
    log!("other driver: {loaded} {unloaded}");
    // Wine's kernel never calls them.
    drop(Processes::<Seen>::register());
    drop(Threads::<Seen>::register());
    Ok(())
}

kernel::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ZwLoadDriver(service: *const UnicodeString<'_>) -> NtStatus;
        fn ZwUnloadDriver(service: *const UnicodeString<'_>) -> NtStatus;
    }
}
