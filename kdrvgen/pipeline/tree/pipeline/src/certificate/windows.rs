//! The test certificate on Windows: in a certificate store, with its key in a separate container.
//!
//! Uses crypt32 and the CryptoAPI: "Cryptography Functions", Microsoft Learn. A certificate is ours
//! if it has our mark with the id of this (store, subject). Other certificates are never changed.

use std::env;
use std::path::PathBuf;
use std::ptr;

use crate::certificate::{self, is_ours, Wanted};
use crate::der;
use crate::failure::{Failure, Result};
use crate::lock::Lock;
use crate::output;
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

use container::{container_prefix, delete_container, own_containers};
use entry::Certificate;
use store::Store;

/// A test certificate. Windows stores its key.
pub struct Identity {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its SHA-1 digest in hexadecimal digits, which signtool identifies it by.
    pub thumbprint: String,
}

/// The stores that make Windows trust a certificate.
const TRUST_STORES: [&str; 2] = ["Root", "TrustedPublisher"];

/// Returns the identity for (store, subject). Creates one if no valid one exists.
///
/// Deletes our other certificates in the store: expired ones, and those without a key.
pub fn ensure(wanted: &Wanted) -> Result<Identity> {
    let certificates = own_certificates(wanted)?;
    if let [only] = &certificates[..] {
        if only.can_sign()? {
            return only.identity();
        }
    }
    drop(certificates);
    let _lock = lock(wanted)?;
    if choose(wanted)?.is_none() {
        create::create(wanted)?;
        println!(
            "certificate: created CN={}, valid for {} days, in the store {} of {}",
            wanted.subject,
            wanted.days,
            wanted.store,
            owner_of(wanted)
        );
    }
    let chosen = choose(wanted)?.ok_or_else(|| {
        Failure::new(format!(
            "the new certificate is not in the store {} of {}, or not valid",
            wanted.store,
            owner_of(wanted)
        ))
        .help("check the clock of this machine")
    })?;
    for certificate in own_certificates(wanted)? {
        let identity = certificate.identity()?;
        if identity.thumbprint != chosen.thumbprint {
            delete(wanted, &identity)?;
        }
    }
    Ok(chosen)
}

/// Returns the certificate to sign with: the valid one that expires last.
fn choose(wanted: &Wanted) -> Result<Option<Identity>> {
    let mut chosen: Option<(i64, Identity)> = None;
    for certificate in own_certificates(wanted)? {
        if !certificate.can_sign()? {
            continue;
        }
        let end = der::Certificate::parse(certificate.der()).map_or(0, |read| read.not_after);
        if chosen.as_ref().map_or(true, |(best, _)| *best < end) {
            chosen = Some((end, certificate.identity()?));
        }
    }
    Ok(chosen.map(|(_, identity)| identity))
}

/// Adds the test certificate to the stores that Windows trusts. For a user's store Root, Windows
/// shows a dialog.
pub fn trust(settings: &Settings) -> Result<()> {
    if settings.signing != Signing::Test {
        return Err(Failure::new(
            "this profile has no test certificate to trust",
        ));
    }
    let identity = certificate::ensure(settings)?;
    let wanted = Wanted::read()?;
    for name in TRUST_STORES {
        let store = Store::create(name, &wanted)?;
        let mut known = store.certificates()?.into_iter();
        if known.any(|known| known.der() == identity.der) {
            continue;
        }
        if name == "Root" && !wanted.is_machine_store {
            println!(
                "trust-certificate: Windows shows a dialog: answer Yes to install the certificate"
            );
        }
        // SAFETY: the length is that of the certificate, and `store` is open.
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
        owner_of(&wanted)
    );
    Ok(())
}

/// Removes our certificates for (store, subject) from all stores, their keys, and the exported
/// file.
pub fn clean(settings: &Settings) -> Result<()> {
    if settings.signing != Signing::Test {
        println!("clean-cert: this profile has no test certificate");
        return Ok(());
    }
    let wanted = Wanted::read()?;
    let lock_file = {
        let _lock = lock(&wanted)?;
        if is_ours(&settings.certificate) {
            output::remove(&settings.certificate)?;
        }
        for name in TRUST_STORES {
            delete_all(name, &wanted)?;
        }
        for certificate in own_certificates(&wanted)? {
            delete(&wanted, &certificate.identity()?)?;
        }
        // Containers that killed runs left.
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
        owner_of(&wanted)
    );
    let _ = output::remove(&lock_file); // fails if another run waits for it
    Ok(())
}

fn owner_of(wanted: &Wanted) -> &'static str {
    if wanted.is_machine_store {
        "this machine"
    } else {
        "this user"
    }
}

fn lock(wanted: &Wanted) -> Result<Lock> {
    Lock::take(&lock_file(wanted)?, "creates the certificate")
}

fn lock_file(wanted: &Wanted) -> Result<PathBuf> {
    let data = env::var_os("LOCALAPPDATA").map(PathBuf::from);
    let data = data.filter(|data| data.is_absolute()).ok_or_else(|| {
        Failure::new("LOCALAPPDATA is not set to an absolute path")
            .because("The lock file for creating the test certificate is stored below it.")
    })?;
    Ok(data
        .join("kdrvgen\\certificates")
        .join(format!("{}.lock", wanted.id)))
}

/// Returns the failure for the last error of Windows about a store.
fn refusal(action: &str, store: &str, wanted: &Wanted) -> Failure {
    refusal_by(last_error(), action, store, wanted)
}

fn refusal_by(code: u32, action: &str, store: &str, wanted: &Wanted) -> Failure {
    let failure = Failure::windows(&format!("{action} {store} of {}", owner_of(wanted)), code);
    match code & 0xFFFF {
        ERROR_ACCESS_DENIED if wanted.is_machine_store => failure
            .because("Only an administrator can change the stores of this machine.")
            .help("open a terminal with \"Run as administrator\", and run cargo make there")
            .help(format!(
                "or set signing.machine-store = false in {}",
                settings::config_name()
            )),
        ERROR_CANCELLED => failure.help("run the task again, and answer Yes in the dialog"),
        _ => failure,
    }
}

/// Returns our certificates for (store, subject) in the configured store.
fn own_certificates(wanted: &Wanted) -> Result<Vec<Certificate>> {
    match Store::existing(&wanted.store, wanted)? {
        Some(store) => store.own(wanted),
        None => Ok(Vec::new()),
    }
}

/// Deletes one of our certificates with its key. The key goes first: after a failure, the
/// certificate still names it.
fn delete(wanted: &Wanted, identity: &Identity) -> Result<()> {
    let store = Store::create(&wanted.store, wanted)?;
    for certificate in store.own(wanted)? {
        if certificate.der() == identity.der {
            let (container, _) = certificate.container().unwrap_or_default();
            if container.starts_with(&container_prefix(wanted)) {
                delete_container(&container, wanted)?;
            }
            certificate.delete(&wanted.store, wanted)?;
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

/// Deletes our certificates for (store, subject) from a store where they have no key.
fn delete_all(name: &str, wanted: &Wanted) -> Result<()> {
    if !has_own(name, wanted)? {
        return Ok(()); // without opening the store for writing
    }
    if name == "Root" && !wanted.is_machine_store {
        println!("clean-cert: Windows shows a dialog: answer Yes to delete the certificate");
    }
    let store = Store::create(name, wanted)?;
    for certificate in store.own(wanted)? {
        certificate.delete(name, wanted)?;
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
            owner_of(wanted)
        ))
        .because("Windows reported that it deleted the certificate."));
    }
    Ok(())
}
