//! Ctrl+C and other signals: the running tool ends, temporary files are removed, and the task
//! fails.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::failure::{Failure, Result};

static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);
static CHILD: AtomicU32 = AtomicU32::new(0);

/// Stores the id of the running program, so that a signal to this process ends it too.
pub fn enter(child: u32) {
    CHILD.store(child, Ordering::SeqCst);
    if IS_INTERRUPTED.load(Ordering::SeqCst) {
        system::end(child);
    }
}

/// Forgets the running program, after it has ended.
pub fn leave() {
    CHILD.store(0, Ordering::SeqCst);
}

/// Fails if the user has interrupted the task.
pub fn check() -> Result<()> {
    if IS_INTERRUPTED.load(Ordering::SeqCst) {
        Err(Failure::new("interrupted"))
    } else {
        Ok(())
    }
}

/// Handles signals from now on, so that they do not end this process at once.
pub fn listen() {
    system::listen();
}

fn note() {
    IS_INTERRUPTED.store(true, Ordering::SeqCst);
    let child = CHILD.load(Ordering::SeqCst);
    if child != 0 {
        system::end(child);
    }
}

#[cfg(unix)]
mod system {
    const SIGHUP: i32 = 1;
    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;

    extern "C" {
        fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
        fn kill(process: i32, number: i32) -> i32;
    }

    extern "C" fn handle(_number: i32) {
        super::note(); // uses only atomics and kill(2), as a signal handler may
    }

    pub fn listen() {
        for number in [SIGHUP, SIGINT, SIGTERM] {
            // SAFETY: `handle` is a function of the right type for the whole life of the process.
            unsafe { signal(number, handle) };
        }
    }

    pub fn end(child: u32) {
        // SAFETY: kill(2) has no preconditions; it may fail, because the process has ended.
        unsafe { kill(child as i32, SIGTERM) };
    }
}

#[cfg(windows)]
mod system {
    use std::thread;
    use std::time::Duration;

    #[link(name = "kernel32")]
    extern "system" {
        fn SetConsoleCtrlHandler(handler: extern "system" fn(u32) -> i32, add: i32) -> i32;
    }

    const CTRL_BREAK_EVENT: u32 = 1;
    /// Longer than Windows waits for a program when its console closes or its user logs off.
    const CLEANUP_TIME: Duration = Duration::from_secs(30);

    extern "system" fn handle(event: u32) -> i32 {
        super::note();
        if event > CTRL_BREAK_EVENT {
            // Windows ends the process when this function returns. Until then, it removes its
            // files.
            thread::sleep(CLEANUP_TIME);
        }
        1 // handled: the other programs of the console end, and this one cleans up
    }

    pub fn listen() {
        // SAFETY: `handle` is a function of the right type for the whole life of the process.
        unsafe { SetConsoleCtrlHandler(handle, 1) };
    }

    /// Nothing to do: the console sends the event to the other program too.
    pub fn end(_child: u32) {}
}
