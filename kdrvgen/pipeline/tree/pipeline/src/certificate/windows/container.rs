//! Key containers: one for each test certificate.

use std::process;
use std::ptr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::certificate::Wanted;
use crate::failure::{Failure, Result};
use crate::system::{last_error, wide};
use crate::win32::*;

const KEY_BITS: u32 = 3072;

/// A new key container; dropping it deletes it, unless `keep` was called.
pub struct Container {
    pub provider: usize,
    pub name: String,
    pub flags: u32,
    is_kept: bool,
}

/// Returns the start of our containers' names.
pub fn container_prefix(wanted: &Wanted) -> String {
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
    /// Creates a container with an exportable signing key.
    pub fn create(wanted: &Wanted) -> Result<Container> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "{}{:x}-{}",
            container_prefix(wanted),
            now.as_nanos(),
            process::id()
        );
        let flags = container_flags(wanted);
        let refusal = |code: u32| {
            let failure = Failure::windows("create a key for the certificate", code);
            if code & 0xFFFF == ERROR_ACCESS_DENIED && wanted.is_machine_store {
                failure
                    .help("open a terminal with \"Run as administrator\", and run cargo make there")
            } else {
                failure
            }
        };
        let provider = acquire(&name, flags | CRYPT_NEWKEYSET | CRYPT_SILENT).map_err(refusal)?;
        let container = Container {
            provider,
            name,
            flags,
            is_kept: false,
        };
        let mut key = 0;
        // SAFETY: the provider is open; the upper half of the flags is the length.
        let is_created = unsafe {
            CryptGenKey(
                provider,
                AT_SIGNATURE,
                KEY_BITS << 16 | CRYPT_EXPORTABLE,
                &mut key,
            )
        };
        if is_created == 0 {
            return Err(refusal(last_error()));
        }
        // SAFETY: the handle is open and not used again; the key stays in its container.
        unsafe { CryptDestroyKey(key) };
        Ok(container)
    }

    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CryptReleaseContext(self.provider, 0) };
        if !self.is_kept {
            let _ = acquire(&self.name, self.flags | CRYPT_DELETEKEYSET | CRYPT_SILENT);
        }
    }
}

/// Opens, creates or deletes a key container of the provider that our certificates use. Returns the
/// handle, which is invalid after a deletion.
pub fn acquire(container: &str, flags: u32) -> std::result::Result<usize, u32> {
    let container = wide(container);
    let name = wide(MS_ENH_RSA_AES_PROV);
    let mut provider = 0;
    // SAFETY: both names end with a zero and outlive the call.
    let is_success = unsafe {
        CryptAcquireContextW(
            &mut provider,
            container.as_ptr(),
            name.as_ptr(),
            PROV_RSA_AES,
            flags,
        )
    };
    if is_success == 0 {
        Err(last_error())
    } else {
        Ok(provider)
    }
}

/// Returns the public key of a container in the format of certificates; empty without a key.
pub fn public_key(provider: usize) -> Vec<u8> {
    let mut buffer = vec![0_u64; 256];
    let mut length = (buffer.len() * std::mem::size_of::<u64>()) as u32;
    // SAFETY: the length is that of the buffer, which is aligned for the structure. The structure
    // points only into the buffer.
    unsafe {
        let info = buffer.as_mut_ptr().cast::<PublicKeyInfo>();
        let is_read =
            CryptExportPublicKeyInfo(provider, AT_SIGNATURE, X509_ASN_ENCODING, info, &mut length);
        if is_read == 0 {
            return Vec::new();
        }
        let key = &(*info).key;
        std::slice::from_raw_parts(key.data, key.length as usize).to_vec()
    }
}

pub fn delete_container(name: &str, wanted: &Wanted) -> Result<()> {
    let flags = container_flags(wanted) | CRYPT_DELETEKEYSET | CRYPT_SILENT;
    match acquire(name, flags) {
        Ok(_) | Err(NTE_BAD_KEYSET) | Err(NTE_KEYSET_NOT_DEF) => Ok(()),
        Err(code) => Err(Failure::windows(
            &format!("delete the private key in the container `{name}`"),
            code,
        )),
    }
}

/// Returns the names of all our containers for (store, subject).
pub fn own_containers(wanted: &Wanted) -> Vec<String> {
    let flags = container_flags(wanted) | CRYPT_VERIFYCONTEXT | CRYPT_SILENT;
    let name = wide(MS_ENH_RSA_AES_PROV);
    let mut provider = 0;
    // SAFETY: the name ends with a zero; without a container, the handle only lists containers.
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
    let mut names = Vec::new();
    let mut position = CRYPT_FIRST;
    let mut buffer = [0; 1024];
    loop {
        let mut length = buffer.len() as u32;
        // SAFETY: the length is that of the buffer.
        let is_read = unsafe {
            CryptGetProvParam(
                provider,
                PP_ENUMCONTAINERS,
                buffer.as_mut_ptr(),
                &mut length,
                position,
            )
        };
        if is_read == 0 {
            break; // ERROR_NO_MORE_ITEMS, or a list that cannot be read
        }
        position = CRYPT_NEXT;
        // Our names are ASCII.
        let name = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        if name.starts_with(&container_prefix(wanted)) {
            names.push(name);
        }
    }
    // SAFETY: the handle is open and not used again.
    unsafe { CryptReleaseContext(provider, 0) };
    names
}
