//! Certificate stores in the registry.

use std::ffi::c_void;
use std::ptr;

use super::entry::Certificate;
use super::refusal_by;
use crate::certificate::Wanted;
use crate::der;
use crate::failure::Result;
use crate::system::{last_error, wide};
use crate::win32::*;

/// A certificate store of this user or of the machine.
pub struct Store {
    pub handle: *mut c_void,
}

impl Store {
    /// Opens a store for writing. Creates it if it does not exist.
    pub fn create(name: &str, wanted: &Wanted) -> Result<Store> {
        Store::open(name, wanted, 0)
            .map_err(|code| refusal_by(code, "open the certificate store", name, wanted))
    }

    /// Opens a store for reading; None if it does not exist.
    pub fn existing(name: &str, wanted: &Wanted) -> Result<Option<Store>> {
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
        // SAFETY: this provider expects the name of a store, which ends with a zero.
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

    /// Returns all certificates, including those of other programs.
    pub fn certificates(&self) -> Result<Vec<Certificate>> {
        let mut certificates = Vec::new();
        let mut previous: *const CertContext = ptr::null();
        loop {
            // SAFETY: `previous` is null or the result of the last call, which this call frees.
            previous = unsafe { CertEnumCertificatesInStore(self.handle, previous) };
            if previous.is_null() {
                return Ok(certificates);
            }
            // SAFETY: the context is open until the next iteration; the duplicate stays open.
            let context = unsafe { CertDuplicateCertificateContext(previous) };
            certificates.push(Certificate { context });
        }
    }

    /// Returns the certificates with our mark for (store, subject).
    pub fn own(&self, wanted: &Wanted) -> Result<Vec<Certificate>> {
        let mut certificates = self.certificates()?;
        certificates.retain(|certificate| {
            der::Certificate::parse(certificate.der())
                .map_or(false, |read| read.comment == wanted.mark())
        });
        Ok(certificates)
    }

    /// Writes all changes now. A store that writes each change itself may not support this call.
    pub fn commit(&self) {
        // SAFETY: the store is open.
        unsafe { CertControlStore(self.handle, 0, CERT_STORE_CTRL_COMMIT, ptr::null()) };
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again. Open contexts stay valid.
        unsafe { CertCloseStore(self.handle, 0) };
    }
}
