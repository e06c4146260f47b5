//! The tasks install-package and uninstall-package, on Windows.

#[cfg(windows)]
#[path = "install/windows.rs"]
mod system;

#[cfg(windows)]
pub use system::{install, uninstall};

#[cfg(not(windows))]
mod elsewhere {
    use crate::failure::Result;
    use crate::service;
    use crate::settings::Settings;

    pub fn install(_settings: &Settings) -> Result<()> {
        service::require_windows()
    }

    pub fn uninstall(_settings: &Settings) -> Result<()> {
        service::require_windows()
    }
}

#[cfg(not(windows))]
pub use elsewhere::{install, uninstall};
