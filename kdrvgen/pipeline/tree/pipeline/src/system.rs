//! What the operating systems call differently: processes and users.

/// The process that started this one: cargo-make.
#[cfg(unix)]
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// The user that this process acts for.
#[cfg(unix)]
pub fn user() -> u32 {
    extern "C" {
        fn geteuid() -> u32;
    }
    // SAFETY: geteuid(2) has no preconditions and never fails.
    unsafe { geteuid() }
}

/// The process that started this one: cargo-make.
#[cfg(windows)]
pub fn parent() -> u32 {
    use std::ffi::c_void;
    use std::mem;

    const TH32CS_SNAPPROCESS: u32 = 2;

    #[repr(C)]
    struct ProcessEntry {
        size: u32,
        usage: u32,
        process: u32,
        heap: usize,
        module: u32,
        threads: u32,
        parent: u32,
        priority: i32,
        flags: u32,
        file: [u16; 260],
    }

    #[link(name = "kernel32")]
    extern "system" {
        fn CreateToolhelp32Snapshot(flags: u32, process: u32) -> *mut c_void;
        fn Process32FirstW(snapshot: *mut c_void, entry: *mut ProcessEntry) -> i32;
        fn Process32NextW(snapshot: *mut c_void, entry: *mut ProcessEntry) -> i32;
        fn CloseHandle(handle: *mut c_void) -> i32;
    }

    let own = std::process::id();
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut entry: ProcessEntry = unsafe { mem::zeroed() };
    entry.size = mem::size_of::<ProcessEntry>() as u32;
    let mut parent = 0;
    // SAFETY: the snapshot is closed once, and `entry` says its own size.
    unsafe {
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        let mut is_there = Process32FirstW(snapshot, &mut entry) != 0;
        while is_there {
            if entry.process == own {
                parent = entry.parent;
                break;
            }
            is_there = Process32NextW(snapshot, &mut entry) != 0;
        }
        CloseHandle(snapshot);
    }
    parent
}
