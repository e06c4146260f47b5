//! Verifying on Windows: by WinVerifyTrust, with the policy for Authenticode.
//!
//! Source: "WinVerifyTrust function", Microsoft Learn. It is told to show no dialog and to use no
//! network, so that the answer depends on this machine and the file alone.

use std::ffi::c_void;
use std::fs::File;
use std::mem;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use crate::certificate::{self, Identity};
use crate::der;
use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output;
use crate::settings::{Settings, Signing};
use crate::system::{last_error, wide, words_for};
use crate::win32::*;

/// Fails unless a signature that was just made is of its image and by the key of its certificate.
///
/// Whether the root of that certificate is trusted is for the machine that loads the driver to judge,
/// and for the task verify. A chain that is known to be bad fails.
pub fn new_signature(_settings: &Settings, file: &Path, identity: Option<&Identity>) -> Result<()> {
    if let Some(identity) = identity {
        check_signer(file, identity)?;
    }
    let verdict = Verdict::of(file)?;
    for (index, code) in verdict.codes().into_iter().enumerate() {
        if !is_of_an_unknown_root(code) {
            let what = "the signature that was made does not verify";
            return Err(failure(what, code, index > 0));
        }
    }
    Ok(())
}

/// Fails unless Windows trusts the signature and its timestamp. A test certificate that nobody
/// trusts is enough, if it is ours.
pub fn signed_image(settings: &Settings, image: &Path) -> Result<()> {
    let what = format!("the signature of {} does not verify", image.display());
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

/// Fails unless the certificate of the first signature is ours, byte for byte.
fn check_signer(file: &Path, identity: &Identity) -> Result<()> {
    let data = output::read(file)?;
    let signed = Image::parse(&data)
        .and_then(|image| image.signature())
        .and_then(der::Signed::parse);
    match signed {
        Some(signed) if signed.certificate == identity.der => Ok(()),
        Some(_) => Err(Failure::new(format!(
            "the signature of {} is not by the test certificate",
            file.display()
        ))),
        None => Err(Failure::new(format!(
            "{} has no signature that can be read",
            file.display()
        ))),
    }
}

/// The codes that tell of a root which this machine does not know or does not trust. The image and
/// its signature have been found right before.
fn is_of_an_unknown_root(code: u32) -> bool {
    matches!(
        code,
        0 | CERT_E_UNTRUSTEDROOT | CERT_E_UNTRUSTEDTESTROOT | CERT_E_CHAINING
    )
}

/// What Windows finds of a signature.
struct Verdict {
    /// What WinVerifyTrust returned: 0 for a signature that is trusted.
    code: u32,
    /// The same of each timestamp.
    timestamps: Vec<u32>,
}

impl Verdict {
    /// Has Windows verify the signature in a file.
    fn of(path: &Path) -> Result<Verdict> {
        let library = Wintrust::load()?;
        // An open file, because a long path would not be opened.
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
        // SAFETY: the structures say their own sizes, and what they point to outlives both calls.
        // The state is read before the second call frees it.
        unsafe {
            let code = library.verify(&mut data) as u32;
            let timestamps = library.timestamps(data.state_data);
            data.state_action = WTD_STATEACTION_CLOSE;
            library.verify(&mut data);
            Ok(Verdict { code, timestamps })
        }
    }

    /// That of the signature, then those of its timestamps.
    fn codes(&self) -> Vec<u32> {
        let mut codes = vec![self.code];
        codes.extend(&self.timestamps);
        codes
    }
}

/// What Windows refuses, in its own words, and what to do about it.
fn failure(what: &str, code: u32, is_of_timestamp: bool) -> Failure {
    let subject = if is_of_timestamp {
        "its timestamp: "
    } else {
        ""
    };
    let failure = Failure::new(what).because(format!("{subject}{}", words_for(code)));
    match code {
        TRUST_E_NOSIGNATURE => failure.help("sign it: cargo make sign"),
        CERT_E_UNTRUSTEDROOT | CERT_E_CHAINING | CERT_E_UNTRUSTEDTESTROOT => failure.help(
            "on a machine that must trust it, put the root of its certificate into the store Root, \
             and certificates between the two into signing.additional-certificates",
        ),
        CERT_E_EXPIRED => failure.help("sign with a timestamp, or with a certificate that is valid"),
        _ => failure,
    }
}

/// The functions of wintrust.dll that are used.
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
    /// What `data` points to must be there until the call that closes the state.
    unsafe fn verify(&self, data: &mut WintrustData) -> i32 {
        // No window: -1 says that nobody can be asked.
        (self.verify)(
            usize::MAX as *mut c_void,
            &WINTRUST_ACTION_GENERIC_VERIFY_V2,
            data,
        )
    }

    /// The error of each timestamp of the first signature; 0 for a right one.
    ///
    /// # Safety
    ///
    /// `state` must be null or of a verification that is not closed yet.
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
