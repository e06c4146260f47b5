//! Declarations of the Windows functions that the pipeline calls, and of their structures and
//! constants.
//!
//! Names and values are from Microsoft Learn, "Windows API reference", and the headers of the
//! Windows SDK. The program links only import libraries that Rust ships for the GNU toolchain. It
//! loads wintrust, which is not among them, at run time.

use std::ffi::c_void;

// --- errors -------------------------------------------------------------------------------------

pub const ERROR_FILE_NOT_FOUND: u32 = 2;
pub const ERROR_ACCESS_DENIED: u32 = 5;
pub const ERROR_INSUFFICIENT_BUFFER: u32 = 122;
pub const ERROR_SERVICE_DOES_NOT_EXIST: u32 = 1060;
pub const ERROR_CANCELLED: u32 = 1223;

pub const NTE_BAD_KEYSET: u32 = 0x8009_0016;
pub const NTE_KEYSET_NOT_DEF: u32 = 0x8009_0019;

pub const TRUST_E_NOSIGNATURE: u32 = 0x800B_0100;
pub const CERT_E_EXPIRED: u32 = 0x800B_0101;
pub const CERT_E_UNTRUSTEDROOT: u32 = 0x800B_0109;
pub const CERT_E_CHAINING: u32 = 0x800B_010A;
pub const CERT_E_UNTRUSTEDTESTROOT: u32 = 0x800B_010D;

// --- kernel32: modules and times ----------------------------------------------------------------

/// Searches only the folder System32, not the folder of the program.
pub const LOAD_LIBRARY_SEARCH_SYSTEM32: u32 = 0x800;

#[repr(C)]
pub struct FileTime {
    pub low: u32,
    pub high: u32,
}

#[repr(C)]
#[derive(Default)]
pub struct SystemTime {
    pub fields: [u16; 8],
}

#[link(name = "kernel32")]
extern "system" {
    pub fn LoadLibraryExW(name: *const u16, file: *mut c_void, flags: u32) -> *mut c_void;
    pub fn GetProcAddress(module: *mut c_void, name: *const u8) -> *mut c_void;
    pub fn FileTimeToSystemTime(from: *const FileTime, to: *mut SystemTime) -> i32;
}

// --- advapi32: key containers -------------------------------------------------------------------

/// The provider of the CryptoAPI that supports SHA-2.
pub const MS_ENH_RSA_AES_PROV: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";
pub const PROV_RSA_AES: u32 = 24;
pub const AT_SIGNATURE: u32 = 2;
pub const CRYPT_EXPORTABLE: u32 = 1;
pub const CRYPT_VERIFYCONTEXT: u32 = 0xF000_0000;
pub const CRYPT_NEWKEYSET: u32 = 8;
pub const CRYPT_DELETEKEYSET: u32 = 0x10;
pub const CRYPT_MACHINE_KEYSET: u32 = 0x20;
pub const CRYPT_SILENT: u32 = 0x40;
pub const PP_ENUMCONTAINERS: u32 = 2;
pub const CRYPT_FIRST: u32 = 1;
pub const CRYPT_NEXT: u32 = 2;

#[link(name = "advapi32")]
extern "system" {
    pub fn CryptAcquireContextW(
        provider: *mut usize,
        container: *const u16,
        name: *const u16,
        kind: u32,
        flags: u32,
    ) -> i32;
    pub fn CryptReleaseContext(provider: usize, flags: u32) -> i32;
    pub fn CryptGenKey(provider: usize, algorithm: u32, flags: u32, key: *mut usize) -> i32;
    pub fn CryptDestroyKey(key: usize) -> i32;
    pub fn CryptGetProvParam(
        provider: usize,
        parameter: u32,
        data: *mut u8,
        length: *mut u32,
        flags: u32,
    ) -> i32;
}

// --- crypt32: certificates and stores -----------------------------------------------------------

pub const X509_ASN_ENCODING: u32 = 1;

/// A single store in the registry, not the collection that shows the machine's certificates among
/// the user's. A number in place of a pointer identifies the provider.
pub const CERT_STORE_PROV_SYSTEM_REGISTRY_W: usize = 13;
pub const CERT_SYSTEM_STORE_CURRENT_USER: u32 = 1 << 16;
pub const CERT_SYSTEM_STORE_LOCAL_MACHINE: u32 = 2 << 16;
pub const CERT_STORE_OPEN_EXISTING_FLAG: u32 = 0x4000;
pub const CERT_STORE_READONLY_FLAG: u32 = 0x8000;
pub const CERT_STORE_ADD_REPLACE_EXISTING: u32 = 3;
pub const CERT_STORE_CTRL_COMMIT: u32 = 2;
pub const CERT_KEY_PROV_INFO_PROP_ID: u32 = 2;
pub const CERT_SHA1_HASH_PROP_ID: u32 = 3;
pub const CERT_FRIENDLY_NAME_PROP_ID: u32 = 11;

#[repr(C)]
pub struct Blob {
    pub length: u32,
    pub data: *const u8,
}

#[repr(C)]
pub struct AlgorithmIdentifier {
    pub identifier: *const u8,
    pub parameters: Blob,
}

/// CERT_PUBLIC_KEY_INFO
#[repr(C)]
pub struct PublicKeyInfo {
    pub algorithm: AlgorithmIdentifier,
    pub key: Blob,
    pub unused_bits: u32,
}

#[repr(C)]
pub struct CertExtension {
    pub identifier: *const u8,
    pub is_critical: i32,
    pub value: Blob,
}

#[repr(C)]
pub struct CertExtensions {
    pub count: u32,
    pub extensions: *const CertExtension,
}

#[repr(C)]
pub struct CertContext {
    pub encoding: u32,
    pub encoded: *const u8,
    pub length: u32,
    pub info: *const c_void,
    pub store: *mut c_void,
}

#[repr(C)]
pub struct KeyProvInfo {
    pub container: *const u16,
    pub provider: *const u16,
    pub provider_kind: u32,
    pub flags: u32,
    pub parameter_count: u32,
    pub parameters: *const c_void,
    pub key_spec: u32,
}

#[link(name = "crypt32")]
extern "system" {
    pub fn CertOpenStore(
        provider: usize,
        encoding: u32,
        crypt_provider: usize,
        flags: u32,
        parameter: *const c_void,
    ) -> *mut c_void;
    pub fn CertCloseStore(store: *mut c_void, flags: u32) -> i32;
    pub fn CertControlStore(
        store: *mut c_void,
        flags: u32,
        control: u32,
        parameter: *const c_void,
    ) -> i32;
    pub fn CertEnumCertificatesInStore(
        store: *mut c_void,
        previous: *const CertContext,
    ) -> *const CertContext;
    pub fn CertDuplicateCertificateContext(context: *const CertContext) -> *const CertContext;
    pub fn CertFreeCertificateContext(context: *const CertContext) -> i32;
    pub fn CertDeleteCertificateFromStore(context: *const CertContext) -> i32;
    pub fn CertAddCertificateContextToStore(
        store: *mut c_void,
        context: *const CertContext,
        disposition: u32,
        added: *mut *const CertContext,
    ) -> i32;
    pub fn CertAddEncodedCertificateToStore(
        store: *mut c_void,
        encoding: u32,
        encoded: *const u8,
        length: u32,
        disposition: u32,
        added: *mut *const CertContext,
    ) -> i32;
    pub fn CertCreateSelfSignCertificate(
        provider: usize,
        subject: *const Blob,
        flags: u32,
        key: *const KeyProvInfo,
        algorithm: *const AlgorithmIdentifier,
        start: *const SystemTime,
        end: *const SystemTime,
        extensions: *const CertExtensions,
    ) -> *const CertContext;
    pub fn CertGetCertificateContextProperty(
        context: *const CertContext,
        property: u32,
        data: *mut c_void,
        length: *mut u32,
    ) -> i32;
    pub fn CertSetCertificateContextProperty(
        context: *const CertContext,
        property: u32,
        flags: u32,
        data: *const c_void,
    ) -> i32;
    pub fn CryptExportPublicKeyInfo(
        provider: usize,
        key_spec: u32,
        encoding: u32,
        info: *mut PublicKeyInfo,
        length: *mut u32,
    ) -> i32;
}

// --- advapi32: services -------------------------------------------------------------------------

pub const SC_MANAGER_CONNECT: u32 = 1;
pub const SC_MANAGER_CREATE_SERVICE: u32 = 2;
pub const SERVICE_QUERY_CONFIG: u32 = 1;
pub const SERVICE_CHANGE_CONFIG: u32 = 2;
pub const SERVICE_QUERY_STATUS: u32 = 4;
pub const SERVICE_START: u32 = 0x10;
pub const SERVICE_STOP: u32 = 0x20;
pub const DELETE: u32 = 0x1_0000;

pub const SERVICE_KERNEL_DRIVER: u32 = 1;
pub const SERVICE_SYSTEM_START: u32 = 1;
pub const SERVICE_AUTO_START: u32 = 2;
pub const SERVICE_DEMAND_START: u32 = 3;
pub const SERVICE_ERROR_NORMAL: u32 = 1;
pub const SERVICE_CONTROL_STOP: u32 = 1;

pub const SERVICE_STOPPED: u32 = 1;
pub const SERVICE_STOP_PENDING: u32 = 3;
pub const SERVICE_RUNNING: u32 = 4;

#[repr(C)]
#[derive(Default)]
pub struct ServiceStatus {
    pub kind: u32,
    pub state: u32,
    pub accepted: u32,
    pub exit_code: u32,
    pub specific_exit_code: u32,
    pub check_point: u32,
    pub wait_hint: u32,
}

#[repr(C)]
pub struct ServiceConfig {
    pub kind: u32,
    pub start_type: u32,
    pub error_control: u32,
    pub path: *const u16,
    pub group: *const u16,
    pub tag: u32,
    pub dependencies: *const u16,
    pub account: *const u16,
    pub display_name: *const u16,
}

#[link(name = "advapi32")]
extern "system" {
    pub fn OpenSCManagerW(machine: *const u16, database: *const u16, access: u32) -> *mut c_void;
    pub fn OpenServiceW(manager: *mut c_void, name: *const u16, access: u32) -> *mut c_void;
    pub fn CloseServiceHandle(handle: *mut c_void) -> i32;
    pub fn CreateServiceW(
        manager: *mut c_void,
        name: *const u16,
        display_name: *const u16,
        access: u32,
        kind: u32,
        start_type: u32,
        error_control: u32,
        path: *const u16,
        group: *const u16,
        tag: *mut u32,
        dependencies: *const u16,
        account: *const u16,
        password: *const u16,
    ) -> *mut c_void;
    pub fn ChangeServiceConfigW(
        service: *mut c_void,
        kind: u32,
        start_type: u32,
        error_control: u32,
        path: *const u16,
        group: *const u16,
        tag: *mut u32,
        dependencies: *const u16,
        account: *const u16,
        password: *const u16,
        display_name: *const u16,
    ) -> i32;
    pub fn QueryServiceConfigW(
        service: *mut c_void,
        config: *mut ServiceConfig,
        size: u32,
        needed: *mut u32,
    ) -> i32;
    pub fn QueryServiceStatus(service: *mut c_void, status: *mut ServiceStatus) -> i32;
    pub fn StartServiceW(service: *mut c_void, count: u32, arguments: *const *const u16) -> i32;
    pub fn ControlService(service: *mut c_void, control: u32, status: *mut ServiceStatus) -> i32;
    pub fn DeleteService(service: *mut c_void) -> i32;
}

// --- wintrust, loaded at run time ---------------------------------------------------------------

#[repr(C)]
pub struct Guid {
    pub data1: u32,
    pub data2: u16,
    pub data3: u16,
    pub data4: [u8; 8],
}

/// The policy for Authenticode.
pub const WINTRUST_ACTION_GENERIC_VERIFY_V2: Guid = Guid {
    data1: 0x00AA_C56B,
    data2: 0xCD44,
    data3: 0x11D0,
    data4: [0x8C, 0xC2, 0x00, 0xC0, 0x4F, 0xC2, 0x95, 0xEE],
};
pub const WTD_UI_NONE: u32 = 2;
pub const WTD_REVOKE_NONE: u32 = 0;
pub const WTD_CHOICE_FILE: u32 = 1;
pub const WTD_STATEACTION_VERIFY: u32 = 1;
pub const WTD_STATEACTION_CLOSE: u32 = 2;
pub const WTD_REVOCATION_CHECK_NONE: u32 = 0x10;
/// Uses only the cache of this machine, not the network.
pub const WTD_CACHE_ONLY_URL_RETRIEVAL: u32 = 0x1000;

#[repr(C)]
pub struct WintrustFileInfo {
    pub size: u32,
    pub path: *const u16,
    pub file: *mut c_void,
    pub known_subject: *const Guid,
}

/// Without the last member, which Windows 8 added: `size` tells Windows which version this is.
#[repr(C)]
pub struct WintrustData {
    pub size: u32,
    pub policy_callback_data: *mut c_void,
    pub sip_client_data: *mut c_void,
    pub ui_choice: u32,
    pub revocation_checks: u32,
    pub union_choice: u32,
    pub file: *mut WintrustFileInfo,
    pub state_action: u32,
    pub state_data: *mut c_void,
    pub url_reference: *mut u16,
    pub flags: u32,
    pub ui_context: u32,
}

/// CRYPT_PROVIDER_SGNR
#[repr(C)]
pub struct ProviderSigner {
    pub size: u32,
    pub verify_as_of: FileTime,
    pub chain_length: u32,
    pub chain: *mut c_void,
    pub kind: u32,
    pub info: *mut c_void,
    pub error: u32,
    pub counter_signer_count: u32,
    pub counter_signers: *mut ProviderSigner,
    pub chain_context: *const c_void,
}

pub type WinVerifyTrust =
    unsafe extern "system" fn(*mut c_void, *const Guid, *mut WintrustData) -> i32;
pub type ProvDataFromStateData = unsafe extern "system" fn(*mut c_void) -> *mut c_void;
pub type GetProvSignerFromChain =
    unsafe extern "system" fn(*mut c_void, u32, i32, u32) -> *mut ProviderSigner;
