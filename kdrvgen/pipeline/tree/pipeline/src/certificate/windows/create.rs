//! Creates a test certificate and its key, with CertCreateSelfSignCertificate.

use std::ptr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::container::Container;
use super::entry::Certificate;
use super::refusal;
use super::store::Store;
use crate::certificate::Wanted;
use crate::der;
use crate::failure::{Failure, Result};
use crate::system::{last_error, wide};
use crate::win32::*;

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

/// The 100-nanosecond steps from 1601 to 1970, and in a second.
const STEPS_TO_1970: u64 = 116_444_736_000_000_000;
const STEPS_OF_A_SECOND: u64 = 10_000_000;
const SECONDS_OF_A_DAY: u64 = 86_400;

/// Creates a key and its certificate, and adds the certificate to the store.
pub fn create(wanted: &Wanted) -> Result<()> {
    let store = Store::create(&wanted.store, wanted)?;
    let container = Container::create(wanted)?;
    let certificate = with_positive_serial(|| self_signed(&container, wanted))?;
    let name = wide(format!("kdrvgen test certificate ({})", wanted.subject));
    let name = Blob {
        length: 2 * name.len() as u32,
        data: name.as_ptr().cast(),
    };
    // SAFETY: `name` is the blob of a text that ends with a zero, as this property requires, and
    // both outlive the call.
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

/// Repeats until the serial number is positive: Windows chooses it, and does not guarantee that.
fn with_positive_serial(create: impl Fn() -> Result<Certificate>) -> Result<Certificate> {
    for _ in 0..64 {
        let certificate = create()?;
        let read = der::Certificate::parse(certificate.der());
        if read.map_or(false, |read| read.has_positive_serial) {
            return Ok(certificate);
        }
    }
    Err(Failure::new(
        "Windows created 64 certificates without a positive serial number",
    ))
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
    // SAFETY: all pointers are to values that outlive the call, and texts end with a zero.
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
        return Err(Failure::windows("create a certificate", last_error()));
    }
    Ok(Certificate { context })
}

/// Returns a name with only a common name (RFC 5280, 4.1.2.4).
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

/// Converts seconds since 1970 to the time structure of CertCreateSelfSignCertificate.
fn system_time(seconds: u64) -> crate::win32::SystemTime {
    let steps = STEPS_TO_1970 + seconds * STEPS_OF_A_SECOND;
    let from = FileTime {
        low: steps as u32,
        high: (steps >> 32) as u32,
    };
    let mut time = crate::win32::SystemTime::default();
    // SAFETY: both have the correct size. If the conversion fails, the time stays zero, and Windows
    // creates no certificate.
    unsafe { FileTimeToSystemTime(&from, &mut time) };
    time
}
