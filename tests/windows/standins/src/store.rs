//! The certificate stores: %KDRVGEN_FAKE_STORE%\{user,machine}\STORE\THUMBPRINT.pem.
//!
//! Names of stores are case-insensitive, as Wine's file system is. A store that a program is told
//! to write to is made, as CertOpenStore does it (Microsoft Learn: system store locations).

use crate::certificate::Certificate;
use std::path::PathBuf;

/// The folder of a store.
pub fn folder(machine: bool, store: &str) -> PathBuf {
    let root = std::env::var_os("KDRVGEN_FAKE_STORE")
        .unwrap_or_else(|| crate::fail("stand-in: KDRVGEN_FAKE_STORE is not set", 99));
    PathBuf::from(root)
        .join(if machine { "machine" } else { "user" })
        .join(store)
}

/// The certificates of a store, in the order of their thumbprints; none for a store without folder.
pub fn certificates(machine: bool, store: &str) -> Vec<Certificate> {
    let mut files: Vec<_> = std::fs::read_dir(folder(machine, store))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pem"))
        .collect();
    files.sort();
    files
        .iter()
        .filter_map(|file| Certificate::read(file))
        .collect()
}

/// Puts a PEM text into a store under its thumbprint. A key that is there already stays.
pub fn add(machine: bool, store: &str, pem: &str) -> Option<Certificate> {
    let folder = folder(machine, store);
    std::fs::create_dir_all(&folder).ok()?;
    let part = folder.join(format!("new-{}", std::process::id()));
    std::fs::write(&part, pem).ok()?;
    let Some(certificate) = Certificate::read(&part) else {
        let _ = std::fs::remove_file(&part);
        return None;
    };
    let place = folder.join(format!("{}.pem", certificate.thumbprint));
    let keeps_key = Certificate::read(&place).is_some_and(|old| old.has_key);
    if keeps_key && !certificate.has_key {
        let _ = std::fs::remove_file(&part);
    } else {
        std::fs::rename(&part, &place).ok()?;
    }
    Some(Certificate {
        file: place,
        ..certificate
    })
}
