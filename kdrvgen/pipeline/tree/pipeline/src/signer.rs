//! Signs a file with the tool of this host, and gets a timestamp for it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::Duration;

use crate::certificate::Identity;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::osslsigncode::Osslsigncode;
use crate::output;
use crate::settings::{self, Settings};
use crate::signed_data::{Signed, Subject};
#[cfg(windows)]
use crate::signtool::Signtool;

/// Pauses between the attempts to get a timestamp, in seconds: 30 s in all.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 15];

/// What a signing tool needs to know.
pub struct Order {
    pub digest: String,
    pub page_hashes: bool,
    /// The files of `signing.additional-certificates`.
    pub additional: Vec<PathBuf>,
    /// URL of the timestamp server; empty for no timestamp.
    pub timestamp_url: String,
    pub is_rfc3161: bool,
}

/// A program that signs images, catalogs and cabinets.
pub trait Signer {
    /// Signs a file in place, without a timestamp. Its extension decides whether it is an image, a
    /// catalog or a cabinet.
    fn sign(&self, settings: &Settings, order: &Order, file: &Path) -> Result<()>;

    /// Adds a timestamp to a signed file in place; the exit code shows whether the server sent one.
    fn timestamp(&self, order: &Order, file: &Path) -> Result<Output>;

    /// Adds the output of the program to a failure, or prints it.
    fn refusal(&self, failure: Failure, output: &Output) -> Failure;
}

/// Signs a file in place, and requests a timestamp if one is configured.
///
/// `task` is the task that the user runs.
pub fn sign_file(
    settings: &Settings,
    order: &Order,
    identity: Option<&Identity>,
    file: &Path,
    task: &str,
) -> Result<()> {
    let signer = signer(settings, identity)?;
    signer.sign(settings, order, file)?;
    if order.timestamp_url.is_empty() {
        return Ok(());
    }
    stamp(settings, signer.as_ref(), order, file, task)?;
    check_timestamp(file)
}

/// Fails if the tool succeeded without a timestamp.
fn check_timestamp(file: &Path) -> Result<()> {
    let data = output::read(file)?;
    let signed = Subject::of(&data).signature().and_then(Signed::parse);
    match signed {
        Some(signed) if !signed.has_timestamp => Err(Failure::new(format!(
            "the signing tool succeeded, and the {} has no timestamp",
            kind_of(file)
        ))),
        _ => Ok(()), // the caller checks the signature
    }
}

/// Whether the signature of a file can have page hashes: only an image has pages.
pub fn has_pages(file: &Path) -> bool {
    kind_of(file) == "image"
}

/// What a file is, for messages.
pub fn kind_of(file: &Path) -> &'static str {
    match file.extension().and_then(OsStr::to_str) {
        Some("cat") => "catalog",
        Some("cab") => "cabinet",
        _ => "image",
    }
}

fn signer(settings: &Settings, identity: Option<&Identity>) -> Result<Box<dyn Signer>> {
    match settings::text("DRIVER_SIGNING_TOOL")?.as_str() {
        "signtool" if !cfg!(windows) => Err(Failure::new(
            "signing.tool is \"signtool\", which exists only on Windows",
        )
        .help("set signing.tool = \"auto\": it uses the tool of each host")),
        "osslsigncode" => Ok(Box::new(Osslsigncode::find(settings, identity)?)),
        _ => usual_signer(settings, identity),
    }
}

#[cfg(windows)]
fn usual_signer(settings: &Settings, identity: Option<&Identity>) -> Result<Box<dyn Signer>> {
    Ok(Box::new(Signtool::find(settings, identity)?))
}

#[cfg(not(windows))]
fn usual_signer(settings: &Settings, identity: Option<&Identity>) -> Result<Box<dyn Signer>> {
    Ok(Box::new(Osslsigncode::find(settings, identity)?))
}

/// Requests a timestamp. Tries several times, because servers fail now and then.
fn stamp(
    settings: &Settings,
    signer: &dyn Signer,
    order: &Order,
    file: &Path,
    task: &str,
) -> Result<()> {
    let mut pauses = PAUSES.iter();
    loop {
        let output = signer.timestamp(order, file)?;
        if output.status.success() {
            return Ok(());
        }
        let pause = match pauses.next() {
            Some(pause) => *pause,
            None => {
                let failure = Failure::new(format!(
                    "{} sent no timestamp in {} attempts",
                    order.timestamp_url,
                    PAUSES.len() + 1
                ));
                return Err(signer
                    .refusal(failure, &output)
                    .help(format!(
                        "to sign without a timestamp this time: {}",
                        settings.command(task).replacen(
                            "cargo make",
                            "cargo make -e DRIVER_TIMESTAMP_URL=",
                            1
                        )
                    ))
                    .help(format!(
                        "to sign without a timestamp always: signing.timestamp-url = \"\" in {}",
                        settings::config_name()
                    )));
            }
        };
        eprintln!(
            "{task}: {} sent no timestamp; next attempt in {pause} s",
            order.timestamp_url
        );
        for _ in 0..pause * 20 {
            thread::sleep(Duration::from_millis(50));
            interrupt::check()?;
        }
    }
}

/// Returns what the signing tool needs to know in this run.
pub fn order(settings: &Settings) -> Result<Order> {
    let server = settings::text("DRIVER_TIMESTAMP_SERVER")?;
    // `cargo make -e DRIVER_TIMESTAMP_URL=…` is for one run.
    let url = match env::var_os("DRIVER_TIMESTAMP_URL") {
        Some(_) => settings::text("DRIVER_TIMESTAMP_URL")?,
        None => server,
    };
    refuse_password(&url)?;
    let additional = settings::list("DRIVER_ADDITIONAL_CERTIFICATES")?;
    Ok(Order {
        digest: settings::text("DRIVER_DIGEST")?,
        page_hashes: settings::is_yes("DRIVER_PAGE_HASHES"),
        additional: additional
            .iter()
            .map(|file| settings.root.join(file))
            .collect(),
        timestamp_url: url,
        is_rfc3161: settings::text("DRIVER_TIMESTAMP_PROTOCOL")? != "authenticode",
    })
}

/// Returns the failure about a file of `signing.additional-certificates`.
pub fn not_a_certificate(file: &Path) -> Failure {
    Failure::new(format!(
        "signing.additional-certificates: {} is not a certificate",
        file.display()
    ))
    .help("use a PEM or DER file")
}

fn refuse_password(url: &str) -> Result<()> {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let authority = address.split(['/', '?', '#']).next();
    if authority.map_or(false, |authority| authority.contains('@')) {
        return Err(Failure::new(
            "the URL of the timestamp server contains a user name or password",
        )
        .because("It would appear in logs and in the process list of this machine.")
        .help("use a URL without them"));
    }
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    if url.is_empty() || (is_web && url.chars().all(|c| c.is_ascii_graphic() && c != '"')) {
        Ok(())
    } else {
        Err(Failure::new("DRIVER_TIMESTAMP_URL is not a URL")
            .help("for example: http://timestamp.digicert.com"))
    }
}

/// Returns the value of the variable whose name is in config.toml. It is never printed.
pub fn secret(key: &str, variable: &str) -> Result<Option<OsString>> {
    let name = settings::text(variable)?;
    if name.is_empty() {
        return Ok(None);
    }
    match env::var_os(&name) {
        Some(value) => Ok(Some(value)),
        None => Err(Failure::new(format!(
            "{key}: the environment variable {name} is not set"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::refuse_password;

    #[test]
    fn a_url_with_a_password_is_refused_and_not_printed() {
        for url in [
            "http://u:secret@host/",
            "https://secret@host",
            "http://a:secret@[::1]/x",
        ] {
            let failure = refuse_password(url).unwrap_err();
            assert!(!failure.to_string().contains("secret"));
        }
    }

    #[test]
    fn other_urls_are_accepted() {
        for url in [
            "",
            "http://timestamp.digicert.com",
            "http://host:8080/a?b=c@d",
        ] {
            assert!(refuse_password(url).is_ok(), "{url}");
        }
        assert!(refuse_password("file:///etc/passwd").is_err());
        assert!(refuse_password("-x").is_err());
    }
}
