//! The test certificate on Windows: in a certificate store, its key in a container of its own.
//!
//! crypt32 and the CryptoAPI do all of it: "Cryptography Functions", Microsoft Learn. A certificate is
//! ours if it bears our mark with the identity of this (store, subject); no other one is touched.

use std::env;
use std::path::PathBuf;
use std::ptr;

use crate::certificate::{self, is_ours, Wanted};
use crate::der;
use crate::failure::{Failure, Result};
use crate::output::{self, Lock};
use crate::settings::{self, Settings, Signing};
use crate::system::last_error;
use crate::win32::*;

#[path = "windows/container.rs"]
mod container;
#[path = "windows/create.rs"]
mod create;
#[path = "windows/entry.rs"]
mod entry;
#[path = "windows/store.rs"]
mod store;

use container::{container_mark, delete_container, own_containers};
use entry::Certificate;
use store::Store;

/// A test certificate, whose key Windows keeps.
pub struct Identity {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its SHA-1 digest in hexadecimal digits, by which signtool finds it.
    pub thumbprint: String,
}

/// The stores in which a certificate makes Windows trust what it signed.
const TRUSTING: [&str; 2] = ["Root", "TrustedPublisher"];

/// Returns the identity for (store, subject), made if there is none that is valid.
///
/// Afterwards it is the only one of ours in its store: expired ones, and those whose key is gone,
/// are deleted.
pub fn ensure(wanted: &Wanted) -> Result<Identity> {
    let found = own_certificates(wanted)?;
    if let [only] = &found[..] {
        if only.can_sign()? {
            return only.identity();
        }
    }
    drop(found);
    let _lock = lock(wanted)?;
    if choose(wanted)?.is_none() {
        create::make(wanted)?;
        println!(
            "certificate: made CN={}, valid for {} days, in the store {} of {}",
            wanted.subject,
            wanted.days,
            wanted.store,
            place_of(wanted)
        );
    }
    let chosen = choose(wanted)?.ok_or_else(|| {
        Failure::new(format!(
            "the certificate that was just made is not in the store {} of {}, or not valid",
            wanted.store,
            place_of(wanted)
        ))
        .help("look at this machine's clock")
    })?;
    for found in own_certificates(wanted)? {
        let identity = found.identity()?;
        if identity.thumbprint != chosen.thumbprint {
            delete(wanted, &identity)?;
        }
    }
    Ok(chosen)
}

/// Returns the certificate to sign by: of several, the one that is valid longest.
fn choose(wanted: &Wanted) -> Result<Option<Identity>> {
    let mut chosen: Option<(i64, Identity)> = None;
    for found in own_certificates(wanted)? {
        if !found.can_sign()? {
            continue;
        }
        let end = der::Certificate::parse(found.der()).map_or(0, |found| found.not_after);
        if chosen.as_ref().map_or(true, |(best, _)| *best < end) {
            chosen = Some((end, found.identity()?));
        }
    }
    Ok(chosen.map(|(_, identity)| identity))
}

/// Puts the test certificate where Windows trusts it. For Root of a user, Windows asks in a dialog.
pub fn trust(settings: &Settings) -> Result<()> {
    if settings.signing != Signing::Test {
        return Err(Failure::new(
            "this profile has no test certificate to trust",
        ));
    }
    let identity = certificate::ensure(settings)?;
    let wanted = Wanted::read()?;
    for name in TRUSTING {
        let store = Store::create(name, &wanted)?;
        let mut known = store.certificates()?.into_iter();
        if known.any(|known| known.der() == identity.der) {
            continue;
        }
        if name == "Root" && !wanted.is_machine_store {
            println!(
                "trust-certificate: Windows asks in a dialog whether to install the certificate"
            );
        }
        // SAFETY: the length is that of the bytes, and `store` is open.
        let is_added = unsafe {
            CertAddEncodedCertificateToStore(
                store.handle,
                X509_ASN_ENCODING,
                identity.der.as_ptr(),
                identity.der.len() as u32,
                CERT_STORE_ADD_REPLACE_EXISTING,
                ptr::null_mut(),
            )
        };
        if is_added == 0 {
            return Err(refusal("add the certificate to the store", name, &wanted));
        }
        store.commit();
    }
    println!(
        "trust-certificate: CN={} is in the stores Root and TrustedPublisher of {}",
        wanted.subject,
        place_of(&wanted)
    );
    Ok(())
}

/// Removes our certificates for (store, subject), the trust in them, their keys and the exported file.
pub fn clean(settings: &Settings) -> Result<()> {
    if settings.signing != Signing::Test {
        println!("clean-cert: this profile has no test certificate");
        return Ok(());
    }
    let wanted = Wanted::read()?;
    let place = {
        let _lock = lock(&wanted)?;
        if is_ours(&settings.certificate) {
            output::remove(&settings.certificate)?;
        }
        for name in TRUSTING {
            delete_all(name, &wanted)?;
        }
        for found in own_certificates(&wanted)? {
            delete(&wanted, &found.identity()?)?;
        }
        // What killed runs left.
        for container in own_containers(&wanted) {
            delete_container(&container, &wanted)?;
        }
        lock_file(&wanted)?
    };
    println!(
        "clean-cert: no test certificate for CN={} is left in the stores {}, Root and \
         TrustedPublisher of {}",
        wanted.subject,
        wanted.store,
        place_of(&wanted)
    );
    let _ = output::remove(&place); // another run may wait for it
    Ok(())
}

fn place_of(wanted: &Wanted) -> &'static str {
    if wanted.is_machine_store {
        "this machine"
    } else {
        "this user"
    }
}

fn lock(wanted: &Wanted) -> Result<Lock> {
    Lock::take(&lock_file(wanted)?, "makes the certificate")
}

fn lock_file(wanted: &Wanted) -> Result<PathBuf> {
    let data = env::var_os("LOCALAPPDATA").map(PathBuf::from);
    let data = data.filter(|data| data.is_absolute()).ok_or_else(|| {
        Failure::new("LOCALAPPDATA is not set, or not an absolute path")
            .because("Runs that make the test certificate wait for each other by a file below it.")
    })?;
    Ok(data
        .join("kdrvgen\\certificates")
        .join(format!("{}.lock", wanted.id)))
}

/// The error of the last call, about a store.
fn refusal(deed: &str, store: &str, wanted: &Wanted) -> Failure {
    refusal_by(last_error(), deed, store, wanted)
}

fn refusal_by(code: u32, deed: &str, store: &str, wanted: &Wanted) -> Failure {
    let failure = Failure::windows(&format!("{deed} {store} of {}", place_of(wanted)), code);
    match code & 0xFFFF {
        ERROR_ACCESS_DENIED if wanted.is_machine_store => failure
            .because("Only an administrator can change the stores of this machine.")
            .help("run cargo make in a terminal that was opened by \"Run as administrator\"")
            .help(format!(
                "or set signing.machine-store = false in {}",
                settings::config_name()
            )),
        ERROR_CANCELLED => failure.help("run the task again, and answer Yes in Windows' dialog"),
        _ => failure,
    }
}

/// Our certificates for (store, subject), in the store to sign from.
fn own_certificates(wanted: &Wanted) -> Result<Vec<Certificate>> {
    match Store::existing(&wanted.store, wanted)? {
        Some(store) => store.own(wanted),
        None => Ok(Vec::new()),
    }
}

/// Deletes one of our certificates with its key: the key first, so that what remains of a failure is
/// found again.
fn delete(wanted: &Wanted, identity: &Identity) -> Result<()> {
    let store = Store::create(&wanted.store, wanted)?;
    for found in store.own(wanted)? {
        if found.der() == identity.der {
            let (container, _) = found.container().unwrap_or_default();
            if container.starts_with(&container_mark(wanted)) {
                delete_container(&container, wanted)?;
            }
            found.delete(&wanted.store, wanted)?;
        }
    }
    store.commit();
    drop(store);
    let mut left = own_certificates(wanted)?.into_iter();
    check_is_gone(
        left.any(|left| left.der() == identity.der),
        &wanted.store,
        wanted,
    )
}

/// Deletes all of our certificates for (store, subject) in another store, in which they have no key.
fn delete_all(name: &str, wanted: &Wanted) -> Result<()> {
    if !has_own(name, wanted)? {
        return Ok(()); // without a right to write
    }
    if name == "Root" && !wanted.is_machine_store {
        println!("clean-cert: Windows asks in a dialog whether to delete the certificate");
    }
    let store = Store::create(name, wanted)?;
    for found in store.own(wanted)? {
        found.delete(name, wanted)?;
    }
    store.commit();
    drop(store);
    check_is_gone(has_own(name, wanted)?, name, wanted)
}

fn has_own(name: &str, wanted: &Wanted) -> Result<bool> {
    match Store::existing(name, wanted)? {
        Some(store) => Ok(!store.own(wanted)?.is_empty()),
        None => Ok(false),
    }
}

fn check_is_gone(is_left: bool, store: &str, wanted: &Wanted) -> Result<()> {
    if is_left {
        return Err(Failure::new(format!(
            "the test certificate is still in the store {store} of {}",
            place_of(wanted)
        ))
        .because("Windows reported that it deleted the certificate."));
    }
    Ok(())
}
