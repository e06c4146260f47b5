//! The test certificate on Unix: a file with key and certificate that only the user can read.

use std::env;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::certificate::{is_ours, is_valid_now, Wanted};
use crate::der;
use crate::digest::sha256;
use crate::failure::{Failure, Result};
use crate::lock::Lock;
use crate::output;
use crate::pem;
use crate::process::{on_path, printed, Tool};
use crate::settings::{Settings, Signing};
use crate::system;

/// A test certificate with its key.
pub struct Identity {
    /// The certificate.
    pub der: Vec<u8>,
    /// The PEM file with the key and the certificate.
    pub file: PathBuf,
}

/// Returns the identity for (store, subject). Creates one if no valid one exists.
pub fn ensure(wanted: &Wanted) -> Result<Identity> {
    let file = identity_file(wanted)?;
    if let Some(identity) = load(&file, wanted)? {
        return Ok(identity);
    }
    let folder = file.parent().unwrap_or(&file);
    make_private_folder(folder)?;
    let _lock = Lock::take(
        &folder.join(format!("{}.lock", wanted.id)),
        "creates the certificate",
    )?;
    if let Some(identity) = load(&file, wanted)? {
        return Ok(identity); // another run has created it
    }
    write(&file, wanted)?;
    let identity = load(&file, wanted)?.ok_or_else(|| {
        Failure::new(format!(
            "openssl wrote no valid certificate to {}",
            file.display()
        ))
        .help("check the clock of this machine")
    })?;
    println!(
        "certificate: created CN={}, valid for {} days, in {}",
        wanted.subject,
        wanted.days,
        file.display()
    );
    Ok(identity)
}

/// Fails: only Windows has certificate stores.
pub fn trust(_settings: &Settings) -> Result<()> {
    Err(Failure::new("only Windows has certificate stores")
        .help("copy the exported certificate (DRIVER_CERTIFICATE) to the test machine"))
}

/// Removes the test certificate, its key and the exported file.
pub fn clean(settings: &Settings) -> Result<()> {
    if settings.signing != Signing::Test {
        println!("clean-cert: this profile has no test certificate");
        return Ok(());
    }
    let wanted = Wanted::read()?;
    let file = identity_file(&wanted)?;
    if is_ours(&settings.certificate) {
        output::remove(&settings.certificate)?;
    }
    if fs::symlink_metadata(&file).is_ok() {
        output::remove(&file)?;
        println!("clean-cert: removed {}", file.display());
    } else {
        println!(
            "clean-cert: no test certificate for CN={} exists",
            wanted.subject
        );
    }
    output::remove(&file.with_extension("lock"))
}

/// Returns the file for (store, subject) in the user's data folder (XDG Base Directory
/// Specification: a relative XDG_DATA_HOME is ignored).
fn identity_file(wanted: &Wanted) -> Result<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .ok_or_else(|| {
            Failure::new("HOME is not set to an absolute path")
                .because("The private key of the test certificate is stored below it.")
                .help("set HOME, or set XDG_DATA_HOME to one of your folders")
        })?;
    Ok(data
        .join("kdrvgen/certificates")
        .join(format!("{}.pem", wanted.id)))
}

/// Returns the identity in a file; None if it is missing, damaged or not valid now.
///
/// Fails if other users can read or replace the key.
fn load(file: &Path, wanted: &Wanted) -> Result<Option<Identity>> {
    let metadata = match fs::symlink_metadata(file) {
        Ok(metadata) => metadata,
        Err(_) => return Ok(None),
    };
    if !metadata.is_file() {
        return Err(
            Failure::new(format!("{} is not a regular file", file.display()))
                .because("The key of the test certificate must be stored there.")
                .help("remove it"),
        );
    }
    refuse_others(file, &metadata, 0o077)?;
    let folder = file.parent().unwrap_or(file);
    let metadata = fs::metadata(folder).map_err(|error| Failure::io("read", folder, &error))?;
    refuse_others(folder, &metadata, 0o022)?;
    let text = String::from_utf8(output::read(file)?).unwrap_or_default();
    let der = match undamaged(&text).and_then(|both| pem::decode(both, "CERTIFICATE")) {
        Some(der) if is_valid_now(&der) => der,
        _ => return Ok(None),
    };
    let comment = der::Certificate::parse(&der).map(|read| read.comment);
    if comment != Some(wanted.mark()) {
        return Ok(None); // of an older version, or for another (store, subject)
    }
    Ok(Some(Identity {
        der,
        file: file.to_owned(),
    }))
}

/// Text outside of the blocks of a PEM file is a comment (RFC 7468, section 2).
const DIGEST: &str = "# SHA-256 of the above: ";

/// Appends the digest that [`undamaged`] checks to key and certificate.
fn with_digest(both: &str) -> String {
    format!("{both}{DIGEST}{}\n", sha256(both.as_bytes()))
}

/// Returns key and certificate as they were written; None if a bit has changed.
fn undamaged(text: &str) -> Option<&str> {
    let (both, digest) = text.split_once(DIGEST)?;
    (digest.trim_end() == sha256(both.as_bytes())).then_some(both)
}

fn refuse_others(path: &Path, metadata: &fs::Metadata, mode: u32) -> Result<()> {
    if metadata.uid() != system::user() {
        return Err(
            Failure::new(format!("{} belongs to another user", path.display()))
                .because("The owner of the key can sign in your name.")
                .help("remove it: the next run creates a new test certificate"),
        );
    }
    if metadata.mode() & mode != 0 {
        let permissions = if mode == 0o077 { "600" } else { "700" };
        return Err(Failure::new(format!(
            "other users can {} {}",
            if mode == 0o077 { "read" } else { "write to" },
            path.display()
        ))
        .because("It contains the private key of the test certificate.")
        .help(format!("chmod {permissions} '{}'", path.display())));
    }
    Ok(())
}

fn make_private_folder(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Failure::io("create the folder", folder, &error))
}

/// Creates key and certificate with openssl, and writes both to the file.
fn write(file: &Path, wanted: &Wanted) -> Result<()> {
    if on_path("openssl").is_none() {
        return Err(Failure::new("openssl is not installed")
            .because("The task creates the test certificate with it.")
            .help("Debian: apt install openssl"));
    }
    let folder = file.parent().unwrap_or(file);
    let scratch = Scratch::make(folder, &wanted.id)?;
    let (request, key, certificate) = (
        scratch.folder.join("request"),
        scratch.folder.join("key"),
        scratch.folder.join("certificate"),
    );
    let text = format!(
        "[req]\ndistinguished_name = name\nx509_extensions = extensions\n[name]\n[extensions]\n\
         basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n\
         extendedKeyUsage = codeSigning\nsubjectKeyIdentifier = hash\nnsComment = {}\n",
        wanted.mark()
    );
    fs::write(&request, text).map_err(|error| Failure::io("write", &request, &error))?;
    let output = Tool::new("openssl")
        .args(["req", "-x509", "-config"])
        .arg(&request)
        .args(["-utf8", "-subj"])
        .arg(format!("/CN={}", escaped(&wanted.subject)))
        .args(["-days", &wanted.days.to_string()])
        .args(["-sha256", "-newkey", "rsa:3072", "-nodes", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()?;
    if !output.status.success() {
        return Err(
            Failure::new("openssl could not create the certificate").because(printed(&output))
        );
    }
    let both = [output::read(&key)?, output::read(&certificate)?].concat();
    let both = with_digest(&String::from_utf8_lossy(&both));
    let identity = scratch.folder.join("identity");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(&identity)
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, both.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&identity, file))
        .map_err(|error| Failure::io("write", file, &error))
}

/// Escapes the separators of openssl's `-subj`.
fn escaped(subject: &str) -> String {
    let mut text = String::new();
    for character in subject.chars() {
        if "\\/+".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// A private folder for creating a key. It is removed at the end, or by the next run.
struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// Creates the folder. The caller holds the lock, so an existing one is from a killed run.
    fn make(folder: &Path, id: &str) -> Result<Scratch> {
        let folder = folder.join(format!("new-{id}"));
        let is_folder = fs::symlink_metadata(&folder).map(|metadata| metadata.is_dir());
        let removed = match is_folder {
            Ok(true) => fs::remove_dir_all(&folder),
            Ok(false) => fs::remove_file(&folder),
            Err(_) => Ok(()),
        };
        removed
            .and_then(|()| fs::DirBuilder::new().mode(0o700).create(&folder))
            .map_err(|error| Failure::io("create the folder", &folder, &error))?;
        Ok(Scratch { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn separators_in_a_subject_are_escaped() {
        assert_eq!(escaped("a/b+c\\d=e, f"), "a\\/b\\+c\\\\d=e, f");
    }
}
