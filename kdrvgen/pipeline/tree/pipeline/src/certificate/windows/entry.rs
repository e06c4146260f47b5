//! A certificate in a store, with the properties that Windows stores with it.

use std::ptr;

use super::container::{acquire, public_key};
use super::{refusal, Identity};
use crate::certificate::{is_valid_now, Wanted};
use crate::failure::{Failure, Result};
use crate::system::last_error;
use crate::win32::*;

/// An open certificate context.
pub struct Certificate {
    pub context: *const CertContext,
}

impl Certificate {
    pub fn der(&self) -> &[u8] {
        // SAFETY: the context is open while `self` exists, and contains that many bytes.
        unsafe {
            let context = &*self.context;
            std::slice::from_raw_parts(context.encoded, context.length as usize)
        }
    }

    pub fn identity(&self) -> Result<Identity> {
        let digest = self.property(CERT_SHA1_HASH_PROP_ID);
        let digest = digest.ok_or_else(|| Failure::windows("read the thumbprint", last_error()))?;
        // SAFETY: any byte is a valid u8, and the digest has twenty.
        let bytes = unsafe { std::slice::from_raw_parts(digest.as_ptr().cast::<u8>(), 20) };
        Ok(Identity {
            der: self.der().to_vec(),
            thumbprint: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// Returns the bytes of a property, in a buffer that is aligned for structures.
    fn property(&self, property: u32) -> Option<Vec<usize>> {
        let mut length = 0;
        // SAFETY: without a buffer, the function returns only the length.
        let exists = unsafe {
            CertGetCertificateContextProperty(self.context, property, ptr::null_mut(), &mut length)
        };
        if exists == 0 {
            return None;
        }
        let mut buffer = vec![0_usize; (length as usize + 7) / std::mem::size_of::<usize>() + 3];
        // SAFETY: the buffer has at least that length.
        let is_read = unsafe {
            CertGetCertificateContextProperty(
                self.context,
                property,
                buffer.as_mut_ptr().cast(),
                &mut length,
            )
        };
        if is_read == 0 {
            None
        } else {
            Some(buffer)
        }
    }

    /// Returns the container of the certificate's key, and the flags to open it.
    pub fn container(&self) -> Option<(String, u32)> {
        let property = self.property(CERT_KEY_PROV_INFO_PROP_ID)?;
        // SAFETY: this property is such a structure. Its texts are in the same buffer and end with
        // a zero.
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

    /// Whether it is valid now and its private key exists.
    pub fn can_sign(&self) -> Result<bool> {
        Ok(is_valid_now(self.der()) && self.has_key()?)
    }

    /// Whether the container that the certificate names has its private key.
    fn has_key(&self) -> Result<bool> {
        let (container, flags) = match self.container() {
            Some(container) => container,
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
                        .help("to remove the key and the certificate: cargo make clean-cert"),
                )
            }
        };
        let key = public_key(provider);
        // SAFETY: the handle is open and not used again.
        unsafe { CryptReleaseContext(provider, 0) };
        let mut parts = self.der().windows(key.len().max(1));
        Ok(!key.is_empty() && parts.any(|part| part == key))
    }

    /// Deletes the certificate from its store.
    pub fn delete(mut self, store: &str, wanted: &Wanted) -> Result<()> {
        let context = std::mem::replace(&mut self.context, ptr::null());
        // SAFETY: the call always frees the context, and `self` does not contain it any more.
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
            // SAFETY: the context is open and not used again.
            unsafe { CertFreeCertificateContext(self.context) };
        }
    }
}
