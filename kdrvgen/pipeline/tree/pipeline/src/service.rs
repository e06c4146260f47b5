//! The tasks install, start, stop and uninstall: the driver's service, which Windows alone has.

#[cfg(windows)]
#[path = "service/windows.rs"]
mod system;

#[cfg(windows)]
pub use system::{install, start, stop, uninstall};

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
        Err(Failure::new("only Windows has services for drivers")
            .help("to try the driver in Wine's kernel: cargo make smoke"))
    }
}

#[cfg(not(windows))]
pub use elsewhere::{install, start, stop, uninstall};

use crate::failure::{Failure, Result};
use crate::settings::{Model, Settings};

/// The task before those of the service: fails where they cannot work, before anything is built.
pub fn require(settings: &Settings) -> Result<()> {
    #[cfg(not(windows))]
    elsewhere::only_windows()?;
    if settings.model == Model::Umdf {
        return Err(Failure::new("a UMDF driver has no service of its own")
            .because("Windows' host process loads it.")
            .help("install it by an INF: pnputil /add-driver"));
    }
    Ok(())
}
