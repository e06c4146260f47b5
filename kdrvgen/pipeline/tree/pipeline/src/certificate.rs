//! The test certificate: created if no valid one exists, and exported for test machines.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::der::Certificate;
use crate::failure::{Failure, Result};
use crate::output;
use crate::record;
use crate::rename::is_signed_copy;
use crate::settings::{self, Settings, Signing};

#[cfg(unix)]
#[path = "certificate/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "certificate/windows.rs"]
mod system;

pub use system::{clean, trust, Identity};

/// The start of the comment in our certificates; the id follows.
pub const MARK: &str = "kdrvgen test certificate ";

/// The test certificate that config.toml describes.
pub struct Wanted {
    /// Common name.
    pub subject: String,
    /// Name of the certificate store.
    #[cfg_attr(unix, allow(dead_code))] // only Windows has stores
    pub store: String,
    #[cfg_attr(unix, allow(dead_code))]
    pub is_machine_store: bool,
    /// The number of days that a new one is valid.
    pub days: u32,
    /// A file name for (store, subject).
    pub id: String,
}

impl Wanted {
    pub fn read() -> Result<Wanted> {
        let days = settings::text("DRIVER_CERTIFICATE_DAYS")?;
        Ok(Wanted {
            subject: settings::text("DRIVER_CERTIFICATE_SUBJECT")?,
            store: settings::text("DRIVER_CERTIFICATE_STORE")?,
            is_machine_store: settings::is_yes("DRIVER_MACHINE_STORE"),
            days: days.parse().map_err(|_| {
                Failure::new(format!(
                    "DRIVER_CERTIFICATE_DAYS is `{days}`, which is not a number"
                ))
            })?,
            id: settings::text("DRIVER_CERTIFICATE_ID")?,
        })
    }

    /// Returns the comment that marks a certificate as ours, for this (store, subject).
    pub fn mark(&self) -> String {
        format!("{MARK}{}", self.id)
    }
}

/// The task certificate.
pub fn make(settings: &Settings) -> Result<()> {
    if settings.signing != Signing::Test {
        return Ok(());
    }
    let identity = ensure(settings)?;
    let _lock = record::lock(settings)?;
    export(settings, &identity)
}

/// Returns the test certificate if this run signs with one; None for the user's certificate.
pub fn of(settings: &Settings) -> Result<Option<Identity>> {
    match settings.signing {
        Signing::Test => ensure(settings).map(Some),
        Signing::Certificate | Signing::Off => Ok(None),
    }
}

/// Returns the valid test certificate. Creates one if necessary.
pub fn ensure(settings: &Settings) -> Result<Identity> {
    let wanted = Wanted::read()?;
    system::ensure(&wanted).or_else(|failure| {
        // Without the certificate, the image must not look signed.
        unsign(settings)?;
        Err(failure)
    })
}

/// Whether a certificate is valid now: neither expired nor for a later time.
pub fn is_valid_now(der: &[u8]) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |time| time.as_secs() as i64);
    Certificate::parse(der).map_or(false, |read| read.not_before <= now && now < read.not_after)
}

/// Replaces a signed image with the unsigned one.
pub fn unsign(settings: &Settings) -> Result<()> {
    let image = match output::read_regular(&settings.path) {
        Some(image) => image,
        None if settings.path.is_dir() => return Ok(()),
        None => return output::remove(&settings.path), // such as a link to a signed image
    };
    let dll = record::read_build(settings).and_then(|build| record::read_dll(settings, &build));
    match dll {
        Ok(dll) if image == dll => Ok(()),
        Ok(dll) if is_signed_copy(&dll, &image) => output::replace(&settings.path, &dll),
        _ => output::remove(&settings.path),
    }
}

/// Writes the certificate, without its key, for machines that must trust it. The caller holds the
/// lock.
pub fn export(settings: &Settings, identity: &Identity) -> Result<()> {
    let file = &settings.certificate;
    if output::read_regular(file).as_deref() == Some(&identity.der) {
        return Ok(());
    }
    // Files next to the image are ours. A file elsewhere can be the user's.
    if file.parent() != Some(&settings.output) {
        refuse_foreign(file)?;
    }
    refuse_other_folder(settings, file)?;
    output::replace(file, &identity.der)
}

fn refuse_foreign(file: &Path) -> Result<()> {
    let exists = fs::symlink_metadata(file).is_ok();
    if !exists || is_ours(file) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is not a test certificate that kdrvgen made",
        file.display()
    ))
    .because("The exported test certificate would overwrite the file.")
    .help("move the file away, or change signing.certificate-file"))
}

/// Whether a file contains a certificate with our mark, or is empty.
pub fn is_ours(file: &Path) -> bool {
    output::read_regular(file).map_or(false, |bytes| {
        bytes.is_empty()
            || Certificate::parse(&bytes).map_or(false, |read| read.comment.starts_with(MARK))
    })
}

/// Fails if a link in the path leads out of the project.
fn refuse_other_folder(settings: &Settings, file: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(&settings.root);
    output::create_folder(folder)?;
    let real = |path: &Path| -> Result<PathBuf> {
        path.canonicalize()
            .map_err(|error| Failure::io("find", path, &error))
    };
    let target = real(folder)?;
    let places = [&settings.root, &settings.target_dir, &settings.output];
    for place in places {
        // Only the named folder is part of the project, not the target of a link in it.
        if file.starts_with(place) && place.exists() && target.starts_with(real(place)?) {
            return Ok(());
        }
    }
    Err(Failure::new(format!(
        "{} leads out of the project, to {}",
        folder.display(),
        target.display()
    ))
    .help("change signing.certificate-file"))
}
