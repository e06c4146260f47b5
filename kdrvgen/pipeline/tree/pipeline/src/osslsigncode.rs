//! Signs with osslsigncode 2.1 or later.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::certificate::Identity;
use crate::der;
use crate::failure::{Failure, Result};
use crate::output::{self, TempFile};
use crate::pem;
use crate::process::{on_path, printed, Tool};
use crate::settings::{self, Settings};
use crate::signer::{has_pages, kind_of, not_a_certificate, secret, Order, Signer};

pub struct Osslsigncode {
    program: PathBuf,
    key: Key,
}

enum Key {
    /// PEM: certificate and private key.
    #[cfg(unix)]
    Identity(PathBuf),
    /// PKCS #12.
    Pfx {
        file: PathBuf,
        password: Option<OsString>,
    },
}

impl Osslsigncode {
    pub fn find(settings: &Settings, identity: Option<&Identity>) -> Result<Osslsigncode> {
        let key = match identity {
            Some(identity) => key_of(identity)?,
            None => {
                let file = settings::file("DRIVER_PFX", &settings.root).ok_or_else(|| {
                    Failure::new("osslsigncode needs the certificate and its key in a file")
                        .because(
                            "Only signtool, on Windows, can use a certificate store or the key of a \
                             provider.",
                        )
                        .help("sign on Windows, or set signing.pfx")
                })?;
                let password = secret("signing.pfx-password-env", "DRIVER_PFX_PASSWORD_ENV")?;
                Key::Pfx { file, password }
            }
        };
        Ok(Osslsigncode {
            program: find()?,
            key,
        })
    }

    fn command(&self, verb: &str) -> Tool {
        Tool::new(&self.program).arg(verb)
    }
}

impl Signer for Osslsigncode {
    fn sign(&self, _settings: &Settings, order: &Order, file: &Path) -> Result<()> {
        let mut tool = self.command("sign").args(["-h", &order.digest]);
        match &self.key {
            #[cfg(unix)]
            Key::Identity(file) => tool = tool.arg("-certs").arg(file).arg("-key").arg(file),
            Key::Pfx { file, password } => {
                tool = tool.arg("-pkcs12").arg(file);
                if password.is_some() && cfg!(windows) {
                    return Err(Failure::new("signing.tool is \"osslsigncode\", and the PFX has a password")
                        .because("On Windows, osslsigncode reads a password only from a file or its arguments, where others can see it.")
                        .help("set signing.tool = \"auto\": it uses signtool on Windows"));
                }
                if let Some(password) = password {
                    // Through a pipe, so that neither the arguments nor a file contain the
                    // password. Without a line break: version 2.1 would add it to the password (its
                    // issue 78).
                    tool = tool.args(["-readpass", "/dev/stdin"]);
                    tool = tool.input(password.to_string_lossy().as_bytes().to_vec());
                }
            }
        }
        if order.page_hashes && has_pages(file) {
            tool = tool.arg("-ph");
        }
        let additional = bundle(file, &order.additional)?;
        if let Some(additional) = &additional {
            tool = tool.arg("-ac").arg(additional.path());
        }
        let output = replaced(file, |temporary| {
            tool.arg("-in")
                .arg(file)
                .arg("-out")
                .arg(temporary)
                .output()
        })?;
        if output.status.success() {
            return Ok(());
        }
        let what = format!("osslsigncode did not sign the {}", kind_of(file));
        Err(self.refusal(Failure::new(what), &output))
    }

    fn timestamp(&self, order: &Order, file: &Path) -> Result<Output> {
        let option = if order.is_rfc3161 { "-ts" } else { "-t" };
        let tool = self
            .command("add")
            .args([option, &order.timestamp_url])
            .args(["-h", &order.digest]);
        replaced(file, |temporary| {
            tool.arg("-in")
                .arg(file)
                .arg("-out")
                .arg(temporary)
                .output()
        })
    }

    fn refusal(&self, failure: Failure, output: &Output) -> Failure {
        let text = printed(output);
        // Without the lines of OpenSSL's error stack, which only help its developers.
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.contains(":error:"))
            .collect();
        failure.because(lines.join("\n"))
    }
}

#[cfg(unix)]
fn key_of(identity: &Identity) -> Result<Key> {
    Ok(Key::Identity(identity.file.clone()))
}

#[cfg(windows)]
fn key_of(_identity: &Identity) -> Result<Key> {
    Err(
        Failure::new("signing.tool is \"osslsigncode\", which cannot use a certificate store")
            .because("On Windows, the test certificate is in a store.")
            .help("set signing.tool = \"auto\", or signing.mode = \"certificate\" and signing.pfx"),
    )
}

/// Finds the program on the PATH.
pub fn find() -> Result<PathBuf> {
    on_path("osslsigncode").ok_or_else(|| {
        Failure::new("osslsigncode is not installed")
            .help("Debian: apt install osslsigncode; macOS: brew install osslsigncode")
    })
}

/// Runs a tool that writes a new file, and replaces the old one if the tool succeeds. The tool does
/// not overwrite files.
fn replaced(file: &Path, run: impl FnOnce(&Path) -> Result<Output>) -> Result<Output> {
    let temporary = TempFile::beside(file)?;
    output::remove(temporary.path())?;
    let output = run(temporary.path())?;
    if output.status.success() {
        temporary.put(file)?;
    }
    Ok(output)
}

/// Writes all certificates to one PEM file, because osslsigncode accepts only one.
pub fn bundle(place: &Path, files: &[PathBuf]) -> Result<Option<TempFile>> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut text = Vec::new();
    for file in files {
        let bytes = fs::read(file).map_err(|error| Failure::io("read", file, &error))?;
        if String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
            text.extend(bytes);
            text.push(b'\n');
        } else if der::Certificate::parse(&bytes).is_some() {
            text.extend(pem::encode(&bytes, "CERTIFICATE").into_bytes());
        } else {
            return Err(not_a_certificate(file));
        }
    }
    let mut temporary = TempFile::beside(place)?;
    temporary.write(&text)?;
    Ok(Some(temporary))
}
