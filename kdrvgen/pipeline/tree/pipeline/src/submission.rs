//! The task submission: makes the files for Microsoft's Partner Center from the driver package, and
//! signs the cabinet, if a file or a setting changed.

use std::ffi::OsString;

use crate::cabinet::{self, Cabinet};
use crate::certificate;
use crate::checksum::xxh64;
use crate::failure::{Failure, Result};
use crate::folder::{Folder, Made};
use crate::kdrvgen;
use crate::output;
use crate::record;
use crate::settings::{Settings, Signing};
use crate::sign;
use crate::signer;

/// The requests to Partner Center, beside the cabinet.
const REQUESTS: [&str; 2] = ["product.json", "submission.json"];

pub fn submission(settings: &Settings) -> Result<()> {
    if settings.signing == Signing::Off {
        return Err(Failure::new(
            "signing.mode is \"off\", and the cabinet of a submission must be signed",
        )
        .because("Partner Center identifies your organization by the signature.")
        .help("use a profile with signing.mode = \"certificate\": cargo make --profile NAME submission")
        .help("or make the files with `kdrvgen submission`, and sign the cabinet yourself"));
    }
    let build = record::read_build(settings)?;
    let order = signer::order(settings)?;
    let identity = certificate::of(settings)?;
    let _lock = record::lock(settings)?;
    sign::signed_image(settings, &build)?;
    let package = Folder::package(settings);
    let inputs = inputs(&package)?;
    let signing = sign::fingerprint(settings, &order, identity.as_ref())?;
    let folder = Folder::submission(settings);
    let names = names(settings);
    let old = folder.made();
    folder.refuse_foreign(&names, old.as_ref(), "move it away")?;
    let old = old.filter(|old| old.is_intact(&folder.place));
    if identity.is_some() {
        eprintln!(
            "submission: warning: the profile {} signs with a test certificate, which Partner \
             Center does not accept",
            settings.profile
        );
    }
    if old
        .as_ref()
        .map_or(false, |old| old.inputs == inputs && old.signing == signing)
    {
        folder.print_up_to_date();
        return Ok(());
    }
    let stage = folder.stage()?;
    let cabinet = stage.path().join(&names[0]);
    // kdrvgen keeps a cabinet that is signed and has the same files.
    if old.as_ref().map_or(false, |old| old.signing == signing) {
        output::copy(&folder.place.join(&names[0]), &cabinet)?;
    }
    let program = kdrvgen::find()
        .map_err(|failure| failure.because("It makes the cabinet of the submission."))?;
    let (from, place) = (&package.place, &folder.place);
    kdrvgen::make(settings, &program, "submission", from, stage.path(), place)?;
    let unsigned = output::read(&cabinet)?;
    if !is_signed(&unsigned) {
        signer::sign_file(settings, &order, identity.as_ref(), &cabinet, "submission")?;
        cabinet::check_signed(settings, &cabinet, &unsigned, identity.as_ref())?;
    }
    let made = Made::of(inputs, signing, stage.path())?;
    folder.put(stage, &made, old.as_ref())
}

/// Removes the submission. The caller holds the lock.
pub fn remove(settings: &Settings) -> Result<()> {
    Folder::submission(settings).remove(&names(settings))
}

/// The names of the files, the cabinet first.
fn names(settings: &Settings) -> Vec<OsString> {
    let cabinet = settings.path.with_extension("cab");
    let mut names = vec![cabinet.file_name().unwrap_or_default().to_owned()];
    names.extend(REQUESTS.iter().map(OsString::from));
    names
}

/// Returns a checksum of what the submission depends on: the note of the package has the checksums
/// of its files and of the configuration. Fails if the package is not as the task package left it.
fn inputs(package: &Folder) -> Result<String> {
    let packaged = package
        .made()
        .filter(|made| made.is_intact(&package.place))
        .ok_or_else(|| {
            Failure::new(format!(
                "{} is not as the task package left it",
                package.place.display()
            ))
            .because("Another run or another program changed it.")
            .help("remove this folder, and run the task again")
        })?;
    let text = packaged.text() + &kdrvgen::stamp();
    Ok(xxh64(text.as_bytes()))
}

fn is_signed(data: &[u8]) -> bool {
    Cabinet::parse(data).map_or(false, |cabinet| cabinet.signature().is_some())
}
