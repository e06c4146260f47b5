//! Verifies signatures with osslsigncode, which checks the chain, and openssl.

use std::path::Path;

use crate::authenticode;
use crate::certificate::{self, Identity};
use crate::failure::{Failure, Result};
use crate::osslsigncode::{self, bundle};
use crate::output::{self, TempFile};
use crate::pem;
use crate::process::{printed, Tool};
use crate::settings::{self, Settings};
use crate::signed_data::{Signed, Subject};

/// Fails unless a new signature covers its file and was made with the key of its certificate.
///
/// Does not check the issuer of the certificate: the task verify and the machine that loads the
/// driver do.
pub fn new_signature(_settings: &Settings, file: &Path, identity: Option<&Identity>) -> Result<()> {
    let data = output::read(file)?;
    authenticode::check(&data, file)?;
    let signer = Subject::of(&data).signature().and_then(Signed::parse);
    match (identity, signer) {
        (Some(identity), Some(signer)) if identity.der != signer.certificate => Err(Failure::new(
            "the signature was not made with the test certificate",
        )),
        _ => Ok(()),
    }
}

/// Verifies the signature of an image, its chain and its timestamp with osslsigncode.
pub fn signed_image(settings: &Settings, image: &Path) -> Result<()> {
    let identity = certificate::of(settings)?;
    let additional = settings::list("DRIVER_ADDITIONAL_CERTIFICATES")?;
    let additional: Vec<_> = additional
        .iter()
        .map(|file| settings.root.join(file))
        .collect();
    // The chain of the signature, and that of the timestamp, may end at a private root.
    let additional = bundle(image, &additional)?;
    let mut tool = Tool::new(osslsigncode::find()?).arg("verify");
    let mut root = None;
    if let Some(identity) = identity {
        let mut file = TempFile::beside(image)?;
        file.write(pem::encode(&identity.der, "CERTIFICATE").as_bytes())?;
        tool = tool.arg("-CAfile").arg(file.path());
        root = Some(file);
    }
    if let Some(additional) = &additional {
        if root.is_none() {
            tool = tool.arg("-CAfile").arg(additional.path());
        }
        tool = tool.arg("-TSA-CAfile").arg(additional.path());
    }
    let output = tool.arg("-in").arg(image).output()?;
    drop(root);
    let text = printed(&output);
    if !output.status.success() {
        return Err(
            Failure::new(format!("the signature of {} is invalid", image.display()))
                .because(text)
                .help("add a private root certificate to signing.additional-certificates"),
        );
    }
    // osslsigncode succeeds even if the timestamp is invalid.
    if text.contains("Timestamp Server Signature verification: failed") {
        return Err(
            Failure::new(format!("the timestamp of {} is invalid", image.display()))
                .because(text)
                .help("add a private root certificate to signing.additional-certificates"),
        );
    }
    for line in summary(&text) {
        println!("verify: {line}");
    }
    Ok(())
}

/// Returns lines with the signer, which is the first subject, and the time of the timestamp.
fn summary(text: &str) -> Vec<String> {
    let value = |name: &str| {
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let subject = value("Subject:").map(|subject| format!("signed by {subject}"));
    let time = value("Timestamp time:").map(|time| format!("timestamp of {time}"));
    subject.into_iter().chain(time).collect()
}
