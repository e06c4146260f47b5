//! Verifies signatures with WinVerifyTrust and the Authenticode policy.
//!
//! Source: "WinVerifyTrust function", Microsoft Learn. It shows no dialog and uses no network, so
//! the result depends only on this machine and the file.

use std::ffi::c_void;
use std::fs::File;
use std::mem;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use crate::certificate::{self, Identity};
use crate::failure::{Failure, Result};
use crate::output;
use crate::settings::{Settings, Signing};
use crate::signed_data::{Signed, Subject};
use crate::system::{error_text, last_error, wide};
use crate::win32::*;

/// Fails unless a new signature covers its file and was made with the key of its certificate, or
/// if its chain is invalid.
///
/// Does not require a trusted root: the task verify and the machine that loads the driver do.
pub fn new_signature(_settings: &Settings, file: &Path, identity: Option<&Identity>) -> Result<()> {
    if let Some(identity) = identity {
        check_signer(file, identity)?;
    }
    let verdict = Verdict::of(file)?;
    for (index, code) in verdict.codes().into_iter().enumerate() {
        if !is_untrusted_root(code) {
            let what = "the new signature is invalid";
            return Err(failure(what, code, index > 0));
        }
    }
    Ok(())
}

/// Fails unless Windows trusts the signature and its timestamp. Our own test certificate need not
/// be trusted.
pub fn signed_image(settings: &Settings, image: &Path) -> Result<()> {
    let what = format!("the signature of {} is invalid", image.display());
    let verdict = Verdict::of(image)?;
    let is_ours = settings.signing == Signing::Test;
    if is_ours {
        check_signer(image, &certificate::ensure(settings)?)?;
    }
    for (index, code) in verdict.codes().into_iter().enumerate() {
        let is_root_of_ours = is_ours && index == 0 && code == CERT_E_UNTRUSTEDROOT;
        if code != 0 && !is_root_of_ours {
            return Err(failure(&what, code, index > 0));
        }
    }
    if verdict.code != 0 {
        println!("verify: signed by the test certificate, which this machine does not trust");
    }
    Ok(())
}

/// Fails unless the certificate of the first signature is that of `identity`.
fn check_signer(file: &Path, identity: &Identity) -> Result<()> {
    let data = output::read(file)?;
    let signed = Subject::of(&data).signature().and_then(Signed::parse);
    match signed {
        Some(signed) if signed.certificate == identity.der => Ok(()),
        Some(_) => Err(Failure::new(format!(
            "the signature of {} was not made with the test certificate",
            file.display()
        ))),
        None => Err(Failure::new(format!(
            "{} has no readable signature",
            file.display()
        ))),
    }
}

/// Whether an error code means only that this machine does not trust the root. Windows checks the
/// image and its signature first.
fn is_untrusted_root(code: u32) -> bool {
    matches!(
        code,
        0 | CERT_E_UNTRUSTEDROOT | CERT_E_UNTRUSTEDTESTROOT | CERT_E_CHAINING
    )
}

/// Windows' verdict on a signature.
struct Verdict {
    /// What WinVerifyTrust returned: 0 for a signature that is trusted.
    code: u32,
    /// The same for each timestamp.
    timestamps: Vec<u32>,
}

impl Verdict {
    /// Verifies the signature in a file.
    fn of(path: &Path) -> Result<Verdict> {
        let library = Wintrust::load()?;
        // An open file: WinVerifyTrust does not open long paths.
        let file = File::open(path).map_err(|error| Failure::io("read", path, &error))?;
        let name = wide(path);
        let mut subject = WintrustFileInfo {
            size: mem::size_of::<WintrustFileInfo>() as u32,
            path: name.as_ptr(),
            file: file.as_raw_handle().cast(),
            known_subject: ptr::null(),
        };
        let mut data = WintrustData {
            size: mem::size_of::<WintrustData>() as u32,
            policy_callback_data: ptr::null_mut(),
            sip_client_data: ptr::null_mut(),
            ui_choice: WTD_UI_NONE,
            revocation_checks: WTD_REVOKE_NONE,
            union_choice: WTD_CHOICE_FILE,
            file: &mut subject,
            state_action: WTD_STATEACTION_VERIFY,
            state_data: ptr::null_mut(),
            url_reference: ptr::null_mut(),
            flags: WTD_REVOCATION_CHECK_NONE | WTD_CACHE_ONLY_URL_RETRIEVAL,
            ui_context: 0,
        };
        // SAFETY: the structures contain their own sizes, and what they point to outlives both
        // calls. The state is read before the second call frees it.
        unsafe {
            let code = library.verify(&mut data) as u32;
            let timestamps = library.timestamps(data.state_data);
            data.state_action = WTD_STATEACTION_CLOSE;
            library.verify(&mut data);
            Ok(Verdict { code, timestamps })
        }
    }

    /// The code of the signature, then those of its timestamps.
    fn codes(&self) -> Vec<u32> {
        let mut codes = vec![self.code];
        codes.extend(&self.timestamps);
        codes
    }
}

/// Returns the failure with Windows' message and what to do.
fn failure(what: &str, code: u32, is_of_timestamp: bool) -> Failure {
    let subject = if is_of_timestamp {
        "its timestamp: "
    } else {
        ""
    };
    let failure = Failure::new(what).because(format!("{subject}{}", error_text(code)));
    match code {
        TRUST_E_NOSIGNATURE => failure.help("to sign it: cargo make sign"),
        CERT_E_UNTRUSTEDROOT | CERT_E_CHAINING | CERT_E_UNTRUSTEDTESTROOT => failure.help(
            "put the root certificate into the store Root of a machine that must trust it, and the \
             intermediate certificates into signing.additional-certificates",
        ),
        CERT_E_EXPIRED => failure.help("sign with a timestamp, or with a valid certificate"),
        _ => failure,
    }
}

/// The functions of wintrust.dll that this module calls.
struct Wintrust {
    verify: WinVerifyTrust,
    state: ProvDataFromStateData,
    signer: GetProvSignerFromChain,
}

impl Wintrust {
    fn load() -> Result<Wintrust> {
        let name = wide("wintrust.dll");
        // SAFETY: the name ends in a zero. The module stays loaded.
        let module =
            unsafe { LoadLibraryExW(name.as_ptr(), ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
        if module.is_null() {
            return Err(Failure::windows("load wintrust.dll", last_error()));
        }
        let find = |name: &'static [u8]| {
            // SAFETY: the name ends in a zero, and the module is loaded.
            let function = unsafe { GetProcAddress(module, name.as_ptr()) };
            if function.is_null() {
                Err(Failure::windows("use wintrust.dll", last_error()))
            } else {
                Ok(function)
            }
        };
        // SAFETY: these are the types of these functions (Microsoft Learn, wintrust.h).
        unsafe {
            Ok(Wintrust {
                verify: mem::transmute::<*mut c_void, WinVerifyTrust>(find(b"WinVerifyTrust\0")?),
                state: mem::transmute::<*mut c_void, ProvDataFromStateData>(find(
                    b"WTHelperProvDataFromStateData\0",
                )?),
                signer: mem::transmute::<*mut c_void, GetProvSignerFromChain>(find(
                    b"WTHelperGetProvSignerFromChain\0",
                )?),
            })
        }
    }

    /// # Safety
    ///
    /// What `data` points to must outlive the call that closes the state.
    unsafe fn verify(&self, data: &mut WintrustData) -> i32 {
        // -1 instead of a window: there is no user to ask.
        (self.verify)(
            usize::MAX as *mut c_void,
            &WINTRUST_ACTION_GENERIC_VERIFY_V2,
            data,
        )
    }

    /// Returns the error code of each timestamp of the first signature; 0 for a valid one.
    ///
    /// # Safety
    ///
    /// `state` must be null, or belong to a verification that is still open.
    unsafe fn timestamps(&self, state: *mut c_void) -> Vec<u32> {
        if state.is_null() {
            return Vec::new();
        }
        let provider = (self.state)(state);
        if provider.is_null() {
            return Vec::new();
        }
        let signer = (self.signer)(provider, 0, 0, 0);
        if signer.is_null() || (*signer).counter_signers.is_null() {
            return Vec::new();
        }
        let count = (*signer).counter_signer_count as usize;
        let timestamps = std::slice::from_raw_parts((*signer).counter_signers, count);
        timestamps.iter().map(|timestamp| timestamp.error).collect()
    }
}
