//! Certificate stores and key containers, by crypt32 and advapi32: those of Wine itself.

use std::ffi::c_void;
use std::ptr;

const X509: u32 = 1;
/// The stores that programs see together under one name, and the one that is the user's own.
const CERT_STORE_PROV_SYSTEM_W: usize = 10;
const CERT_STORE_PROV_SYSTEM_REGISTRY_W: usize = 13;
const CURRENT_USER: u32 = 1 << 16;
const LOCAL_MACHINE: u32 = 2 << 16;
const OPEN_EXISTING: u32 = 0x4000;
const STORE_DELETE: u32 = 0x10;
const REPLACE_EXISTING: u32 = 3;
const COMMIT: u32 = 2;
const KEY_PROV_INFO: u32 = 2;
const SHA1_HASH: u32 = 3;
const FRIENDLY_NAME: u32 = 11;
const NAME_SIMPLE_DISPLAY_TYPE: u32 = 4;
const PRIVATEKEYBLOB: u32 = 7;
const CRYPT_EXPORTABLE: u32 = 1;
const CRYPT_NEWKEYSET: u32 = 8;
const CRYPT_DELETEKEYSET: u32 = 0x10;
const CRYPT_MACHINE_KEYSET: u32 = 0x20;
const AT_SIGNATURE: u32 = 2;
const PROV_RSA_AES: u32 = 24;
const PROVIDER: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";

#[repr(C)]
struct Context {
    encoding: u32,
    encoded: *const u8,
    length: u32,
    info: *const c_void,
    store: *mut c_void,
}

#[repr(C)]
struct KeyProvInfo {
    container: *const u16,
    provider: *const u16,
    kind: u32,
    flags: u32,
    count: u32,
    parameters: *const c_void,
    key_spec: u32,
}

#[repr(C)]
struct Usages {
    count: u32,
    identifiers: *const *const i8,
}

#[link(name = "crypt32")]
extern "system" {
    fn CertOpenStore(
        provider: usize,
        encoding: u32,
        crypt: usize,
        flags: u32,
        name: *const u16,
    ) -> *mut c_void;
    fn CertUnregisterSystemStore(store: *const u16, flags: u32) -> i32;
    fn CertCloseStore(store: *mut c_void, flags: u32) -> i32;
    fn CertControlStore(store: *mut c_void, flags: u32, control: u32, data: *const c_void) -> i32;
    fn CertEnumCertificatesInStore(store: *mut c_void, last: *const Context) -> *const Context;
    fn CertDuplicateCertificateContext(context: *const Context) -> *const Context;
    fn CertDeleteCertificateFromStore(context: *const Context) -> i32;
    fn CertFreeCertificateContext(context: *const Context) -> i32;
    fn CertAddEncodedCertificateToStore(
        store: *mut c_void,
        encoding: u32,
        encoded: *const u8,
        length: u32,
        disposition: u32,
        added: *mut *const Context,
    ) -> i32;
    fn CertGetCertificateContextProperty(
        context: *const Context,
        property: u32,
        data: *mut c_void,
        length: *mut u32,
    ) -> i32;
    fn CertSetCertificateContextProperty(
        context: *const Context,
        property: u32,
        flags: u32,
        data: *const c_void,
    ) -> i32;
    fn CertGetNameStringW(
        context: *const Context,
        kind: u32,
        flags: u32,
        parameter: *const c_void,
        name: *mut u16,
        length: u32,
    ) -> u32;
    fn CertVerifyTimeValidity(time: *const c_void, info: *const c_void) -> i32;
    fn CertGetEnhancedKeyUsage(
        context: *const Context,
        flags: u32,
        usages: *mut c_void,
        length: *mut u32,
    ) -> i32;
}

#[link(name = "advapi32")]
extern "system" {
    fn CryptAcquireContextW(
        provider: *mut usize,
        container: *const u16,
        name: *const u16,
        kind: u32,
        flags: u32,
    ) -> i32;
    fn CryptReleaseContext(provider: usize, flags: u32) -> i32;
    fn CryptGetUserKey(provider: usize, key_spec: u32, key: *mut usize) -> i32;
    fn CryptExportKey(
        key: usize,
        other: usize,
        kind: u32,
        flags: u32,
        data: *mut u8,
        length: *mut u32,
    ) -> i32;
    fn CryptImportKey(
        provider: usize,
        data: *const u8,
        length: u32,
        other: usize,
        flags: u32,
        key: *mut usize,
    ) -> i32;
    fn CryptDestroyKey(key: usize) -> i32;
    fn RegDeleteTreeW(key: isize, subkey: *const u16) -> i32;
    fn OpenSCManagerW(machine: *const u16, database: *const u16, access: u32) -> *mut c_void;
    fn OpenServiceW(manager: *mut c_void, name: *const u16, access: u32) -> *mut c_void;
    fn QueryServiceStatus(service: *mut c_void, status: *mut u32) -> i32;
    fn RegGetValueW(
        key: isize,
        subkey: *const u16,
        name: *const u16,
        flags: u32,
        kind: *mut u32,
        data: *mut u16,
        length: *mut u32,
    ) -> i32;
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

unsafe fn narrow(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    let length = (0..).take_while(|&at| *text.add(at) != 0).count();
    String::from_utf16_lossy(std::slice::from_raw_parts(text, length))
}

/// Where a certificate's private key is.
#[derive(Clone, Debug)]
pub struct Key {
    pub container: String,
    pub provider: String,
    pub is_of_machine: bool,
}

/// A certificate in a store, as Windows sees it.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub der: Vec<u8>,
    /// SHA-1 of the DER form: 40 lower-case hexadecimal digits.
    pub thumbprint: String,
    /// The common name.
    pub name: String,
    pub friendly_name: String,
    /// The last moment of its validity, in steps of 100 ns since 1601.
    pub not_after: u64,
    pub is_valid_now: bool,
    pub may_sign_code: bool,
    pub key: Option<Key>,
}

struct Store(*mut c_void);

impl Store {
    fn open(provider: usize, is_machine: bool, name: &str, flags: u32) -> Option<Self> {
        let place = if is_machine {
            LOCAL_MACHINE
        } else {
            CURRENT_USER
        };
        let name = wide(name);
        let handle = unsafe { CertOpenStore(provider, 0, 0, place | flags, name.as_ptr()) };
        (!handle.is_null()).then_some(Self(handle))
    }

    fn each(&self, mut action: impl FnMut(*const Context)) {
        let mut context: *const Context = ptr::null();
        loop {
            context = unsafe { CertEnumCertificatesInStore(self.0, context) };
            if context.is_null() {
                return;
            }
            action(context);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        unsafe {
            CertControlStore(self.0, 0, COMMIT, ptr::null());
            CertCloseStore(self.0, 0);
        }
    }
}

/// The certificates of a store; none for a store that there is not.
pub fn certificates(is_machine: bool, store: &str) -> Vec<Certificate> {
    let mut found = Vec::new();
    if let Some(store) = Store::open(CERT_STORE_PROV_SYSTEM_W, is_machine, store, OPEN_EXISTING) {
        store.each(|context| found.push(unsafe { read(context) }));
    }
    found
}

unsafe fn read(context: *const Context) -> Certificate {
    let mut name = [0; 512];
    let length = name.len() as u32;
    CertGetNameStringW(
        context,
        NAME_SIMPLE_DISPLAY_TYPE,
        0,
        ptr::null(),
        name.as_mut_ptr(),
        length,
    );
    let digest = bytes_of(property(context, SHA1_HASH).unwrap_or_default(), 20);
    let friendly = property(context, FRIENDLY_NAME);
    // CERT_INFO: version, serial number, algorithm, issuer, then the two times.
    let times = (*context).info.cast::<u8>().add(64).cast::<u64>();
    Certificate {
        der: std::slice::from_raw_parts((*context).encoded, (*context).length as usize).to_vec(),
        thumbprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        name: narrow(name.as_ptr()),
        friendly_name: friendly.map_or_else(String::new, |text| narrow(text.as_ptr().cast())),
        not_after: times.add(1).read_unaligned(),
        is_valid_now: CertVerifyTimeValidity(ptr::null(), (*context).info) == 0,
        may_sign_code: may_sign_code(context),
        key: key_of(context),
    }
}

/// Code signing, or any purpose where the certificate names none.
unsafe fn may_sign_code(context: *const Context) -> bool {
    let mut length = 0;
    if CertGetEnhancedKeyUsage(context, 0, ptr::null_mut(), &mut length) == 0 {
        return true;
    }
    let mut buffer = vec![0_u64; length as usize / 8 + 1];
    CertGetEnhancedKeyUsage(context, 0, buffer.as_mut_ptr().cast(), &mut length);
    let usages = &*buffer.as_ptr().cast::<Usages>();
    (0..usages.count as usize).any(|index| {
        let text = std::ffi::CStr::from_ptr((*usages.identifiers.add(index)).cast());
        text.to_bytes() == b"1.3.6.1.5.5.7.3.3"
    }) || usages.count == 0
}

unsafe fn property(context: *const Context, property: u32) -> Option<Vec<u64>> {
    let mut length = 0;
    if CertGetCertificateContextProperty(context, property, ptr::null_mut(), &mut length) == 0 {
        return None;
    }
    let mut data = vec![0_u64; length as usize / 8 + 1];
    CertGetCertificateContextProperty(context, property, data.as_mut_ptr().cast(), &mut length);
    Some(data)
}

fn bytes_of(data: Vec<u64>, length: usize) -> Vec<u8> {
    data.iter()
        .flat_map(|each| each.to_le_bytes())
        .take(length)
        .collect()
}

unsafe fn key_of(context: *const Context) -> Option<Key> {
    let data = property(context, KEY_PROV_INFO)?;
    let info = &*data.as_ptr().cast::<KeyProvInfo>();
    Some(Key {
        container: narrow(info.container),
        provider: narrow(info.provider),
        is_of_machine: info.flags & CRYPT_MACHINE_KEYSET != 0,
    })
}

fn acquire(key: &Key, flags: u32) -> Option<usize> {
    let (container, name) = (wide(&key.container), wide(&key.provider));
    let place = if key.is_of_machine {
        CRYPT_MACHINE_KEYSET
    } else {
        0
    };
    let mut provider = 0;
    let is_done = unsafe {
        CryptAcquireContextW(
            &mut provider,
            container.as_ptr(),
            name.as_ptr(),
            PROV_RSA_AES,
            flags | place,
        )
    };
    (is_done != 0).then_some(provider)
}

impl Key {
    /// The key as PEM; None when it is gone, or may not be exported.
    pub fn to_pem(&self) -> Option<String> {
        let provider = acquire(self, 0)?;
        let (mut key, mut length) = (0, 0);
        let mut blob = Vec::new();
        unsafe {
            if CryptGetUserKey(provider, AT_SIGNATURE, &mut key) != 0 {
                CryptExportKey(key, 0, PRIVATEKEYBLOB, 0, ptr::null_mut(), &mut length);
                blob = vec![0; length as usize];
                CryptExportKey(key, 0, PRIVATEKEYBLOB, 0, blob.as_mut_ptr(), &mut length);
                CryptDestroyKey(key);
            }
            CryptReleaseContext(provider, 0);
        }
        crate::rsa::to_pem(&blob)
    }

    /// Puts a PRIVATEKEYBLOB into a new container.
    pub fn import(&self, blob: &[u8]) -> bool {
        let Some(provider) = acquire(self, CRYPT_NEWKEYSET) else {
            return false;
        };
        let mut key = 0;
        unsafe {
            let length = blob.len() as u32;
            let is_done = CryptImportKey(
                provider,
                blob.as_ptr(),
                length,
                0,
                CRYPT_EXPORTABLE,
                &mut key,
            ) != 0;
            CryptDestroyKey(key);
            CryptReleaseContext(provider, 0);
            is_done
        }
    }

    /// Deletes the container.
    pub fn delete(&self) -> bool {
        acquire(self, CRYPT_DELETEKEYSET).is_some()
    }
}

/// A key of the provider that everybody has.
pub fn key(container: &str, provider: Option<&str>, is_of_machine: bool) -> Key {
    Key {
        container: container.to_owned(),
        provider: provider.unwrap_or(PROVIDER).to_owned(),
        is_of_machine,
    }
}

/// Puts a certificate into a store, with the place of its key if it has one.
pub fn add(is_machine: bool, store: &str, der: &[u8], key: Option<&Key>) -> bool {
    let Some(store) = Store::open(CERT_STORE_PROV_SYSTEM_REGISTRY_W, is_machine, store, 0) else {
        return false;
    };
    let mut context = ptr::null();
    let length = der.len() as u32;
    unsafe {
        if CertAddEncodedCertificateToStore(
            store.0,
            X509,
            der.as_ptr(),
            length,
            REPLACE_EXISTING,
            &mut context,
        ) == 0
        {
            return false;
        }
        if let Some(key) = key {
            let (container, provider) = (wide(&key.container), wide(&key.provider));
            let info = KeyProvInfo {
                container: container.as_ptr(),
                provider: provider.as_ptr(),
                kind: PROV_RSA_AES,
                flags: if key.is_of_machine {
                    CRYPT_MACHINE_KEYSET
                } else {
                    0
                },
                count: 0,
                parameters: ptr::null(),
                key_spec: AT_SIGNATURE,
            };
            let data = (&raw const info).cast();
            CertSetCertificateContextProperty(context, KEY_PROV_INFO, 0, data);
        }
        CertFreeCertificateContext(context);
    }
    true
}

/// Deletes a certificate, or all of a store; keys stay.
pub fn delete(is_machine: bool, store: &str, thumbprint: Option<&str>) {
    let provider = CERT_STORE_PROV_SYSTEM_REGISTRY_W;
    let Some(store) = Store::open(provider, is_machine, store, OPEN_EXISTING) else {
        return;
    };
    let mut condemned = Vec::new();
    store.each(|context| unsafe {
        if thumbprint.is_none_or(|wanted| read(context).thumbprint == wanted) {
            condemned.push(CertDuplicateCertificateContext(context));
        }
    });
    for context in condemned {
        unsafe { CertDeleteCertificateFromStore(context) };
    }
}

/// Removes a store of the user, with its certificates and their keys.
pub fn forget(store: &str) {
    for certificate in certificates(false, store) {
        if let Some(key) = certificate.key {
            key.delete();
        }
    }
    delete(false, store, None);
    unsafe { CertUnregisterSystemStore(wide(store).as_ptr(), CURRENT_USER | STORE_DELETE) };
}

const HKEY_CURRENT_USER: isize = 0x8000_0001_u32 as i32 as isize;
const HKEY_LOCAL_MACHINE: isize = 0x8000_0002_u32 as i32 as isize;

/// A text of the machine's registry, as it stands there.
pub fn value(key: &str, name: &str) -> Option<String> {
    const RRF_RT_REG_SZ: u32 = 2;
    const RRF_RT_REG_EXPAND_SZ: u32 = 4;
    const RRF_NOEXPAND: u32 = 0x1000_0000;
    let (key, name) = (wide(key), wide(name));
    let mut text = [0_u16; 4096];
    let mut length = 8192;
    let status = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND,
            ptr::null_mut(),
            text.as_mut_ptr(),
            &mut length,
        )
    };
    (status == 0).then(|| unsafe { narrow(text.as_ptr()) })
}

/// Removes all certificates and keys, from where Wine keeps them in the registry.
pub fn reset() {
    for root in [HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE] {
        for subkey in [
            r"Software\Microsoft\SystemCertificates",
            r"Software\Wine\Crypto\RSA",
        ] {
            unsafe { RegDeleteTreeW(root, wide(subkey).as_ptr()) };
        }
    }
}

/// The number of a service's state; 0 for no such service.
pub fn state(name: &str) -> u32 {
    const SC_MANAGER_CONNECT: u32 = 1;
    const SERVICE_QUERY_STATUS: u32 = 4;
    let mut status = [0; 7];
    unsafe {
        let manager = OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_CONNECT);
        let service = OpenServiceW(manager, wide(name).as_ptr(), SERVICE_QUERY_STATUS);
        if !service.is_null() {
            QueryServiceStatus(service, status.as_mut_ptr());
        }
    }
    status[1]
}
