//! The settings, which are values of the registry key `Parameters` below that of the driver's service.

use core::fmt;
use core::time::Duration;

use kernel::nt::status::STATUS_OBJECT_NAME_NOT_FOUND;
use kernel::nt::{NtError, UnicodeString};
use kernel::registry::{Key, Value};
use kernel::{error, unicode_string};

/// What the driver does. A setting that is missing or wrong has its default.
pub struct Settings {
    milliseconds: u32,
    /// A `REG_SZ`, which `read` checks; `None` is the default.
    message: Option<Value>,
}

/// `IntervalMilliseconds`, a `REG_DWORD`.
static INTERVAL: UnicodeString<'static> = unicode_string!("IntervalMilliseconds");
/// `Message`, a `REG_SZ`.
static MESSAGE: UnicodeString<'static> = unicode_string!("Message");

const DEFAULT_INTERVAL: u32 = 1000;
const SHORTEST_INTERVAL: u32 = 100;
const LONGEST_INTERVAL: u32 = 3_600_000;

static DEFAULT_MESSAGE: UnicodeString<'static> = unicode_string!("working");
/// In bytes, with the NUL at its end.
const LONGEST_MESSAGE: usize = 2 * 129;

impl Settings {
    /// Reads the settings. IRQL: `PASSIVE_LEVEL`.
    pub fn read(registry_path: &UnicodeString<'_>) -> Result<Self, NtError> {
        let service = Key::open(registry_path)?;
        let mut settings = Self {
            milliseconds: DEFAULT_INTERVAL,
            message: None,
        };
        let parameters = match service.open_subkey(&unicode_string!("Parameters")) {
            Ok(parameters) => parameters,
            // A driver without settings has no such key.
            Err(STATUS_OBJECT_NAME_NOT_FOUND) => return Ok(settings),
            Err(error) => return Err(error),
        };
        if let Some(value) = query(&parameters, &INTERVAL, 4) {
            match value.dword() {
                Ok(milliseconds) => settings.milliseconds = allowed(milliseconds),
                Err(error) => error!("{INTERVAL}: {error}"),
            }
        }
        if let Some(value) = query(&parameters, &MESSAGE, LONGEST_MESSAGE) {
            match value.string() {
                Ok(_) => settings.message = Some(value),
                Err(error) => error!("{MESSAGE}: {error}"),
            }
        }
        Ok(settings)
    }

    /// Returns the time between two rounds.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.milliseconds.into())
    }

    /// Returns the text that each round logs.
    pub fn message(&self) -> UnicodeString<'_> {
        let units = self.message.as_ref().and_then(|value| value.string().ok());
        UnicodeString::from_units(units.unwrap_or(DEFAULT_MESSAGE.units()))
            .unwrap_or(unicode_string!(""))
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (milliseconds, message) = (self.milliseconds, self.message());
        write!(formatter, "every {milliseconds} ms: {message}")
    }
}

/// Reads a value; logs an error, unless the value does not exist.
fn query(key: &Key, name: &UnicodeString<'_>, limit: usize) -> Option<Value> {
    match key.query(name, limit) {
        Ok(value) => Some(value),
        Err(STATUS_OBJECT_NAME_NOT_FOUND) => None,
        Err(error) => {
            error!("{name}: {error}");
            None
        }
    }
}

/// Returns the allowed interval that is nearest to a setting.
fn allowed(milliseconds: u32) -> u32 {
    milliseconds.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn an_interval_is_kept_within_its_limits() {
        assert_eq!(allowed(0), SHORTEST_INTERVAL);
        assert_eq!(allowed(DEFAULT_INTERVAL), DEFAULT_INTERVAL);
        assert_eq!(allowed(u32::MAX), LONGEST_INTERVAL);
    }

    #[test]
    fn missing_settings_have_defaults() {
        let settings = Settings {
            milliseconds: DEFAULT_INTERVAL,
            message: None,
        };

        assert_eq!(std::format!("{settings}"), "every 1000 ms: working");
        assert_eq!(settings.interval(), Duration::from_secs(1));
    }
}
