//! Verifying off Windows: by osslsigncode, which follows the chain, and by openssl.

use std::path::Path;

use crate::authenticode;
use crate::certificate::{self, Identity};
use crate::der;
use crate::failure::{Failure, Result};
use crate::osslsigncode::{self, bundle};
use crate::output::{self, Fresh};
use crate::process::{printed, Tool};
use crate::settings::{self, Settings, Signing};

/// Fails unless a signature that was just made is of its image and by the key of its certificate.
///
/// Who issued that certificate is for the machine that loads the driver to judge, and for the task
/// verify.
pub fn new_signature(_settings: &Settings, file: &Path, identity: Option<&Identity>) -> Result<()> {
    let data = output::read(file)?;
    authenticode::check(&data, file)?;
    let signer = crate::image::Image::parse(&data)
        .and_then(|image| image.signature())
        .and_then(der::Signed::parse);
    match (identity, signer) {
        (Some(identity), Some(signer)) if identity.der != signer.certificate => {
            Err(Failure::new("the signature is not by the test certificate"))
        }
        _ => Ok(()),
    }
}

/// Has osslsigncode verify an image with its chain and its timestamp.
pub fn signed_image(settings: &Settings, image: &Path) -> Result<()> {
    let identity = match settings.signing {
        Signing::Test => Some(certificate::ensure(settings)?),
        _ => None,
    };
    let additional = settings::list("DRIVER_ADDITIONAL_CERTIFICATES")?;
    let additional: Vec<_> = additional.iter().map(|file| settings.root.join(file)).collect();
    // The chain may end at a root of one's own, and so may that of the timestamp.
    let additional = bundle(image, &additional)?;
    let mut tool = Tool::new(osslsigncode::find()?).arg("verify");
    let mut root = None;
    if let Some(identity) = identity {
        let mut file = Fresh::beside(image)?;
        file.write(der::to_pem(&identity.der, "CERTIFICATE").as_bytes())?;
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
            Failure::new(format!("the signature of {} does not verify", image.display()))
                .because(text)
                .help("a root of your own can stand in signing.additional-certificates"),
        );
    }
    // osslsigncode succeeds for a signature whose timestamp does not verify.
    if text.contains("Timestamp Server Signature verification: failed") {
        return Err(
            Failure::new(format!("the timestamp of {} does not verify", image.display()))
                .because(text)
                .help("a root of your own for it can stand in signing.additional-certificates"),
        );
    }
    for line in summary(&text) {
        println!("verify: {line}");
    }
    Ok(())
}

/// Who signed, and when: the first subject and the time of the timestamp.
fn summary(text: &str) -> Vec<String> {
    let value = |name: &str| {
        let line = text.lines().map(str::trim).find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let subject = value("Subject:").map(|subject| format!("signed by {subject}"));
    let time = value("Timestamp time:").map(|time| format!("timestamp of {time}"));
    subject.into_iter().chain(time).collect()
}
