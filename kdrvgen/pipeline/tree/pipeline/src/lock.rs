//! Locks between runs of this program.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::{create_folder, remove};

/// A lock that other runs of this program wait for. The system releases it when this process ends.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, and prints one message if it has to wait. `what` completes "another run that
    /// …".
    pub fn take(path: &Path, what: &str) -> Result<Lock> {
        create_folder(path.parent().unwrap_or_else(|| Path::new(".")))?;
        // Replaced, never followed, like every file of ours.
        if fs::symlink_metadata(path).map_or(false, |metadata| metadata.file_type().is_symlink()) {
            remove(path)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        system::never_follow(&mut options);
        let file = options
            .open(path)
            .map_err(|error| Failure::io("open the lock", path, &error))?;
        let mut is_reported = false;
        while !system::try_lock(&file).map_err(|error| Failure::io("lock", path, &error))? {
            if !is_reported {
                eprintln!("waiting for another run that {what}");
                is_reported = true;
            }
            thread::sleep(Duration::from_millis(50));
            interrupt::check()?;
        }
        Ok(Lock { _file: file })
    }
}

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::OpenOptionsExt;
    use std::os::unix::io::AsRawFd;

    const LOCK_EX: i32 = 2;
    const LOCK_NB: i32 = 4;
    const O_NOFOLLOW: i32 = if cfg!(target_os = "macos") {
        0x100
    } else if cfg!(all(
        target_os = "linux",
        any(target_arch = "aarch64", target_arch = "arm")
    )) {
        0o100000
    } else {
        0o400000
    };

    extern "C" {
        fn flock(file: i32, operation: i32) -> i32;
    }

    pub fn never_follow(options: &mut OpenOptions) {
        options.custom_flags(O_NOFOLLOW).mode(0o600);
    }

    /// Some network file systems have no locks. There, the run continues without one.
    pub fn try_lock(file: &File) -> io::Result<bool> {
        // SAFETY: the descriptor is open as long as `file` is.
        if unsafe { flock(file.as_raw_fd(), LOCK_EX | LOCK_NB) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock => Ok(false),
            io::ErrorKind::Interrupted => Ok(false),
            io::ErrorKind::Unsupported => Ok(true),
            _ => Err(error),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsRawHandle;

    const LOCKFILE_FAIL_IMMEDIATELY: u32 = 1;
    const LOCKFILE_EXCLUSIVE_LOCK: u32 = 2;
    const ERROR_LOCK_VIOLATION: i32 = 33;
    const ERROR_IO_PENDING: i32 = 997;

    #[repr(C)]
    struct Overlapped {
        internal: [usize; 2],
        offset: [u32; 2],
        event: *mut u8,
    }

    #[link(name = "kernel32")]
    extern "system" {
        fn LockFileEx(
            file: *mut std::ffi::c_void,
            flags: u32,
            reserved: u32,
            low: u32,
            high: u32,
            overlapped: *mut Overlapped,
        ) -> i32;
    }

    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

    pub fn never_follow(options: &mut OpenOptions) {
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }

    pub fn try_lock(file: &File) -> io::Result<bool> {
        let mut overlapped = Overlapped {
            internal: [0; 2],
            offset: [0; 2],
            event: std::ptr::null_mut(),
        };
        // SAFETY: the handle is open as long as `file` is; `overlapped` outlives the call, which
        // does not wait.
        let done = unsafe {
            LockFileEx(
                file.as_raw_handle() as *mut _,
                LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
                0,
                1,
                0,
                &mut overlapped,
            )
        };
        if done != 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(ERROR_LOCK_VIOLATION) | Some(ERROR_IO_PENDING) => Ok(false),
            _ => Err(error),
        }
    }
}
