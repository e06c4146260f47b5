//! Checks that a signature covers its file, with openssl. Ignores the certificate chain.

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::output::TempFile;
use crate::pem;
use crate::process::{on_path, printed, Tool};
use crate::signed_data::{Signed, Subject};

/// Fails unless the signature in `data`, an image, a cabinet or a catalog, covers its content and was made
/// with the key of its certificate ("Windows Authenticode Portable Executable Signature Format";
/// RFC 2315, 9.3).
///
/// Temporary files are created in the folder of the path `scratch`.
pub fn check(data: &[u8], scratch: &Path) -> Result<()> {
    let damaged = || Failure::new("the new signature cannot be read");
    let subject = Subject::of(data);
    let signed = subject
        .signature()
        .and_then(Signed::parse)
        .ok_or_else(damaged)?;
    if on_path("openssl").is_none() {
        return Err(Failure::new("openssl is not installed")
            .because("The task checks the signature with it.")
            .help("Debian: apt install openssl"));
    }
    let covered = match &subject {
        Subject::Image(image) => Some((image.authenticode_bytes().ok_or_else(damaged)?, "image")),
        Subject::Cabinet(cabinet) => Some((cabinet.covered(), "cabinet")),
        Subject::Catalog(_) => None,
    };
    if let Some((bytes, kind)) = covered {
        let expected = signed.file_digest().ok_or_else(damaged)?;
        if digest(signed.digest_name, bytes)? != expected {
            let what = format!("the signature does not match this {kind}");
            return Err(Failure::new(what));
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
