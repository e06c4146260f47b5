//! Checks that a signature covers its image, with openssl. Ignores the certificate chain.

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output::TempFile;
use crate::pem;
use crate::process::{on_path, printed, Tool};
use crate::signed_data::Signed;

/// Fails unless the signature in `data`, an image or a catalog, covers its content and was made
/// with the key of its certificate ("Windows Authenticode Portable Executable Signature Format";
/// RFC 2315, 9.3).
///
/// Temporary files are created in the folder of the path `scratch`.
pub fn check(data: &[u8], scratch: &Path) -> Result<()> {
    let damaged = || Failure::new("the new signature cannot be read");
    let image = Image::parse(data);
    let signature = match &image {
        Some(image) => image.signature(),
        None => Some(data), // a catalog is one message
    };
    let signed = signature.and_then(Signed::parse).ok_or_else(damaged)?;
    if on_path("openssl").is_none() {
        return Err(Failure::new("openssl is not installed")
            .because("The task checks the signature with it.")
            .help("Debian: apt install openssl"));
    }
    if let Some(image) = image {
        let bytes = image.authenticode_bytes().ok_or_else(damaged)?;
        let expected = signed.image_digest().ok_or_else(damaged)?;
        if digest(signed.digest_name, bytes)? != expected {
            return Err(Failure::new("the signature does not match this image"));
        }
    }
    if digest(signed.digest_name, signed.content.to_vec())? != signed.message_digest {
        return Err(Failure::new("the signature does not match its own content"));
    }
    let mut key = TempFile::beside(scratch)?;
    key.write(&public_key(signed.certificate)?)?;
    let mut signature = TempFile::beside(scratch)?;
    signature.write(signed.signature)?;
    let output = Tool::new("openssl")
        .arg("dgst")
        .arg(format!("-{}", signed.digest_name))
        .arg("-verify")
        .arg(key.path())
        .arg("-signature")
        .arg(signature.path())
        .input(signed.attributes)
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(
            Failure::new("the signature was not made with the key of its certificate")
                .because(printed(&output)),
        )
    }
}

fn digest(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let output = Tool::new("openssl")
        .args(["dgst", "-binary"])
        .arg(format!("-{name}"))
        .input(bytes)
        .output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::new("openssl cannot compute a digest").because(printed(&output)))
    }
}

fn public_key(certificate: &[u8]) -> Result<Vec<u8>> {
    let output = Tool::new("openssl")
        .args(["x509", "-noout", "-pubkey"])
        .input(pem::encode(certificate, "CERTIFICATE").into_bytes())
        .output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::new("openssl cannot read the certificate").because(printed(&output)))
    }
}
