//! This program's own sources: how it is put in place, and built anew when they have changed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::output::{self, Fresh, Lock};
use crate::process::Tool;
use crate::settings;
use crate::system;

/// What this program was compiled from, by its place below the support folder.
const SOURCES: &[(&str, &[u8])] = &[
    ("kit.rs", include_bytes!("../../kit.rs")),
    ("pipeline/Cargo.toml", include_bytes!("../Cargo.toml")),
    ("pipeline/src/authenticode.rs", include_bytes!("authenticode.rs")),
    ("pipeline/src/cargo.rs", include_bytes!("cargo.rs")),
    ("pipeline/src/certificate.rs", include_bytes!("certificate.rs")),
    ("pipeline/src/certificate/unix.rs", include_bytes!("certificate/unix.rs")),
    ("pipeline/src/certificate/windows.rs", include_bytes!("certificate/windows.rs")),
    (
        "pipeline/src/certificate/windows/container.rs",
        include_bytes!("certificate/windows/container.rs"),
    ),
    (
        "pipeline/src/certificate/windows/create.rs",
        include_bytes!("certificate/windows/create.rs"),
    ),
    (
        "pipeline/src/certificate/windows/entry.rs",
        include_bytes!("certificate/windows/entry.rs"),
    ),
    (
        "pipeline/src/certificate/windows/store.rs",
        include_bytes!("certificate/windows/store.rs"),
    ),
    ("pipeline/src/checksum.rs", include_bytes!("checksum.rs")),
    ("pipeline/src/clean.rs", include_bytes!("clean.rs")),
    ("pipeline/src/der.rs", include_bytes!("der.rs")),
    ("pipeline/src/digest.rs", include_bytes!("digest.rs")),
    ("pipeline/src/driver.rs", include_bytes!("driver.rs")),
    ("pipeline/src/failure.rs", include_bytes!("failure.rs")),
    ("pipeline/src/image.rs", include_bytes!("image.rs")),
    ("pipeline/src/interrupt.rs", include_bytes!("interrupt.rs")),
    ("pipeline/src/json.rs", include_bytes!("json.rs")),
    ("pipeline/src/linker.rs", include_bytes!("linker.rs")),
    ("pipeline/src/main.rs", include_bytes!("main.rs")),
    ("pipeline/src/map.rs", include_bytes!("map.rs")),
    ("pipeline/src/osslsigncode.rs", include_bytes!("osslsigncode.rs")),
    ("pipeline/src/output.rs", include_bytes!("output.rs")),
    ("pipeline/src/own.rs", include_bytes!("own.rs")),
    ("pipeline/src/process.rs", include_bytes!("process.rs")),
    ("pipeline/src/record.rs", include_bytes!("record.rs")),
    ("pipeline/src/rename.rs", include_bytes!("rename.rs")),
    ("pipeline/src/rules.rs", include_bytes!("rules.rs")),
    ("pipeline/src/service.rs", include_bytes!("service.rs")),
    ("pipeline/src/service/windows.rs", include_bytes!("service/windows.rs")),
    (
        "pipeline/src/service/windows/manager.rs",
        include_bytes!("service/windows/manager.rs"),
    ),
    (
        "pipeline/src/service/windows/ownership.rs",
        include_bytes!("service/windows/ownership.rs"),
    ),
    ("pipeline/src/settings.rs", include_bytes!("settings.rs")),
    ("pipeline/src/sign.rs", include_bytes!("sign.rs")),
    ("pipeline/src/signtool.rs", include_bytes!("signtool.rs")),
    ("pipeline/src/smoke.rs", include_bytes!("smoke.rs")),
    ("pipeline/src/system.rs", include_bytes!("system.rs")),
    ("pipeline/src/verify.rs", include_bytes!("verify.rs")),
    ("pipeline/src/verify/unix.rs", include_bytes!("verify/unix.rs")),
    ("pipeline/src/verify/windows.rs", include_bytes!("verify/windows.rs")),
    ("pipeline/src/win32.rs", include_bytes!("win32.rs")),
];

/// Set for the program that a renewal starts, to the process that runs both: one that differs again
/// does not renew for ever.
const RENEWED: &str = "KDRVGEN_PIPELINE_RENEWED";

/// A number for this run of cargo-make: its process starts the programs of all tasks.
pub fn run_number() -> u32 {
    let outer = env::var(RENEWED).ok().and_then(|number| number.parse().ok());
    outer.unwrap_or_else(system::parent)
}

/// Whether cargo runs this program as the build script that it was compiled as.
pub fn is_build_script() -> bool {
    env::args_os().len() == 1 && env::var_os("OUT_DIR").is_some()
}

/// Puts a copy of this program where Makefile.toml expects it.
pub fn install() -> Result<()> {
    let place = place()?;
    // A missing or changed file makes cargo run this again.
    println!("cargo:rerun-if-changed={}", place.display());
    println!("cargo:rerun-if-env-changed=DRIVER_PIPELINE");
    let program = env::current_exe()
        .map_err(|error| Failure::new(format!("this program has no path: {error}")))?;
    let fresh = Fresh::beside(&place)?;
    // Copied with its permissions.
    fs::copy(&program, fresh.path()).map_err(|error| Failure::io("copy", &program, &error))?;
    set_aside(&place);
    fresh.put(&place)
}

/// Builds this program anew and runs the new one, if its sources are others than those it was
/// compiled from. Times of files do not count.
///
/// Returns the exit code of the new program, or None if this one is current.
pub fn renewed() -> Result<Option<i32>> {
    let support = support_folder()?;
    let place = place()?;
    remove_what_was_set_aside(&place);
    let changed = SOURCES.iter().find(|(name, text)| {
        fs::read(support.join(name)).map_or(true, |found| found != *text)
    });
    let changed = match changed {
        None => return Ok(None),
        Some((name, _)) => support.join(name),
    };
    if !changed.is_file() {
        return Err(
            Failure::new(format!("{} is missing", changed.display()))
                .help("run `kdrvgen`, which writes it"),
        );
    }
    if env::var_os(RENEWED).is_some() {
        return Err(Failure::new(format!(
            "{} differs from what this program was just compiled from",
            changed.display()
        ))
        .help("if something writes to that folder, wait for it, and run the task again"));
    }
    build(&support, &place)?;
    let status = Command::new(&place)
        .args(env::args_os().skip(1))
        .env(RENEWED, run_number().to_string())
        .status()
        .map_err(|error| Failure::io("run", &place, &error))?;
    Ok(Some(status.code().unwrap_or(1)))
}

/// Compiles the program from its sources, as the task `pipeline` does, from nothing: cargo would
/// go by the times of files.
fn build(support: &Path, place: &Path) -> Result<()> {
    let mut lock = place.as_os_str().to_owned();
    lock.push(".lock");
    let _lock = Lock::take(Path::new(&lock), "builds this program")?;
    let mut folder = place.as_os_str().to_owned();
    folder.push(".build");
    let folder = PathBuf::from(folder);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| Failure::io("remove", &folder, &error))?;
    }
    let code = Tool::new("cargo")
        .arg("check")
        .arg("--manifest-path")
        .arg(support.join("pipeline/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .arg("--target")
        .arg(settings::text("DRIVER_TRIPLE")?)
        .show()?;
    if code == 0 {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "cargo could not compile {}",
            support.join("pipeline").display()
        )))
    }
}

fn support_folder() -> Result<PathBuf> {
    settings::file("DRIVER_SUPPORT", &project_folder())
        .ok_or_else(|| Failure::new("DRIVER_SUPPORT is not set").help("run this by `cargo make`"))
}

/// Where relative paths begin: cargo runs build scripts in the folder of their package.
fn project_folder() -> PathBuf {
    env::var_os("CARGO_MAKE_WORKING_DIRECTORY")
        .map(PathBuf::from)
        .unwrap_or_else(|| env::current_dir().unwrap_or_default())
}

fn place() -> Result<PathBuf> {
    settings::file("DRIVER_PIPELINE", &project_folder())
        .ok_or_else(|| Failure::new("DRIVER_PIPELINE is not set").help("run this by `cargo make`"))
}

const ASIDE: &str = "set-aside";

/// Windows does not replace a program that is running, but renames it.
fn set_aside(place: &Path) {
    if cfg!(windows) && place.exists() {
        let _ = fs::rename(place, place.with_extension(format!("{ASIDE}-{}", std::process::id())));
    }
}

fn remove_what_was_set_aside(place: &Path) {
    if cfg!(windows) {
        let folder = place.parent().unwrap_or_else(|| Path::new("."));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(ASIDE) {
                let _ = output::remove(&entry.path()); // fails as long as it runs
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SOURCES;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    fn collect(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &name, found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_source_file_is_compared() {
        let mut found = BTreeSet::new();
        let folder = Path::new(file!()).parent().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        collect(&folder, "pipeline/src", &mut found);
        found.remove("pipeline/src/host.rs"); // the library, which is empty
        let listed = SOURCES.iter().map(|(name, _)| (*name).to_owned());
        let listed: BTreeSet<_> = listed
            .filter(|name| name.starts_with("pipeline/src/"))
            .collect();
        assert_eq!(listed, found);
    }
}
