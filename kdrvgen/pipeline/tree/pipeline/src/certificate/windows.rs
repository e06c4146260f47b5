//! The test certificate on Windows: in a certificate store, its key in a container of its own.
//!
//! crypt32 and the CryptoAPI do all of it: "Cryptography Functions", Microsoft Learn. A certificate is
//! ours if it bears our mark with the identity of this (store, subject); no other one is touched.

use std::env;
use std::ffi::c_void;
use std::path::PathBuf;
use std::process;
use std::ptr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::certificate::{self, is_ours, is_valid_now, Wanted};
use crate::der;
use crate::failure::{Failure, Result};
use crate::output::{self, Lock};
use crate::settings::{self, Settings, Signing};
use crate::system::{last_error, wide};
use crate::win32::*;

/// A test certificate, whose key Windows keeps.
pub struct Identity {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its SHA-1 digest in hexadecimal digits, by which signtool finds it.
    pub thumbprint: String,
}

/// The stores in which a certificate makes Windows trust what it signed.
const TRUSTING: [&str; 2] = ["Root", "TrustedPublisher"];

const KEY_BITS: u32 = 3072;

/// Values of the extensions, in DER (RFC 5280, 4.2.1): CA:FALSE, digitalSignature, and the purpose
/// code signing, 1.3.6.1.5.5.7.3.3.
const NOT_A_CA: &[u8] = &[0x30, 0];
const DIGITAL_SIGNATURE: &[u8] = &[0x03, 2, 7, 0x80];
const FOR_CODE: &[u8] = &[0x30, 10, 0x06, 8, 0x2B, 6, 1, 5, 5, 7, 3, 3];
/// commonName, 2.5.4.3
const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 4, 3];
const UTF8_STRING: u8 = 0x0C;
const IA5_STRING: u8 = 0x16;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// 100-nanosecond steps from 1601 to 1970, and in a second.
const STEPS_TO_1970: u64 = 116_444_736_000_000_000;
const STEPS_OF_A_SECOND: u64 = 10_000_000;
const SECONDS_OF_A_DAY: u64 = 86_400;

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
        make(wanted)?;
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

// --- making -------------------------------------------------------------------------------------

/// Makes a key and a certificate of it, and puts that into the store.
fn make(wanted: &Wanted) -> Result<()> {
    let store = Store::create(&wanted.store, wanted)?;
    let container = Container::make(wanted)?;
    let certificate = with_positive_serial(|| self_signed(&container, wanted))?;
    let name = wide(format!("kdrvgen test certificate ({})", wanted.subject));
    let name = Blob {
        length: 2 * name.len() as u32,
        data: name.as_ptr().cast(),
    };
    // SAFETY: `name` is the blob of a text with its zero, as this property needs it, and both outlive
    // the call.
    let is_named = unsafe {
        CertSetCertificateContextProperty(
            certificate.context,
            CERT_FRIENDLY_NAME_PROP_ID,
            0,
            (&name as *const Blob).cast(),
        )
    };
    if is_named == 0 {
        return Err(Failure::windows("name the certificate", last_error()));
    }
    // SAFETY: store and context are open.
    let is_added = unsafe {
        CertAddCertificateContextToStore(
            store.handle,
            certificate.context,
            CERT_STORE_ADD_REPLACE_EXISTING,
            ptr::null_mut(),
        )
    };
    if is_added == 0 {
        return Err(refusal(
            "add the certificate to the store",
            &wanted.store,
            wanted,
        ));
    }
    store.commit();
    container.keep();
    Ok(())
}

/// Windows chooses the serial number, and nothing promises that it is positive.
fn with_positive_serial(make: impl Fn() -> Result<Certificate>) -> Result<Certificate> {
    for _ in 0..64 {
        let made = make()?;
        let found = der::Certificate::parse(made.der());
        if found.map_or(false, |found| found.has_positive_serial) {
            return Ok(made);
        }
    }
    Err(Failure::new("Windows makes certificates without a positive serial number only"))
}

fn self_signed(container: &Container, wanted: &Wanted) -> Result<Certificate> {
    let subject = name_of(&wanted.subject);
    let subject = blob(&subject);
    let name = wide(&container.name);
    let provider_name = wide(MS_ENH_RSA_AES_PROV);
    let key = KeyProvInfo {
        container: name.as_ptr(),
        provider: provider_name.as_ptr(),
        provider_kind: PROV_RSA_AES,
        flags: container.flags,
        parameter_count: 0,
        parameters: ptr::null(),
        key_spec: AT_SIGNATURE,
    };
    let algorithm = AlgorithmIdentifier {
        identifier: b"1.2.840.113549.1.1.11\0".as_ptr(), // sha256WithRSAEncryption
        parameters: blob(&[]),
    };
    let comment = der::element(IA5_STRING, wanted.mark().as_bytes());
    let extension = |identifier: &'static [u8], is_critical: bool, value| CertExtension {
        identifier: identifier.as_ptr(),
        is_critical: i32::from(is_critical),
        value: blob(value),
    };
    let extensions = [
        extension(b"2.5.29.19\0", true, NOT_A_CA),
        extension(b"2.5.29.15\0", true, DIGITAL_SIGNATURE),
        extension(b"2.5.29.37\0", false, FOR_CODE),
        extension(b"2.16.840.1.113730.1.13\0", false, &comment),
    ];
    let extensions = CertExtensions {
        count: extensions.len() as u32,
        extensions: extensions.as_ptr(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    let start = system_time(now);
    let end = system_time(now + u64::from(wanted.days) * SECONDS_OF_A_DAY);
    // SAFETY: everything that is pointed to outlives the call, and texts end in a zero.
    let context = unsafe {
        CertCreateSelfSignCertificate(
            container.provider,
            &subject,
            0,
            &key,
            &algorithm,
            &start,
            &end,
            &extensions,
        )
    };
    if context.is_null() {
        return Err(Failure::windows("make a certificate", last_error()));
    }
    Ok(Certificate { context })
}

/// A name that consists of a common name alone (RFC 5280, 4.1.2.4).
fn name_of(subject: &str) -> Vec<u8> {
    let value = der::element(UTF8_STRING, subject.as_bytes());
    let attribute = der::element(SEQUENCE, &[COMMON_NAME, &value[..]].concat());
    der::element(SEQUENCE, &der::element(SET, &attribute))
}

fn blob(bytes: &[u8]) -> Blob {
    Blob {
        length: bytes.len() as u32,
        data: bytes.as_ptr(),
    }
}

/// The time of a number of seconds since 1970, as Windows' certificates take it.
fn system_time(seconds: u64) -> crate::win32::SystemTime {
    let steps = STEPS_TO_1970 + seconds * STEPS_OF_A_SECOND;
    let from = FileTime {
        low: steps as u32,
        high: (steps >> 32) as u32,
    };
    let mut time = crate::win32::SystemTime::default();
    // SAFETY: both are of the right size; a time that cannot be converted leaves zeros, which no
    // certificate is made with.
    unsafe { FileTimeToSystemTime(&from, &mut time) };
    time
}

// --- key containers -----------------------------------------------------------------------------

/// A new key container, deleted again unless it is kept.
struct Container {
    provider: usize,
    name: String,
    flags: u32,
    is_kept: bool,
}

/// What the names of our containers begin with.
fn container_mark(wanted: &Wanted) -> String {
    format!("kdrvgen {} ", wanted.id)
}

fn container_flags(wanted: &Wanted) -> u32 {
    if wanted.is_machine_store {
        CRYPT_MACHINE_KEYSET
    } else {
        0
    }
}

impl Container {
    /// Makes a container with a key that signs and can be exported.
    fn make(wanted: &Wanted) -> Result<Container> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "{}{:x}-{}",
            container_mark(wanted),
            now.as_nanos(),
            process::id()
        );
        let flags = container_flags(wanted);
        let refused = |code: u32| {
            let failure = Failure::windows("make a key for the certificate", code);
            if code & 0xFFFF == ERROR_ACCESS_DENIED && wanted.is_machine_store {
                failure.help(
                    "run cargo make in a terminal that was opened by \"Run as administrator\"",
                )
            } else {
                failure
            }
        };
        let provider = acquire(&name, flags | CRYPT_NEWKEYSET | CRYPT_SILENT).map_err(refused)?;
        let container = Container {
            provider,
            name,
            flags,
            is_kept: false,
        };
        let mut key = 0;
        // SAFETY: the provider is open; the length stands in the upper half of the flags.
        let is_made = unsafe {
            CryptGenKey(
                provider,
                AT_SIGNATURE,
                KEY_BITS << 16 | CRYPT_EXPORTABLE,
                &mut key,
            )
        };
        if is_made == 0 {
            return Err(refused(last_error()));
        }
        // SAFETY: the handle is open and used no more; the key stays in its container.
        unsafe { CryptDestroyKey(key) };
        Ok(container)
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: the handle is open and used no more.
        unsafe { CryptReleaseContext(self.provider, 0) };
        if !self.is_kept {
            let _ = acquire(&self.name, self.flags | CRYPT_DELETEKEYSET | CRYPT_SILENT);
        }
    }
}

/// Opens, makes or deletes a key container of the provider that our certificates use; returns
/// Windows' handle, which is none after a deletion.
fn acquire(container: &str, flags: u32) -> std::result::Result<usize, u32> {
    let container = wide(container);
    let name = wide(MS_ENH_RSA_AES_PROV);
    let mut provider = 0;
    // SAFETY: both names end in a zero and outlive the call.
    let is_done = unsafe {
        CryptAcquireContextW(
            &mut provider,
            container.as_ptr(),
            name.as_ptr(),
            PROV_RSA_AES,
            flags,
        )
    };
    if is_done == 0 {
        Err(last_error())
    } else {
        Ok(provider)
    }
}

/// The public half of the key in a container, as certificates hold it; empty without a key.
fn public_key(provider: usize) -> Vec<u8> {
    let mut buffer = vec![0_u64; 256];
    let mut length = (buffer.len() * std::mem::size_of::<u64>()) as u32;
    // SAFETY: the length is that of the buffer, which is aligned for the structure; what that points
    // to lies in the buffer too.
    unsafe {
        let info = buffer.as_mut_ptr().cast::<PublicKeyInfo>();
        let is_given =
            CryptExportPublicKeyInfo(provider, AT_SIGNATURE, X509_ASN_ENCODING, info, &mut length);
        if is_given == 0 {
            return Vec::new();
        }
        let key = &(*info).key;
        std::slice::from_raw_parts(key.data, key.length as usize).to_vec()
    }
}

fn delete_container(name: &str, wanted: &Wanted) -> Result<()> {
    let flags = container_flags(wanted) | CRYPT_DELETEKEYSET | CRYPT_SILENT;
    match acquire(name, flags) {
        Ok(_) | Err(NTE_BAD_KEYSET) | Err(NTE_KEYSET_NOT_DEF) => Ok(()),
        Err(code) => Err(Failure::windows(
            &format!("delete the private key in the container `{name}`"),
            code,
        )),
    }
}

/// The names of all containers that were made for (store, subject).
fn own_containers(wanted: &Wanted) -> Vec<String> {
    let flags = container_flags(wanted) | CRYPT_VERIFYCONTEXT | CRYPT_SILENT;
    let name = wide(MS_ENH_RSA_AES_PROV);
    let mut provider = 0;
    // SAFETY: the name ends in a zero; without a container, only the list of them is reached.
    let is_open = unsafe {
        CryptAcquireContextW(
            &mut provider,
            ptr::null(),
            name.as_ptr(),
            PROV_RSA_AES,
            flags,
        )
    };
    if is_open == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut which = CRYPT_FIRST;
    let mut buffer = [0; 1024];
    loop {
        let mut length = buffer.len() as u32;
        // SAFETY: the length is that of the buffer.
        let is_given = unsafe {
            CryptGetProvParam(
                provider,
                PP_ENUMCONTAINERS,
                buffer.as_mut_ptr(),
                &mut length,
                which,
            )
        };
        if is_given == 0 {
            break; // ERROR_NO_MORE_ITEMS, or a list that cannot be read
        }
        which = CRYPT_NEXT;
        // Our own names are ASCII.
        let name = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        if name.starts_with(&container_mark(wanted)) {
            found.push(name);
        }
    }
    // SAFETY: the handle is open and used no more.
    unsafe { CryptReleaseContext(provider, 0) };
    found
}

// --- stores -------------------------------------------------------------------------------------

/// A certificate store of the registry: that of this user, or that of the machine.
struct Store {
    handle: *mut c_void,
}

impl Store {
    /// Opens a store for writing, which is made if there is none.
    fn create(name: &str, wanted: &Wanted) -> Result<Store> {
        Store::open(name, wanted, 0)
            .map_err(|code| refusal_by(code, "open the certificate store", name, wanted))
    }

    /// Opens a store to look into; None if there is no such store.
    fn existing(name: &str, wanted: &Wanted) -> Result<Option<Store>> {
        let flags = CERT_STORE_OPEN_EXISTING_FLAG | CERT_STORE_READONLY_FLAG;
        match Store::open(name, wanted, flags) {
            Ok(store) => Ok(Some(store)),
            Err(code) if code & 0xFFFF == ERROR_FILE_NOT_FOUND => Ok(None),
            Err(code) => Err(refusal_by(code, "open the certificate store", name, wanted)),
        }
    }

    fn open(name: &str, wanted: &Wanted, flags: u32) -> std::result::Result<Store, u32> {
        let location = if wanted.is_machine_store {
            CERT_SYSTEM_STORE_LOCAL_MACHINE
        } else {
            CERT_SYSTEM_STORE_CURRENT_USER
        };
        let name = wide(name);
        // SAFETY: this provider takes the name of a store, which ends in a zero.
        let handle = unsafe {
            CertOpenStore(
                CERT_STORE_PROV_SYSTEM_REGISTRY_W,
                0,
                0,
                location | flags,
                name.as_ptr().cast(),
            )
        };
        if handle.is_null() {
            Err(last_error())
        } else {
            Ok(Store { handle })
        }
    }

    /// All certificates, whoever they are of.
    fn certificates(&self) -> Result<Vec<Certificate>> {
        let mut found = Vec::new();
        let mut previous: *const CertContext = ptr::null();
        loop {
            // SAFETY: `previous` is null or what the last call gave, which this one frees.
            previous = unsafe { CertEnumCertificatesInStore(self.handle, previous) };
            if previous.is_null() {
                return Ok(found);
            }
            // SAFETY: the context is open until the next turn, and so is the duplicate after it.
            let context = unsafe { CertDuplicateCertificateContext(previous) };
            found.push(Certificate { context });
        }
    }

    /// Those that bear our mark for (store, subject).
    fn own(&self, wanted: &Wanted) -> Result<Vec<Certificate>> {
        let mut found = self.certificates()?;
        found.retain(|found| {
            der::Certificate::parse(found.der()).map_or(false, |read| read.comment == wanted.mark())
        });
        Ok(found)
    }

    /// Has changes written at once. A store that writes each of them itself may know nothing of it.
    fn commit(&self) {
        // SAFETY: the store is open.
        unsafe { CertControlStore(self.handle, 0, CERT_STORE_CTRL_COMMIT, ptr::null()) };
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the handle is open and used no more. Contexts that are still open keep what they
        // need.
        unsafe { CertCloseStore(self.handle, 0) };
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

/// A certificate that Windows has open.
struct Certificate {
    context: *const CertContext,
}

impl Certificate {
    fn der(&self) -> &[u8] {
        // SAFETY: the context is open as long as `self`, and holds that many bytes.
        unsafe {
            let context = &*self.context;
            std::slice::from_raw_parts(context.encoded, context.length as usize)
        }
    }

    fn identity(&self) -> Result<Identity> {
        let digest = self.property(CERT_SHA1_HASH_PROP_ID);
        let digest = digest.ok_or_else(|| Failure::windows("read the thumbprint", last_error()))?;
        // SAFETY: any bytes are numbers; the digest has twenty.
        let bytes = unsafe { std::slice::from_raw_parts(digest.as_ptr().cast::<u8>(), 20) };
        Ok(Identity {
            der: self.der().to_vec(),
            thumbprint: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// A property's bytes, in a buffer that is aligned for structures.
    fn property(&self, property: u32) -> Option<Vec<usize>> {
        let mut length = 0;
        // SAFETY: without a buffer, only the length is asked for.
        let is_there = unsafe {
            CertGetCertificateContextProperty(self.context, property, ptr::null_mut(), &mut length)
        };
        if is_there == 0 {
            return None;
        }
        let mut buffer = vec![0_usize; (length as usize + 7) / std::mem::size_of::<usize>() + 3];
        // SAFETY: the buffer has at least that length.
        let is_given = unsafe {
            CertGetCertificateContextProperty(
                self.context,
                property,
                buffer.as_mut_ptr().cast(),
                &mut length,
            )
        };
        if is_given == 0 {
            None
        } else {
            Some(buffer)
        }
    }

    /// The container that the certificate names for its key, and the flags to open it with.
    fn container(&self) -> Option<(String, u32)> {
        let property = self.property(CERT_KEY_PROV_INFO_PROP_ID)?;
        // SAFETY: this property is such a structure, whose texts lie behind it in the same buffer and
        // end in a zero.
        unsafe {
            let info = &*property.as_ptr().cast::<KeyProvInfo>();
            if info.container.is_null() {
                return None;
            }
            let length = (0..).take_while(|at| *info.container.add(*at) != 0).count();
            let text = std::slice::from_raw_parts(info.container, length);
            let flags = info.flags & CRYPT_MACHINE_KEYSET;
            Some((String::from_utf16_lossy(text), flags))
        }
    }

    /// Whether it is valid now and its private key is there.
    fn can_sign(&self) -> Result<bool> {
        Ok(is_valid_now(self.der()) && self.has_key()?)
    }

    /// Whether the private key of this very certificate is in the container that it names.
    fn has_key(&self) -> Result<bool> {
        let (container, flags) = match self.container() {
            Some(found) => found,
            None => return Ok(false),
        };
        let provider = match acquire(&container, flags | CRYPT_SILENT) {
            Ok(provider) => provider,
            Err(NTE_BAD_KEYSET) | Err(NTE_KEYSET_NOT_DEF) | Err(ERROR_FILE_NOT_FOUND) => {
                return Ok(false)
            }
            Err(code) => {
                return Err(
                    Failure::windows("use the key of the test certificate", code)
                        .help("remove key and certificate: cargo make clean-cert"),
                )
            }
        };
        let key = public_key(provider);
        // SAFETY: the handle is open and used no more.
        unsafe { CryptReleaseContext(provider, 0) };
        let mut parts = self.der().windows(key.len().max(1));
        Ok(!key.is_empty() && parts.any(|part| part == key))
    }

    /// Takes the certificate out of its store.
    fn delete(mut self, store: &str, wanted: &Wanted) -> Result<()> {
        let context = std::mem::replace(&mut self.context, ptr::null());
        // SAFETY: the call frees the context, whether or not it succeeds, and `self` has it no more.
        if unsafe { CertDeleteCertificateFromStore(context) } == 0 {
            return Err(refusal(
                "delete the test certificate from the store",
                store,
                wanted,
            ));
        }
        Ok(())
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if !self.context.is_null() {
            // SAFETY: the context is open and used no more.
            unsafe { CertFreeCertificateContext(self.context) };
        }
    }
}
