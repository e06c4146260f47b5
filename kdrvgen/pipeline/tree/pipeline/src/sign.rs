//! The task sign: signs the image if the code, the certificate or a setting changed.

use std::env;
use std::path::Path;

use crate::certificate::{self, Identity};
use crate::digest::sha256;
use crate::failure::{Failure, Result};
use crate::output::{self, TempFile};
use crate::record::{self, Build, Signed, HOOKS_READ};
use crate::rename::{is_as_signed, is_signed_copy, table_of};
use crate::settings::{self, Settings, Signing};
use crate::signer::{self, Order};
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

pub fn sign(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let order = signer::order(settings)?;
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
    let identity = certificate::of(settings)?;
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
    signer::sign_file(settings, order, identity, temporary.path(), "sign")?;
    if !is_signed_copy(dll, &output::read(temporary.path())?) {
        return Err(
            Failure::new("the signing tool changed more than the signature")
                .because("The signed image differs from the linked one, or its checksum is wrong."),
        );
    }
    verify::new_signature(settings, temporary.path(), identity)?;
    Ok(temporary)
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
