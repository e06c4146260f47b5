//! The task verify, and the check of each new signature before it replaces the image.

use std::env;

use crate::failure::{Failure, Result};
use crate::output;
use crate::process::{on_path, printed, Tool};
use crate::record;
use crate::rename::is_signed_copy;
use crate::settings::{self, Settings, Signing};

#[cfg(unix)]
#[path = "verify/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "verify/windows.rs"]
mod system;

pub use system::new_signature;

/// kdrvgen's exit code for "errors found".
const ERRORS_FOUND: i32 = 6;

pub fn verify(settings: &Settings) -> Result<()> {
    if settings.signing == Signing::Off {
        return Err(Failure::new(format!(
            "{} is not signed, because signing.mode is \"off\"",
            settings.path.display()
        )));
    }
    let build = record::read_build(settings)?;
    let _lock = record::lock(settings)?;
    let image = output::read(&settings.path)?;
    if !is_signed_copy(&record::read_dll(settings, &build)?, &image) {
        return Err(Failure::new(format!(
            "{} is not the linked image with a signature",
            settings.path.display()
        ))
        .help("if another run is signing it, wait until that run ends"));
    }
    system::signed_image(settings, &settings.path)?;
    whole_image(settings)?;
    println!("verify: {}", settings.path.display());
    Ok(())
}

/// Runs `kdrvgen verify` on the image, if kdrvgen is installed.
fn whole_image(settings: &Settings) -> Result<()> {
    let config = settings::text("DRIVER_CONFIG")?;
    // With DRIVER_TIMESTAMP_URL, the signature differs from the configuration.
    let is_overridden = env::var_os("DRIVER_TIMESTAMP_URL").is_some();
    if config.is_empty() || is_overridden || !settings.root.join(&config).is_file() {
        return Ok(());
    }
    let kdrvgen = match on_path("kdrvgen") {
        Some(kdrvgen) => kdrvgen,
        None => return Ok(()),
    };
    let output = Tool::new(kdrvgen)
        .args([
            "verify",
            "-q",
            "--config",
            &config,
            "--profile",
            &settings.profile,
        ])
        .arg(&settings.path)
        .output()?;
    match output.status.code() {
        Some(0) => Ok(()),
        Some(ERRORS_FOUND) => Err(Failure::new(format!(
            "kdrvgen verify found errors in {} (exit code {ERRORS_FOUND})",
            settings.path.display()
        ))
        .because(printed(&output))),
        code => Err(Failure::new(format!(
            "kdrvgen verify ended with {}",
            code.map_or("a signal".to_owned(), |code| format!("exit code {code}"))
        ))
        .because(printed(&output))),
    }
}
