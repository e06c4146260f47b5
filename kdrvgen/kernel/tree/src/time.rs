//! Time: the system's clock, the time since Windows was started, and the calendar.

use core::fmt;
use core::time::Duration;

/// Returns the time since Windows was started, with the time that the machine slept. It never goes
/// back, and changes with each clock tick, of up to 15.6 ms. IRQL: any.
#[must_use]
pub fn since_start() -> Duration {
    duration(interrupt_time())
}

/// A point in time, in UTC: the number of 100 ns since the year 1601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(u64);

/// 100 ns in a second.
const PER_SECOND: u64 = 10_000_000;
/// 100 ns from 1601 to 1970.
const UNIX_EPOCH: u64 = 11_644_473_600 * PER_SECOND;

impl SystemTime {
    /// Returns the present time by the system's clock, which can be set back. It changes with each
    /// clock tick, of up to 15.6 ms. IRQL: any.
    #[must_use]
    pub fn now() -> Self {
        Self(system_time())
    }

    /// Returns the time with a number of 100 ns since 1601, as the kernel counts. IRQL: any.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// Returns the number of 100 ns since 1601. IRQL: any.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// Returns the time since 1970; `None` before it. IRQL: any.
    #[must_use]
    pub const fn since_1970(self) -> Option<Duration> {
        match self.0.checked_sub(UNIX_EPOCH) {
            Some(ticks) => Some(duration(ticks)),
            None => None,
        }
    }

    /// Returns the time since an earlier one; `None` if it is a later one. IRQL: any.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(ticks) => Some(duration(ticks)),
            None => None,
        }
    }

    /// Returns date and time of day in UTC. IRQL: any.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // remainders are small
    pub const fn utc(self) -> Calendar {
        const DAY: u64 = 86_400;
        let seconds = self.0 / PER_SECOND;
        let (days, second) = (seconds / DAY, (seconds % DAY) as u32);
        let (year, month, day) = date(days);
        Calendar {
            year,
            month,
            day,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            nanosecond: (self.0 % PER_SECOND) as u32 * 100,
        }
    }
}

impl fmt::Display for SystemTime {
    /// Writes date and time of day in UTC, as in ISO 8601.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.utc(), formatter)
    }
}

/// Date and time of day, in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Calendar {
    pub year: u32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanosecond: u32,
}

impl fmt::Display for Calendar {
    /// Writes it as in ISO 8601, with milliseconds: `2026-11-27T09:05:00.250Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
        } = self;
        let millisecond = nanosecond / 1_000_000;
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        )
    }
}

/// Returns year, month and day, by the number of days since 1 January 1601.
///
/// In a year that begins in March, the leap day is the last one, and all months have their days after a
/// pattern of five months with 153 days.
#[allow(clippy::cast_possible_truncation)] // remainders are small, and the last year is 60056
const fn date(days: u64) -> (u32, u8, u8) {
    /// The days of 400 years.
    const PERIOD: u64 = 146_097;
    /// The days from 1 March 1200, when a period begins, to 1 January 1601.
    const BEFORE_1601: u64 = 146_403;
    let days = days + BEFORE_1601;
    let (period, day) = (days / PERIOD, days % PERIOD);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = 1200 + 400 * period + year + next;
    (year as u32, month as u8, day_of_month as u8)
}

/// Returns a number of 100 ns as a duration.
#[allow(clippy::cast_possible_truncation)] // a remainder
const fn duration(ticks: u64) -> Duration {
    Duration::new(ticks / PER_SECOND, (ticks % PER_SECOND) as u32 * 100)
}

/// On x64 and ARM64 the kernel exports no function: wdm.h reads the page that the kernel shares with all
/// processes (`KUSER_SHARED_DATA`).
#[cfg(all(windows, panic = "abort", not(target_arch = "x86")))]
mod clock {
    use core::sync::atomic::{fence, AtomicU32, Ordering};

    /// `KI_USER_SHARED_DATA`.
    const SHARED_DATA: usize = 0xFFFF_F780_0000_0000;

    /// `KSYSTEM_TIME`: a number of 64 bits, whose upper half is there twice.
    #[repr(C)]
    struct KSystemTime {
        low: AtomicU32,
        high1: AtomicU32,
        high2: AtomicU32,
    }

    pub(super) fn interrupt_time() -> u64 {
        read(0x08)
    }

    pub(super) fn system_time() -> u64 {
        read(0x14)
    }

    /// Reads a time. The kernel writes `high2` first and `high1` last, so the halves belong together if
    /// both are equal.
    fn read(offset: usize) -> u64 {
        // SAFETY: the page is always mapped, and these are its members. Only relaxed atomic loads are
        // allowed on memory that can be read-only, as this page is.
        let time = unsafe { &*((SHARED_DATA + offset) as *const KSystemTime) };
        loop {
            let high = time.high1.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            let low = time.low.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            if high == time.high2.load(Ordering::Relaxed) {
                return u64::from(high) << 32 | u64::from(low);
            }
            core::hint::spin_loop();
        }
    }
}

#[cfg(not(all(windows, panic = "abort", not(target_arch = "x86"))))]
mod clock {
    pub(super) fn interrupt_time() -> u64 {
        // SAFETY: it can be called at any IRQL.
        unsafe { KeQueryInterruptTime() }
    }

    pub(super) fn system_time() -> u64 {
        let mut time = 0;
        // SAFETY: the number is valid during the call.
        unsafe { KeQuerySystemTime(&raw mut time) };
        time
    }

    crate::import! {
        "ntoskrnl.exe",
        extern "system" {
            fn KeQueryInterruptTime() -> u64;
            fn KeQuerySystemTime(time: *mut u64);
        }
    }
}

use clock::{interrupt_time, system_time};
