//! The tasks install, start, stop and uninstall, for the driver's service on Windows.

#[cfg(windows)]
#[path = "service/windows.rs"]
mod system;

#[cfg(windows)]
pub use system::{begin, delete, end, install, manager, start, stop, uninstall};

#[cfg(not(windows))]
mod elsewhere {
    use crate::failure::{Failure, Result};
    use crate::settings::Settings;

    pub fn install(_settings: &Settings) -> Result<()> {
        only_windows()
    }

    pub fn start(_settings: &Settings) -> Result<()> {
        only_windows()
    }

    pub fn stop(_settings: &Settings) -> Result<()> {
        only_windows()
    }

    pub fn uninstall(_settings: &Settings) -> Result<()> {
        only_windows()
    }

    pub fn only_windows() -> Result<()> {
        Err(
            Failure::new("this task needs Windows, which loads the driver as a service")
                .help("to load the driver in Wine's kernel: cargo make smoke"),
        )
    }
}

#[cfg(not(windows))]
pub use elsewhere::{install, start, stop, uninstall};

use crate::failure::{Failure, Result};
use crate::settings::{Model, Settings};

/// The task windows-host: fails on other systems, before anything is built.
pub fn require_windows() -> Result<()> {
    #[cfg(not(windows))]
    elsewhere::only_windows()?;
    Ok(())
}

/// The task windows: fails if the tasks of the service cannot work, before anything is built.
pub fn require(settings: &Settings) -> Result<()> {
    require_windows()?;
    if settings.model == Model::Umdf {
        return Err(Failure::new("a UMDF driver has no service")
            .because("Windows loads it into a host process.")
            .help("to install it with an INF: pnputil /add-driver"));
    }
    Ok(())
}
