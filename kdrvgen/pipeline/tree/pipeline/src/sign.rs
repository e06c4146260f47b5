//! The task sign: signs the image if the code, the certificate or a setting changed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::Duration;

use crate::certificate::{self, Identity};
use crate::digest::sha256;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::osslsigncode::Osslsigncode;
use crate::output::{self, TempFile};
use crate::record::{self, Build, Signed, HOOKS_READ};
use crate::rename::{is_as_signed, is_signed_copy, table_of};
use crate::settings::{self, Settings, Signing};
#[cfg(windows)]
use crate::signtool::Signtool;
use crate::verify;

/// The variables that a signature depends on, besides the certificate and the contents of files.
const SETTINGS: &[&str] = &[
    "DRIVER_SIGNING",
    "DRIVER_SIGNING_TOOL",
    "DRIVER_DIGEST",
    "DRIVER_PAGE_HASHES",
    "DRIVER_TIMESTAMP_PROTOCOL",
    "DRIVER_ADDITIONAL_CERTIFICATES",
    "DRIVER_CERTIFICATE_STORE",
    "DRIVER_MACHINE_STORE",
    "DRIVER_CERTIFICATE_SUBJECT",
    "DRIVER_CERTIFICATE_THUMBPRINT",
    "DRIVER_PFX",
    "DRIVER_PUBLIC_CERTIFICATE",
    "DRIVER_CSP",
    "DRIVER_KEY_CONTAINER",
    "DRIVER_KEY_CONTAINER_ENV",
    "DRIVER_DLIB",
    "DRIVER_DMDF",
];

/// The variables that name files whose content the signature depends on.
const FILES: &[(&str, &str)] = &[
    ("DRIVER_PFX", "signing.pfx"),
    ("DRIVER_PUBLIC_CERTIFICATE", "signing.public-certificate"),
    ("DRIVER_DMDF", "signing.dmdf"),
];

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

/// A program that signs images and catalogs.
pub trait Signer {
    /// Signs an image or a catalog in place, without a timestamp. The extension of the file decides
    /// which it is.
    fn sign(&self, settings: &Settings, order: &Order, file: &Path) -> Result<()>;

    /// Adds a timestamp to a signed file in place; the exit code shows whether the server sent one.
    fn timestamp(&self, order: &Order, file: &Path) -> Result<Output>;

    /// Adds the output of the program to a failure, or prints it.
    fn refusal(&self, failure: Failure, output: &Output) -> Failure;
}

pub fn sign(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let order = order(settings)?;
    if settings.signing == Signing::Off {
        let _lock = record::lock(settings)?;
        renamed_dll(settings, &build)?;
        certificate::unsign(settings)?;
        println!(
            "sign: signing.mode is off: {} is not signed",
            settings.path.display()
        );
        return Ok(());
    }
    let identity = match settings.signing {
        Signing::Test => Some(certificate::ensure(settings)?),
        _ => None,
    };
    let _lock = record::lock(settings)?;
    if let Some(identity) = &identity {
        certificate::export(settings, identity)?;
    }
    let dll = renamed_dll(settings, &build)?;
    let fingerprint = fingerprint(settings, &order, identity.as_ref());
    if let Ok(fingerprint) = &fingerprint {
        if is_up_to_date(settings, &dll, fingerprint) {
            println!("sign: {} is up to date", settings.path.display());
            return Ok(());
        }
    }
    // The image must not look signed before it has the new signature.
    record::forget_signed(settings)?;
    output::replace(&settings.path, &dll)?;
    let fingerprint = fingerprint?;
    let signed = signed_copy(settings, &order, identity.as_ref(), &dll)?;
    let table = table_of(&output::read(signed.path())?);
    // Another run may have built the DLL again: this signature would be for older sources.
    record::read_dll(settings, &build)?;
    signed.put(&settings.path)?;
    record::write_signed(
        settings,
        &Signed {
            settings: fingerprint,
            table,
        },
    )?;
    let stamp = if order.timestamp_url.is_empty() {
        String::new()
    } else {
        format!(", timestamp by {}", order.timestamp_url)
    };
    println!("sign: {}{stamp}", settings.path.display());
    Ok(())
}

/// The task that ends a run with hooks after signing: it fails if they changed the signed image.
pub fn check_signed(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let _lock = record::lock(settings)?;
    left_by(settings, &build, "sign-image")
}

/// Fails unless the image is as the task sign left it in this run.
pub fn signed_image(settings: &Settings, build: &Build) -> Result<()> {
    left_by(settings, build, "sign")
}

fn left_by(settings: &Settings, build: &Build, task: &str) -> Result<()> {
    unchanged(settings, build, task, |dll, image| {
        if settings.signing == Signing::Off {
            dll == image
        } else {
            is_as_signed(settings, dll, image)
        }
    })
    .map(|_| ())
}

/// Returns the DLL. Fails if a hook or another program changed it, or the image, after the task
/// rename.
fn renamed_dll(settings: &Settings, build: &Build) -> Result<Vec<u8>> {
    unchanged(settings, build, "rename", |dll, image| {
        dll == image || is_as_signed(settings, dll, image)
    })
}

/// Returns the DLL. Fails if it, or the image, is not as the task `task` left it; then no image
/// remains that looks signed.
fn unchanged(
    settings: &Settings,
    build: &Build,
    task: &str,
    is_as_left: impl Fn(&[u8], &[u8]) -> bool,
) -> Result<Vec<u8>> {
    let dll = record::read_dll(settings, build).and_then(|dll| {
        let image = output::read_regular(&settings.path).unwrap_or_default();
        if is_as_left(&dll, &image) {
            return Ok(dll);
        }
        Err(Failure::new(format!(
            "{} was changed or removed after the task {task}",
            settings.path.display()
        ))
        .because("The signature would cover other code than the linker wrote.")
        .help(HOOKS_READ))
    });
    dll.map_err(|failure| {
        let cleared = record::forget_signed(settings).and_then(|()| certificate::unsign(settings));
        match cleared {
            Ok(()) => failure,
            Err(other) => failure.because(other.to_string()),
        }
    })
}

/// Signs a copy of the DLL and verifies it.
fn signed_copy(
    settings: &Settings,
    order: &Order,
    identity: Option<&Identity>,
    dll: &[u8],
) -> Result<TempFile> {
    let mut temporary = TempFile::beside(&settings.path)?;
    temporary.write(dll)?;
    sign_file(settings, order, identity, temporary.path(), "sign")?;
    if !is_signed_copy(dll, &output::read(temporary.path())?) {
        return Err(
            Failure::new("the signing tool changed more than the signature")
                .because("The signed image differs from the linked one, or its checksum is wrong."),
        );
    }
    verify::new_signature(settings, temporary.path(), identity)?;
    Ok(temporary)
}

/// Signs an image or a catalog in place, and requests a timestamp if one is configured.
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
    stamp(settings, signer.as_ref(), order, file, task)
}

/// Whether a file is a catalog, which has no page hashes.
pub fn is_catalog(file: &Path) -> bool {
    file.extension()
        .map_or(false, |extension| extension == "cat")
}

/// What a file is, for messages.
pub fn kind_of(file: &Path) -> &'static str {
    if is_catalog(file) {
        "catalog"
    } else {
        "image"
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

/// Returns a digest of everything that the signature depends on, except the code.
pub fn fingerprint(
    settings: &Settings,
    order: &Order,
    identity: Option<&Identity>,
) -> Result<String> {
    let mut text = String::new();
    for name in SETTINGS {
        text.push_str(&format!(
            "{name}={:?}\n",
            env::var_os(name).unwrap_or_default()
        ));
    }
    text.push_str(&format!("timestamp={:?}\n", order.timestamp_url));
    if let Some(identity) = identity {
        text.push_str(&format!("certificate={}\n", sha256(&identity.der)));
    }
    for (variable, key) in FILES {
        if let Some(file) = settings::file(variable, &settings.root) {
            text.push_str(&format!("{key}={}\n", sha256(&read_named(key, &file)?)));
        }
    }
    for file in &order.additional {
        let bytes = read_named("signing.additional-certificates", file)?;
        text.push_str(&format!("additional={}\n", sha256(&bytes)));
    }
    Ok(sha256(text.as_bytes()))
}

fn read_named(key: &str, file: &Path) -> Result<Vec<u8>> {
    if file.exists() {
        output::read(file)
    } else {
        Err(Failure::new(format!(
            "{key}: {} does not exist",
            file.display()
        )))
    }
}

fn is_up_to_date(settings: &Settings, dll: &[u8], fingerprint: &str) -> bool {
    let image = output::read_regular(&settings.path).unwrap_or_default();
    let expected = Signed {
        settings: fingerprint.to_owned(),
        table: table_of(&image),
    };
    record::read_signed(settings) == Some(expected) && is_signed_copy(dll, &image)
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
