//! Ctrl+C and its like: the tool at work ends, what was begun is cleared away, and the task fails.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::failure::{Failure, Result};

static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);
static CHILD: AtomicU32 = AtomicU32::new(0);

/// Notes which program is running, so that a signal for this one reaches it too.
pub fn enter(child: u32) {
    CHILD.store(child, Ordering::SeqCst);
    if IS_INTERRUPTED.load(Ordering::SeqCst) {
        system::end(child);
    }
}

/// Notes that no program is running.
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

/// Has signals noted from now on, instead of ending this program at once.
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
        super::note(); // atomics and kill(2) alone, which a signal handler may use
    }

    pub fn listen() {
        for number in [SIGHUP, SIGINT, SIGTERM] {
            // SAFETY: `handle` is a function of the right type for the whole life of the process.
            unsafe { signal(number, handle) };
        }
    }

    pub fn end(child: u32) {
        // SAFETY: kill(2) has no preconditions; a process that has ended is no error here.
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
    /// Longer than Windows waits for a program whose console is closed, or whose user logs off.
    const LONGEST: Duration = Duration::from_secs(30);

    extern "system" fn handle(event: u32) -> i32 {
        super::note();
        if event > CTRL_BREAK_EVENT {
            // Windows ends the process when this returns: until then it can clear away.
            thread::sleep(LONGEST);
        }
        1 // handled: the console's programs end by themselves, and this one clears away
    }

    pub fn listen() {
        // SAFETY: `handle` is a function of the right type for the whole life of the process.
        unsafe { SetConsoleCtrlHandler(handle, 1) };
    }

    /// The console has told the other program too.
    pub fn end(_child: u32) {}
}
