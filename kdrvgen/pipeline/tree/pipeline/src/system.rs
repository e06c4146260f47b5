//! Functions that differ between operating systems: processes, users and errors.

/// Returns the id of the process that started this one: cargo-make.
#[cfg(unix)]
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Returns the effective user id.
#[cfg(unix)]
pub fn user() -> u32 {
    extern "C" {
        fn geteuid() -> u32;
    }
    // SAFETY: geteuid(2) has no preconditions and never fails.
    unsafe { geteuid() }
}

/// Lets a program, and each that it starts, run without address space layout randomization.
///
/// Where the system forbids that, as some containers do, the program runs with it.
#[cfg(target_os = "linux")]
pub fn without_randomization(command: &mut std::process::Command) {
    use std::os::raw::c_ulong;
    use std::os::unix::process::CommandExt;

    const ADDR_NO_RANDOMIZE: c_ulong = 0x0004_0000; // <sys/personality.h>
    const ONLY_READ: c_ulong = 0xffff_ffff;

    extern "C" {
        fn personality(persona: c_ulong) -> i32;
    }
    // SAFETY: personality(2) is one system call, which allocates nothing and takes no lock: it may
    // be called between fork and exec. It changes only the new process.
    unsafe {
        command.pre_exec(|| {
            let own = personality(ONLY_READ);
            if own != -1 {
                personality(own as c_ulong | ADDR_NO_RANDOMIZE);
            }
            Ok(())
        });
    }
}

/// Other systems than Linux do not place Wine's loader where it can fail.
#[cfg(not(target_os = "linux"))]
pub fn without_randomization(_command: &mut std::process::Command) {}

/// Returns the id of the process that started this one: cargo-make.
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
    // SAFETY: all fields are numbers, and zero is valid for each.
    let mut entry: ProcessEntry = unsafe { mem::zeroed() };
    entry.size = mem::size_of::<ProcessEntry>() as u32;
    let mut parent = 0;
    // SAFETY: the snapshot is closed once, and `entry` contains its own size.
    unsafe {
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        let mut has_entry = Process32FirstW(snapshot, &mut entry) != 0;
        while has_entry {
            if entry.process == own {
                parent = entry.parent;
                break;
            }
            has_entry = Process32NextW(snapshot, &mut entry) != 0;
        }
        CloseHandle(snapshot);
    }
    parent
}

/// Returns a text for a Windows function: UTF-16 with a zero at the end.
#[cfg(windows)]
pub fn wide(text: impl AsRef<std::ffi::OsStr>) -> Vec<u16> {
    use std::os::windows::ffi::OsStrExt;
    text.as_ref().encode_wide().chain([0]).collect()
}

/// Returns the error code of the last Windows call in this thread.
#[cfg(windows)]
pub fn last_error() -> u32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0) as u32
}

/// Returns Windows' message for an error, in the user's language, and its number: HRESULTs in
/// hexadecimal, as Microsoft's documentation lists them.
#[cfg(windows)]
pub fn error_text(code: u32) -> String {
    let number = if code >= 0x8000_0000 {
        format!("0x{code:08X}")
    } else {
        code.to_string()
    };
    let text = std::io::Error::from_raw_os_error(number_of_message(code) as i32).to_string();
    let message = text
        .rsplit_once(" (os error")
        .map_or(text.as_str(), |(message, _)| message);
    let message = message.trim_end_matches(|last: char| last == '.' || last.is_whitespace());
    format!("{message} (error {number})")
}

/// Windows has the messages of SetupAPI's own errors, such as 0xE000020B, for the HRESULTs of the
/// same errors, such as 0x800F020B (HRESULT_FROM_SETUPAPI in setupapi.h).
#[cfg(windows)]
fn number_of_message(code: u32) -> u32 {
    const OF_SETUP_API: u32 = 0xE000_0000;
    const FACILITY_SETUPAPI: u32 = 0x800F_0000;
    if code & 0xFFFF_0000 == OF_SETUP_API {
        FACILITY_SETUPAPI | (code & 0xFFFF)
    } else {
        code
    }
}

#[cfg(all(test, windows))]
mod tests {
    use super::{error_text, number_of_message};

    #[test]
    fn an_error_of_setup_api_has_its_own_number_and_the_message_of_its_hresult() {
        assert_eq!(number_of_message(0xE000_020B), 0x800F_020B);
        assert!(error_text(0xE000_020B).ends_with("(error 0xE000020B)"));
        for other in [0, 5, 0x800B_0109, 0xC000_0005] {
            assert_eq!(number_of_message(other), other);
        }
    }
}
