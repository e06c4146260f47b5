//! The task package: makes the driver package if a file or a setting changed.
//!
//! The package is made and signed in a temporary folder, which then replaces the old one: after a
//! failure, the old package is complete.

use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::{self, Catalog};
use crate::certificate::{self, Identity};
use crate::failure::{Failure, Result};
use crate::output::{self, TempFolder};
use crate::process::{on_path, printed, Tool};
use crate::record;
use crate::settings::{self, Settings, Signing};
use crate::sign;
use crate::signer::{self, Order};

mod note;
mod plan;
mod wdk;

use note::Packaged;
use plan::Plan;

const HOOKS_READ: &str = "a hook, or another task of yours, must not change the package: change a \
    copy, or add files with package.extra-files";

/// The folder of the driver package.
pub fn folder(settings: &Settings) -> PathBuf {
    settings.output.join("package")
}

pub fn package(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let order = signer::order(settings)?;
    let identity = match settings.signing {
        Signing::Test => Some(certificate::ensure(settings)?),
        _ => None,
    };
    let _lock = record::lock(settings)?;
    output::remove_leftovers(&settings.output);
    sign::signed_image(settings, &build)?;
    let signing = match settings.signing {
        Signing::Off => "off".to_owned(),
        _ => sign::fingerprint(settings, &order, identity.as_ref())?,
    };
    let plan = Plan::read(settings)?;
    let inputs = plan.inputs(settings)?;
    let old = note::read(settings);
    let is_current = |old: &Packaged| old.inputs == inputs && old.signing == signing;
    if old
        .as_ref()
        .map_or(false, |old| is_current(old) && plan.is_up_to_date(old))
    {
        println!("package: {} is up to date", plan.place.display());
        return Ok(());
    }
    plan.refuse_foreign(old.as_ref())?;
    let temporary = TempFolder::beside(&plan.place)?;
    let stage = temporary.path().join("package");
    let old = old.filter(|old| old.is_intact(&plan.place));
    let is_signed = make(settings, &plan, &stage, old.as_ref(), &signing)?;
    if !is_signed && settings.signing != Signing::Off {
        sign_catalog(
            settings,
            &order,
            identity.as_ref(),
            &stage.join(&plan.catalog),
        )?;
    }
    let packaged = Packaged::of(inputs, signing, &stage)?;
    let is_same = old.map_or(false, |old| old.has_files_of(&packaged));
    if !is_same {
        note::forget(settings)?;
        temporary.put(&stage, &plan.place)?;
    }
    note::write(settings, &packaged)?;
    let end = if is_same { " is up to date" } else { "" };
    println!("package: {}{end}", plan.place.display());
    Ok(())
}

/// The task that ends a run with hooks after the package: it fails if they changed the package.
pub fn check(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let _lock = record::lock(settings)?;
    sign::signed_image(settings, &build)?;
    let place = folder(settings);
    let is_intact = note::read(settings).map_or(false, |packaged| packaged.is_intact(&place));
    if is_intact {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "{} was changed after the task make-package",
        place.display()
    ))
    .because("The catalog may not have the digests of its files.")
    .help(HOOKS_READ);
    remove(settings)?;
    Err(failure)
}

/// Removes the files of the package, and the folder if nothing else is in it. The caller holds the
/// lock.
pub fn remove(settings: &Settings) -> Result<()> {
    let place = folder(settings);
    let plan = Plan::read(settings)?;
    let recorded = note::read(settings);
    let recorded = recorded.iter().flat_map(Packaged::names);
    let is_folder = fs::symlink_metadata(&place).map_or(false, |metadata| metadata.is_dir());
    if is_folder {
        for name in plan.names().into_iter().chain(recorded) {
            output::remove(&place.join(name))?;
        }
        let _ = fs::remove_dir(&place); // fails if it has other files
    }
    note::forget(settings)
}

/// Makes the package in a new folder. Returns whether its catalog is already signed, with this
/// fingerprint.
fn make(
    settings: &Settings,
    plan: &Plan,
    stage: &Path,
    old: Option<&Packaged>,
    signing: &str,
) -> Result<bool> {
    output::create_folder(stage)?;
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
            output::copy(&plan.place.join(&name), &stage.join(&name))?;
        }
    }
    run_kdrvgen(settings, plan, stage)?;
    wdk::check_inf(&stage.join(&plan.inf))?;
    let data = output::read(&stage.join(&plan.catalog))?;
    Ok(Catalog::parse(&data).map_or(false, |catalog| catalog.is_signed))
}

fn run_kdrvgen(settings: &Settings, plan: &Plan, stage: &Path) -> Result<()> {
    let config = settings::text("DRIVER_CONFIG")?;
    if config.is_empty() || !settings.root.join(&config).is_file() {
        return Err(Failure::new("the configuration of this project is missing")
            .because("The driver package is made from its table [package].")
            .help(
                "generate the project with `kdrvgen` from its configuration, and keep that file",
            ));
    }
    let kdrvgen = on_path("kdrvgen").ok_or_else(|| {
        Failure::new("kdrvgen is not installed")
            .because("It writes the INF and the catalog of the driver package.")
            .help("pip install kdrvgen, and check that its folder is in the PATH")
            .help("or set package.tool = \"wdk\", which uses the tools of the WDK on Windows")
    })?;
    let output = Tool::new(kdrvgen)
        .args(["package", "-q", "--color", "never", "--config"])
        .arg(settings.root.join(config))
        .arg("-o")
        .arg(stage)
        .arg(&settings.path)
        .output()?;
    let (staged, place) = (
        stage.display().to_string(),
        plan.place.display().to_string(),
    );
    let text = printed(&output).replace(&staged, &place);
    if !output.status.success() {
        return Err(Failure::new("kdrvgen package did not make the driver package").because(text));
    }
    eprint!("{text}");
    Ok(())
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
