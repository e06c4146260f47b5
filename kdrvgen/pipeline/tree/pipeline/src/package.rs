//! The task package: makes the driver package if a file or a setting changed.

use std::path::{Path, PathBuf};

use crate::catalog::{self, Catalog};
use crate::certificate::{self, Identity};
use crate::failure::{Failure, Result};
use crate::folder::{Folder, Made};
use crate::kdrvgen;
use crate::output;
use crate::record;
use crate::settings::{Settings, Signing};
use crate::sign;
use crate::signer::{self, Order};

mod plan;
mod wdk;

use plan::Plan;

const HOOKS_READ: &str = "a hook, or another task of yours, must not change the package: change a \
    copy, or add files with package.extra-files";

/// The folder of the driver package.
pub fn folder(settings: &Settings) -> PathBuf {
    Folder::package(settings).place
}

pub fn package(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let order = signer::order(settings)?;
    let identity = certificate::of(settings)?;
    let _lock = record::lock(settings)?;
    output::remove_leftovers(&settings.output);
    sign::signed_image(settings, &build)?;
    let signing = match settings.signing {
        Signing::Off => "off".to_owned(),
        _ => sign::fingerprint(settings, &order, identity.as_ref())?,
    };
    let plan = Plan::read(settings)?;
    let inputs = plan.inputs(settings)?;
    let old = plan.folder.made();
    let is_current = |old: &Made| old.inputs == inputs && old.signing == signing;
    if old
        .as_ref()
        .map_or(false, |old| is_current(old) && plan.is_up_to_date(old))
    {
        plan.folder.print_up_to_date();
        return Ok(());
    }
    plan.folder.refuse_foreign(
        &plan.names(),
        old.as_ref(),
        "move it away, or add it with package.extra-files",
    )?;
    let stage = plan.folder.stage()?;
    let old = old.filter(|old| old.is_intact(&plan.folder.place));
    let is_signed = make(settings, &plan, stage.path(), old.as_ref(), &signing)?;
    if !is_signed && settings.signing != Signing::Off {
        let catalog = stage.path().join(&plan.catalog);
        sign_catalog(settings, &order, identity.as_ref(), &catalog)?;
    }
    let made = Made::of(inputs, signing, stage.path())?;
    plan.folder.put(stage, &made, old.as_ref())
}

/// The task that ends a run with hooks after the package: it fails if they changed the package.
pub fn check(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let _lock = record::lock(settings)?;
    sign::signed_image(settings, &build)?;
    let folder = Folder::package(settings);
    let is_intact = folder
        .made()
        .map_or(false, |made| made.is_intact(&folder.place));
    if is_intact {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "{} was changed after the task make-package",
        folder.place.display()
    ))
    .because("The catalog may not have the digests of its files.")
    .help(HOOKS_READ);
    remove(settings)?;
    Err(failure)
}

/// Removes the package. The caller holds the lock.
pub fn remove(settings: &Settings) -> Result<()> {
    let plan = Plan::read(settings)?;
    plan.folder.remove(&plan.names())
}

/// Makes the package in a new folder. Returns whether its catalog is already signed, with this
/// fingerprint.
fn make(
    settings: &Settings,
    plan: &Plan,
    stage: &Path,
    old: Option<&Made>,
    signing: &str,
) -> Result<bool> {
    if plan.is_wdk {
        let copied = plan.given.iter();
        copied
            .clone()
            .try_for_each(|(name, source)| output::copy(source, &stage.join(name)))?;
        wdk::make(settings, stage, &plan.inf, &plan.catalog)?;
        let images = [settings.path.file_name().unwrap_or_default(), &plan.inf];
        wdk::check_digests(stage, &plan.catalog, &images)?;
        return Ok(false);
    }
    // kdrvgen keeps a catalog that is signed and has the same list, and the date of an INF to which
    // nothing changed.
    for name in old.iter().flat_map(|old| old.names()) {
        let is_outdated = name == plan.catalog && old.map_or(true, |old| old.signing != signing);
        let is_of_plan = plan.names().contains(&name);
        if is_of_plan && !is_outdated {
            output::copy(&plan.folder.place.join(&name), &stage.join(&name))?;
        }
    }
    let program = kdrvgen::find().map_err(|failure| {
        failure
            .because("It writes the INF and the catalog of the driver package.")
            .help("or set package.tool = \"wdk\", which uses the tools of the WDK on Windows")
    })?;
    let (image, place) = (&settings.path, &plan.folder.place);
    kdrvgen::make(settings, &program, "package", image, stage, place)?;
    wdk::check_inf(&stage.join(&plan.inf))?;
    let data = output::read(&stage.join(&plan.catalog))?;
    Ok(Catalog::parse(&data).map_or(false, |catalog| catalog.is_signed))
}

/// Signs a catalog in place, and checks it.
fn sign_catalog(
    settings: &Settings,
    order: &Order,
    identity: Option<&Identity>,
    file: &Path,
) -> Result<()> {
    let data = output::read(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let list = Catalog::parse(&data)
        .ok_or_else(|| Failure::new(format!("{name} is not a catalog")))?
        .list;
    signer::sign_file(settings, order, identity, file, "package")?;
    catalog::check_signed(settings, file, list, identity)
}
