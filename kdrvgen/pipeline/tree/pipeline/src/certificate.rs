//! The test certificate: made when there is none that is valid, and exported for test machines.

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

/// What the comment in a certificate of ours begins with; its identity follows.
pub const MARK: &str = "kdrvgen test certificate ";

/// What config.toml says about the test certificate.
pub struct Wanted {
    /// Common name.
    pub subject: String,
    /// Name of the certificate store.
    #[cfg_attr(unix, allow(dead_code))] // Windows alone has stores
    pub store: String,
    #[cfg_attr(unix, allow(dead_code))]
    pub is_machine_store: bool,
    /// How many days a new one is valid.
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
                Failure::new(format!("DRIVER_CERTIFICATE_DAYS is `{days}`, which is no number"))
            })?,
            id: settings::text("DRIVER_CERTIFICATE_ID")?,
        })
    }

    /// The comment that marks a certificate as one that was made for this.
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

/// Returns the valid test certificate, made if there is none.
pub fn ensure(settings: &Settings) -> Result<Identity> {
    let wanted = Wanted::read()?;
    system::ensure(&wanted).or_else(|failure| {
        // An image signed by a certificate that is gone must not look signed.
        unsign(settings)?;
        Err(failure)
    })
}

/// Whether a certificate can sign now: one that is not valid yet is as bad as an expired one.
pub fn is_valid_now(der: &[u8]) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |time| time.as_secs() as i64);
    Certificate::parse(der)
        .map_or(false, |found| found.not_before <= now && now < found.not_after)
}

/// Makes the image, if there is a signed one, unsigned again.
pub fn unsign(settings: &Settings) -> Result<()> {
    let image = match output::read_own(&settings.path) {
        Some(image) => image,
        None if settings.path.is_dir() => return Ok(()),
        None => return output::remove(&settings.path), // such as a link to a signed one
    };
    let dll = record::read_build(settings).and_then(|build| record::read_dll(settings, &build));
    match dll {
        Ok(dll) if image == dll => Ok(()),
        Ok(dll) if is_signed_copy(&dll, &image) => output::replace(&settings.path, &dll),
        _ => output::remove(&settings.path),
    }
}

/// Writes the public part where machines that must trust it get it from. The caller holds the lock.
pub fn export(settings: &Settings, identity: &Identity) -> Result<()> {
    let file = &settings.certificate;
    if output::read_own(file).as_deref() == Some(&identity.der) {
        return Ok(());
    }
    // Beside the image, the name is ours, as that of the image is; elsewhere it may be the user's.
    if file.parent() != Some(&settings.output) {
        refuse_foreign(file)?;
    }
    refuse_other_folder(settings, file)?;
    output::replace(file, &identity.der)
}

fn refuse_foreign(file: &Path) -> Result<()> {
    let is_there = fs::symlink_metadata(file).is_ok();
    if !is_there || is_ours(file) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is not a test certificate that kdrvgen made",
        file.display()
    ))
    .because("The test certificate is exported to this place, and would overwrite the file.")
    .help("move it away, or name another file by signing.certificate-file"))
}

/// Whether a file holds a certificate that bears our mark, or nothing at all.
pub fn is_ours(file: &Path) -> bool {
    output::read_own(file).map_or(false, |found| {
        found.is_empty()
            || Certificate::parse(&found).map_or(false, |found| found.comment.starts_with(MARK))
    })
}

/// A link to a folder elsewhere would lead out of the project.
fn refuse_other_folder(settings: &Settings, file: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(&settings.root);
    output::create_folder(folder)?;
    let real = |path: &Path| -> Result<PathBuf> {
        path.canonicalize()
            .map_err(|error| Failure::io("find", path, &error))
    };
    let found = real(folder)?;
    let places = [&settings.root, &settings.target_dir, &settings.output];
    for place in places {
        // Only the folder as it is named counts for the project: what lies in it may be a link.
        if file.starts_with(place) && place.exists() && found.starts_with(real(place)?) {
            return Ok(());
        }
    }
    Err(Failure::new(format!(
        "{} leads out of the project, to {}",
        folder.display(),
        found.display()
    ))
    .help("name another file by signing.certificate-file"))
}
