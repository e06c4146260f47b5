//! The thread: it works at once and each time the timer expires, until it is asked to stop.

use kernel::event::Event;
use kernel::log;
use kernel::nt::NtError;
use kernel::thread::Thread;
use kernel::time::{self, SystemTime};
use kernel::timer::Timer;
use kernel::wait::wait_any;

use crate::settings::Settings;

/// Starts the thread. Dropping it stops it.
pub fn start(settings: Settings) -> Result<Thread, NtError> {
    let timer = Timer::new()?;
    Thread::spawn(move |stop| run(stop, &timer, &settings))
}

/// Works at `PASSIVE_LEVEL`, where all functions of the kernel are available.
fn run(stop: &Event, timer: &Timer, settings: &Settings) {
    log!("thread: started");
    let started = time::since_start();
    let mut rounds = 0;
    timer.start_periodic(settings.interval());
    loop {
        rounds += 1;
        let now = SystemTime::now();
        log!("round {rounds} at {now}: {}", settings.message());
        // Index 0 is the event and index 1 is the timer. If both are signaled, the event wins.
        if wait_any([stop, timer], None) == Some(0) {
            break;
        }
    }
    let seconds = time::since_start().saturating_sub(started).as_secs();
    log!("thread: stopped after {rounds} rounds in {seconds} s");
}
