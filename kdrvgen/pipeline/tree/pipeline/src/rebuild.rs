//! Installs this program, and rebuilds it when its sources changed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::lock::Lock;
use crate::output::{self, TempFile};
use crate::process::Tool;
use crate::settings;
use crate::system;

/// The sources that this program was compiled from, by path below the support folder.
const SOURCES: &[(&str, &[u8])] = &[
    ("kit.rs", include_bytes!("../../kit.rs")),
    ("pipeline/Cargo.toml", include_bytes!("../Cargo.toml")),
    (
        "pipeline/src/authenticode.rs",
        include_bytes!("authenticode.rs"),
    ),
    ("pipeline/src/cabinet.rs", include_bytes!("cabinet.rs")),
    ("pipeline/src/cargo.rs", include_bytes!("cargo.rs")),
    ("pipeline/src/catalog.rs", include_bytes!("catalog.rs")),
    (
        "pipeline/src/certificate.rs",
        include_bytes!("certificate.rs"),
    ),
    (
        "pipeline/src/certificate/unix.rs",
        include_bytes!("certificate/unix.rs"),
    ),
    (
        "pipeline/src/certificate/windows.rs",
        include_bytes!("certificate/windows.rs"),
    ),
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
    ("pipeline/src/device.rs", include_bytes!("device.rs")),
    (
        "pipeline/src/device/functions.rs",
        include_bytes!("device/functions.rs"),
    ),
    ("pipeline/src/digest.rs", include_bytes!("digest.rs")),
    ("pipeline/src/driver.rs", include_bytes!("driver.rs")),
    ("pipeline/src/failure.rs", include_bytes!("failure.rs")),
    ("pipeline/src/folder.rs", include_bytes!("folder.rs")),
    (
        "pipeline/src/folder/note.rs",
        include_bytes!("folder/note.rs"),
    ),
    ("pipeline/src/image.rs", include_bytes!("image.rs")),
    ("pipeline/src/inf.rs", include_bytes!("inf.rs")),
    ("pipeline/src/install.rs", include_bytes!("install.rs")),
    (
        "pipeline/src/install/windows.rs",
        include_bytes!("install/windows.rs"),
    ),
    ("pipeline/src/interrupt.rs", include_bytes!("interrupt.rs")),
    ("pipeline/src/json.rs", include_bytes!("json.rs")),
    ("pipeline/src/kdrvgen.rs", include_bytes!("kdrvgen.rs")),
    ("pipeline/src/linker.rs", include_bytes!("linker.rs")),
    ("pipeline/src/main.rs", include_bytes!("main.rs")),
    ("pipeline/src/lock.rs", include_bytes!("lock.rs")),
    ("pipeline/src/map.rs", include_bytes!("map.rs")),
    (
        "pipeline/src/osslsigncode.rs",
        include_bytes!("osslsigncode.rs"),
    ),
    ("pipeline/src/output.rs", include_bytes!("output.rs")),
    ("pipeline/src/package.rs", include_bytes!("package.rs")),
    (
        "pipeline/src/package/plan.rs",
        include_bytes!("package/plan.rs"),
    ),
    (
        "pipeline/src/package/wdk.rs",
        include_bytes!("package/wdk.rs"),
    ),
    (
        "pipeline/src/package/wdk/windows.rs",
        include_bytes!("package/wdk/windows.rs"),
    ),
    ("pipeline/src/pem.rs", include_bytes!("pem.rs")),
    ("pipeline/src/process.rs", include_bytes!("process.rs")),
    ("pipeline/src/rebuild.rs", include_bytes!("rebuild.rs")),
    ("pipeline/src/record.rs", include_bytes!("record.rs")),
    ("pipeline/src/rename.rs", include_bytes!("rename.rs")),
    ("pipeline/src/rules.rs", include_bytes!("rules.rs")),
    ("pipeline/src/service.rs", include_bytes!("service.rs")),
    (
        "pipeline/src/service/windows.rs",
        include_bytes!("service/windows.rs"),
    ),
    (
        "pipeline/src/service/windows/manager.rs",
        include_bytes!("service/windows/manager.rs"),
    ),
    (
        "pipeline/src/service/windows/ownership.rs",
        include_bytes!("service/windows/ownership.rs"),
    ),
    ("pipeline/src/settings.rs", include_bytes!("settings.rs")),
    ("pipeline/src/setup_api.rs", include_bytes!("setup_api.rs")),
    ("pipeline/src/sign.rs", include_bytes!("sign.rs")),
    (
        "pipeline/src/signed_data.rs",
        include_bytes!("signed_data.rs"),
    ),
    ("pipeline/src/signer.rs", include_bytes!("signer.rs")),
    ("pipeline/src/signtool.rs", include_bytes!("signtool.rs")),
    ("pipeline/src/smoke.rs", include_bytes!("smoke.rs")),
    (
        "pipeline/src/smoke/install.rs",
        include_bytes!("smoke/install.rs"),
    ),
    (
        "pipeline/src/smoke/package.rs",
        include_bytes!("smoke/package.rs"),
    ),
    ("pipeline/src/sse.rs", include_bytes!("sse.rs")),
    ("pipeline/src/strict.rs", include_bytes!("strict.rs")),
    (
        "pipeline/src/submission.rs",
        include_bytes!("submission.rs"),
    ),
    ("pipeline/src/system.rs", include_bytes!("system.rs")),
    ("pipeline/src/verify.rs", include_bytes!("verify.rs")),
    (
        "pipeline/src/verify/unix.rs",
        include_bytes!("verify/unix.rs"),
    ),
    (
        "pipeline/src/verify/windows.rs",
        include_bytes!("verify/windows.rs"),
    ),
    ("pipeline/src/win32.rs", include_bytes!("win32.rs")),
];

/// Set for the program that a rebuild starts, to the number of the run. A program that has it never
/// rebuilds itself again.
const REBUILT: &str = "KDRVGEN_PIPELINE_RENEWED";

/// The process id of cargo-make, which starts the programs of all tasks: it identifies a run.
pub fn run_number() -> u32 {
    let outer = env::var(REBUILT)
        .ok()
        .and_then(|number| number.parse().ok());
    outer.unwrap_or_else(system::parent)
}

/// Whether cargo runs this program as a build script.
pub fn is_build_script() -> bool {
    env::args_os().len() == 1 && env::var_os("OUT_DIR").is_some()
}

/// Copies this program to the path that Makefile.toml uses.
pub fn install() -> Result<()> {
    let place = place()?;
    // A missing or changed file makes cargo run this again.
    println!("cargo:rerun-if-changed={}", place.display());
    println!("cargo:rerun-if-env-changed=DRIVER_PIPELINE");
    let program = env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find the path of this program: {error}")))?;
    let temporary = TempFile::beside(&place)?;
    // The copy has the same permissions.
    fs::copy(&program, temporary.path()).map_err(|error| Failure::io("copy", &program, &error))?;
    move_aside(&place);
    temporary.put(&place)
}

/// Rebuilds this program and runs the new one, if the contents of its sources changed.
///
/// Returns the exit code of the new program, or None if this one is up to date.
pub fn if_changed() -> Result<Option<i32>> {
    let support = support_folder()?;
    let place = place()?;
    remove_moved_aside(&place);
    let changed = SOURCES
        .iter()
        .find(|(name, text)| fs::read(support.join(name)).map_or(true, |current| current != *text));
    let changed = match changed {
        None => return Ok(None),
        Some((name, _)) => support.join(name),
    };
    if !changed.is_file() {
        return Err(Failure::new(format!("{} is missing", changed.display()))
            .help("run `kdrvgen`: it writes the file"));
    }
    if env::var_os(REBUILT).is_some() {
        return Err(Failure::new(format!(
            "{} changed while this program was compiled from it",
            changed.display()
        ))
        .help(
            "if another program writes to that folder, wait until it ends, and run the task again",
        ));
    }
    build(&support, &place)?;
    let status = Command::new(&place)
        .args(env::args_os().skip(1))
        .env(REBUILT, run_number().to_string())
        .status()
        .map_err(|error| Failure::io("run", &place, &error))?;
    Ok(Some(status.code().unwrap_or(1)))
}

/// Compiles the program from its sources, as the task `pipeline` does. An empty target directory
/// makes cargo compile all of it: cargo compares only the times of files.
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
        .ok_or_else(|| Failure::new("DRIVER_SUPPORT is not set").help("use `cargo make`"))
}

/// The folder that relative paths start from. Cargo runs build scripts in the folder of their
/// package.
fn project_folder() -> PathBuf {
    env::var_os("CARGO_MAKE_WORKING_DIRECTORY")
        .map(PathBuf::from)
        .unwrap_or_else(|| env::current_dir().unwrap_or_default())
}

fn place() -> Result<PathBuf> {
    settings::file("DRIVER_PIPELINE", &project_folder())
        .ok_or_else(|| Failure::new("DRIVER_PIPELINE is not set").help("use `cargo make`"))
}

const ASIDE: &str = "set-aside";

/// Renames the old program: Windows does not replace one that is running.
fn move_aside(place: &Path) {
    if cfg!(windows) && place.exists() {
        let _ = fs::rename(
            place,
            place.with_extension(format!("{ASIDE}-{}", std::process::id())),
        );
    }
}

fn remove_moved_aside(place: &Path) {
    if cfg!(windows) {
        let folder = place.parent().unwrap_or_else(|| Path::new("."));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(ASIDE) {
                let _ = output::remove(&entry.path()); // fails while that program runs
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

    fn collect(folder: &Path, prefix: &str, files: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &name, files);
            } else {
                files.insert(name);
            }
        }
    }

    #[test]
    fn every_source_file_is_compared() {
        let mut files = BTreeSet::new();
        let folder = Path::new(file!()).parent().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        collect(&folder, "pipeline/src", &mut files);
        files.remove("pipeline/src/host.rs"); // the library, which is empty
        let listed = SOURCES.iter().map(|(name, _)| (*name).to_owned());
        let listed: BTreeSet<_> = listed
            .filter(|name| name.starts_with("pipeline/src/"))
            .collect();
        assert_eq!(listed, files);
    }
}
