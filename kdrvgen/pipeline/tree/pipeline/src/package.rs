//! The task package: makes the driver package if a file or a setting changed.
//!
//! The package is made and signed in a temporary folder, which then replaces the old one: after a
//! failure, the old package is complete.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::catalog::{self, Catalog};
use crate::certificate::{self, Identity};
use crate::checksum::xxh64;
use crate::failure::{Failure, Result};
use crate::output::{self, TempFolder};
use crate::process::{on_path, printed, Tool};
use crate::record;
use crate::settings::{self, Settings, Signing};
use crate::sign::{self, Order};

mod note;
mod wdk;

use note::Packaged;

/// The variables that a package depends on, besides the contents of files.
const SETTINGS: &[&str] = &[
    "DRIVER_PACKAGE_TOOL",
    "DRIVER_PACKAGE_VERSION",
    "DRIVER_PACKAGE_DATE",
    "DRIVER_FRAMEWORK_VERSION",
    "DRIVER_PACKAGE_OS_X86_64",
    "DRIVER_PACKAGE_OS_I686",
    "DRIVER_PACKAGE_OS_AARCH64",
    "SOURCE_DATE_EPOCH",
];

const HOOKS_READ: &str = "a hook, or another task of yours, must not change the package: change a \
    copy, or add files with package.extra-files";

/// What a package is made of.
struct Plan {
    /// The folder of the package.
    place: PathBuf,
    /// The names of the INF and of the catalog.
    inf: OsString,
    catalog: OsString,
    /// The files that the package has unchanged, by their names in it.
    given: BTreeMap<OsString, PathBuf>,
    is_wdk: bool,
}

impl Plan {
    fn read(settings: &Settings) -> Result<Plan> {
        let mut given = BTreeMap::new();
        let mut add = |path: PathBuf| {
            given.insert(path.file_name().unwrap_or_default().to_owned(), path);
        };
        add(settings.path.clone());
        for extension in ["pdb", "map", "cer"] {
            let beside = settings.path.with_extension(extension);
            if beside.is_file() {
                add(beside);
            }
        }
        for file in settings::list("DRIVER_PACKAGE_FILES")? {
            add(settings.root.join(file));
        }
        let named = |extension: &str| {
            let path = settings.path.with_extension(extension);
            path.file_name().unwrap_or_default().to_owned()
        };
        Ok(Plan {
            place: folder(settings),
            inf: named("inf"),
            catalog: named("cat"),
            given,
            is_wdk: settings::text("DRIVER_PACKAGE_TOOL")? == "wdk",
        })
    }

    fn names(&self) -> Vec<OsString> {
        let own = [self.inf.clone(), self.catalog.clone()];
        self.given.keys().cloned().chain(own).collect()
    }

    /// Returns a checksum of what the INF and the catalog depend on, besides the given files. Small
    /// files only: the others are compared with those in the package.
    fn inputs(&self, settings: &Settings) -> Result<String> {
        let mut text = String::new();
        for name in SETTINGS {
            let value = env::var_os(name).unwrap_or_default();
            text.push_str(&format!("{name}={value:?}\n"));
        }
        let support = settings::file("DRIVER_SUPPORT", &settings.root).unwrap_or_default();
        let mut files = vec![settings.root.join("Cargo.toml")];
        files.extend(support.parent().map(|root| root.join("Cargo.toml")));
        files.push(settings.root.join(settings::text("DRIVER_CONFIG")?));
        files.extend(settings::file("DRIVER_INX", &settings.root));
        for file in files {
            let content = fs::read(&file).map_or("none".to_owned(), |bytes| xxh64(&bytes));
            text.push_str(&format!("{}={content}\n", file.display()));
        }
        // Another version of kdrvgen may make another package.
        let program = if self.is_wdk {
            None
        } else {
            on_path("kdrvgen")
        };
        if let Some(metadata) = program.and_then(|program| fs::metadata(program).ok()) {
            let time = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            text.push_str(&format!("kdrvgen={} {time:?}\n", metadata.len()));
        }
        Ok(xxh64(text.as_bytes()))
    }

    /// Whether the folder has exactly the files of this record, and those are of the given files.
    fn is_up_to_date(&self, record: &Packaged) -> bool {
        let made = [&self.inf, &self.catalog];
        output::names_in(&self.place).map_or(false, |mut names| {
            let mut expected = self.names();
            names.sort();
            expected.sort();
            names == expected
        }) && self
            .given
            .iter()
            .all(|(name, source)| output::is_same(source, &self.place.join(name)))
            && made
                .iter()
                .all(|name| record.has(name, &self.place.join(name)))
    }

    /// Fails if the folder of the package is not one that the new package may replace.
    fn refuse_foreign(&self, old: Option<&Packaged>) -> Result<()> {
        let metadata = match fs::symlink_metadata(&self.place) {
            Ok(metadata) => metadata,
            Err(_) => return Ok(()),
        };
        if !metadata.is_dir() {
            return Err(
                Failure::new(format!("{} is not a folder", self.place.display()))
                    .because("The driver package goes there.")
                    .help("move it away"),
            );
        }
        let mut known = self.names();
        known.extend(old.into_iter().flat_map(Packaged::names));
        let foreign = output::names_in(&self.place)
            .unwrap_or_default()
            .into_iter()
            .find(|name| !known.contains(name));
        match foreign {
            None => Ok(()),
            Some(name) => Err(Failure::new(format!(
                "{} is not a file of the package",
                self.place.join(name).display()
            ))
            .because("The new package would replace the whole folder.")
            .help("move it away, or add it with package.extra-files")),
        }
    }
}

/// The folder of the driver package.
pub fn folder(settings: &Settings) -> PathBuf {
    settings.output.join("package")
}

pub fn package(settings: &Settings) -> Result<()> {
    let build = record::read_build(settings)?;
    let order = sign::order(settings)?;
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
    wdk::verify_inf(&stage.join(&plan.inf))?;
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
    sign::sign_file(settings, order, identity, file, "package")?;
    catalog::check_signed(settings, file, list, identity)
}
