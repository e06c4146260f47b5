//! Installs the driver package in Wine as SetupAPI does it, and removes it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::inf::Inf;
use crate::linker;
use crate::output;
use crate::package;
use crate::process::{printed, Tool};
use crate::settings::{self, Settings};

use super::{judge, text_of, Printed, Wine};

const INF: &str = r"C:\package\driver.inf";
const INSTALLER: &str = r"C:\install.exe";
/// Wine copies the files of packages to these folders. It has no driver store, and calls the
/// directory identifier 13 `unknown`.
const FOLDERS: &[&str] = &[
    "inf",
    "system32/unknown",
    "system32/drivers",
    "system32/catroot/{f750e6c3-38ee-11d1-85e5-00c04fc295ee}",
];
/// The name of the INF in Wine: rundll32 takes no path with spaces.
const INF_NAMES: [&str; 2] = ["driver.inf", "driver.pnf"];

pub(super) fn install_and_remove(
    wine: &Wine,
    settings: &Settings,
    cargo: &[OsString],
) -> Result<()> {
    let folder = package::folder(settings);
    let image = folder.join(settings.path.file_name().unwrap_or_default());
    let inf = Inf::parse(&output::read(&image.with_extension("inf"))?);
    let services = inf.services();
    let service = services.first().ok_or_else(|| {
        Failure::new("the package installs no service")
            .because("Wine's kernel loads the drivers of services only.")
    })?;
    let ids = inf.hardware_ids();
    let drive = wine.prefix.join("drive_c");
    let names = copy(&folder, &drive.join("package"), &image)?;
    let copied = drive.join("package/driver.inf");
    output::replace(&copied, &inf.for_any_windows())?;
    if !ids.is_empty() {
        compile(settings, cargo, &drive.join("install.exe"))?;
    }
    // An interrupted run can have left them, and Wine starts the driver of a device.
    remove(wine, &ids, service)?;
    File::create(&wine.log).map_err(|error| Failure::io("write", &wine.log, &error))?;
    let installed = match ids.first() {
        Some(id) => wine.output(&[INSTALLER, "install", INF, id])?,
        None => wine.output(&[
            "rundll32",
            "setupapi,InstallHinfSection",
            "DefaultInstall",
            "128",
            INF,
        ])?,
    };
    if installed.is_success && ids.is_empty() {
        wine.sc(&["start", service])?;
    }
    let started = wine.sc(&["query", service])?;
    let stopped = remove(wine, &ids, service)?;
    wine.stop(); // completes the log
    wine.print_messages();
    forget(&drive, &names);
    if !installed.is_success {
        return Err(
            Failure::new(format!("Wine could not install {}", folder.display()))
                .because(installed.text)
                .because(text_of(&wine.log)),
        );
    }
    judge(&image, &started, &stopped)
}

/// Copies the files of the package, except the INF, and returns their names.
fn copy(from: &Path, to: &Path, image: &Path) -> Result<Vec<OsString>> {
    if to.exists() {
        fs::remove_dir_all(to).map_err(|error| Failure::io("remove", to, &error))?;
    }
    output::create_folder(to)?;
    let mut names = output::names_in(from).map_err(|error| Failure::io("read", from, &error))?;
    let inf = image.with_extension("inf");
    names.retain(|name| from.join(name) != inf);
    for name in &names {
        output::copy(&from.join(name), &to.join(name))?;
    }
    Ok(names)
}

/// Removes the device and the service, and returns the state of the service before.
fn remove(wine: &Wine, ids: &[String], service: &str) -> Result<Printed> {
    if let Some(id) = ids.first() {
        wine.output(&[INSTALLER, "remove", INF, id])?;
    }
    wine.sc(&["stop", service])?;
    let stopped = wine.sc(&["query", service])?;
    wine.sc(&["delete", service])?;
    Ok(stopped)
}

/// Removes the copies that Wine made, which it never removes.
fn forget(drive: &Path, names: &[OsString]) {
    let inf = INF_NAMES.map(OsString::from);
    for folder in FOLDERS
        .iter()
        .map(|folder| drive.join("windows").join(folder))
    {
        for name in names.iter().chain(&inf) {
            let _ = output::remove(&folder.join(name));
        }
    }
}

/// Compiles the program that creates the device, with the toolchain and the linker of the driver.
fn compile(settings: &Settings, cargo: &[OsString], program: &Path) -> Result<()> {
    let support = settings::file("DRIVER_SUPPORT", &settings.root)
        .ok_or_else(|| Failure::new("DRIVER_SUPPORT is not set"))?;
    let source = support.join("pipeline/src/smoke/install.rs");
    let (variable, linker) = match linker::choose(settings, cargo)? {
        Some(choice) => choice,
        None => {
            let triple = settings.triple.to_uppercase().replace('-', "_");
            let variable = format!("CARGO_TARGET_{triple}_LINKER");
            let linker = env::var_os(&variable).unwrap_or_default();
            (variable, linker)
        }
    };
    let mut option = OsString::from("-Clinker=");
    option.push(&linker);
    let mut words = cargo.to_vec();
    match words.last_mut() {
        Some(last) => *last = "rustc".into(),
        None => words.push("rustc".into()),
    }
    let output = Tool::new(&words[0])
        .args(&words[1..])
        .args(["--edition=2021", "--crate-type=bin", "--crate-name=install"])
        .args([
            "--target",
            &settings.triple,
            "-Cpanic=abort",
            "-Copt-level=1",
        ])
        .args(["-Cdebuginfo=0", "-Coverflow-checks=off"])
        .arg("-Clink-args=/ENTRY:start /SUBSYSTEM:CONSOLE /NODEFAULTLIB")
        .arg(option)
        .arg("-o")
        .arg(program)
        .arg(source)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(
        Failure::new("the program that installs the package in Wine was not compiled")
            .because(printed(&output))
            .help(format!(
                "it needs the crate core for {}, and {variable} or an LLVM linker",
                settings.triple
            )),
    )
}
