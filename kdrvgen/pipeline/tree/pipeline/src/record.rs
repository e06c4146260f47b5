//! Notes from one task to the next: the files that this run built, and the last signature.
//!
//! Nothing here is trusted. A path from a note is only read, and only if this run of cargo-make
//! wrote the note. After a damaged note, the driver is signed once more.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::checksum::xxh64;
use crate::failure::{Failure, Result};
use crate::lock::Lock;
use crate::output;
use crate::rebuild;
use crate::settings::Settings;

const VERSION: &str = "kdrvgen build 2";
const BUILD: &str = "build-";
/// Older notes are from runs that have ended: the tasks of one run follow each other within
/// seconds.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The note of `build-driver` for the later tasks of a run.
#[derive(Debug, PartialEq)]
pub struct Build {
    pub dll: PathBuf,
    /// None if the linker wrote none.
    pub pdb: Option<PathBuf>,
    /// Checksum of the DLL.
    pub checksum: String,
}

/// Writes the note for the later tasks of this run.
pub fn write_build(settings: &Settings, build: &Build) -> Result<()> {
    let mut text = format!("{VERSION}\nchecksum {}\n", build.checksum);
    let files = [("dll", Some(&build.dll)), ("pdb", build.pdb.as_ref())];
    for (name, path) in files {
        if let Some(path) = path {
            text.push_str(&format!("{name} {}\n", one_line(path)?));
        }
    }
    output::replace(&build_file(settings), text.as_bytes())
}

/// Reads the note that `build-driver` wrote in this run of cargo-make.
pub fn read_build(settings: &Settings) -> Result<Build> {
    read_note(&build_file(settings)).ok_or_else(|| {
        Failure::new("the task build-driver did not run, or failed")
            .because("This task needs the DLL that build-driver links in the same run of cargo make.")
            .help("if you replaced that task, yours must call `${DRIVER_PIPELINE} build-driver cargo build …`")
    })
}

/// Returns the bytes of the DLL. Fails if they changed after `build-driver` checked them.
///
/// Unless another run linked the DLL again, its checksum is written down as refused: cargo would
/// not link it again.
pub fn read_dll(settings: &Settings, build: &Build) -> Result<Vec<u8>> {
    let dll = output::read(&build.dll)?;
    let checksum = xxh64(&dll);
    if checksum == build.checksum {
        return Ok(dll);
    }
    let path = build.dll.display();
    if is_of_another_run(settings, &checksum) {
        return Err(
            Failure::new(format!("another run built {path} again at the same time"))
                .help("run this task again"),
        );
    }
    refuse(settings, &checksum)?;
    Err(Failure::new(format!(
        "{path} was changed after the task build-driver linked it"
    ))
    .because("The driver would not match its sources.")
    .help(HOOKS_READ))
}

/// What to do about a hook that changes the image.
pub const HOOKS_READ: &str =
    "a hook, or another task of yours in between, must not change this file: \
    change a copy, or change the sources in a before-build hook";

/// Whether another run wrote a note with this checksum after this run wrote its own. An older note
/// does not show who wrote the file now.
fn is_of_another_run(settings: &Settings, checksum: &str) -> bool {
    let own = build_file(settings);
    let time = |path: &Path| {
        fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    let begin = time(&own);
    let above = settings.state.parent().unwrap_or(&settings.state);
    let profiles = fs::read_dir(above).into_iter().flatten().flatten();
    profiles
        .flat_map(|profile| fs::read_dir(profile.path()).into_iter().flatten().flatten())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(BUILD))
        .map(|entry| entry.path())
        .filter(|note| *note != own && time(note) >= begin)
        .any(|note| read_note(&note).map_or(false, |note| note.checksum == checksum))
}

/// Whether the DLL with this checksum was changed after it was linked.
pub fn is_refused(settings: &Settings, checksum: &str) -> bool {
    refused(settings).iter().any(|known| known == checksum)
}

fn refuse(settings: &Settings, checksum: &str) -> Result<()> {
    let mut checksums = refused(settings);
    if !checksums.iter().any(|known| known == checksum) {
        checksums.push(checksum.to_owned());
    }
    write_refused(settings, &checksums)
}

/// Removes a checksum from the refused ones, because the linker wrote the same DLL.
pub fn accept(settings: &Settings, checksum: &str) -> Result<()> {
    let mut checksums = refused(settings);
    let count = checksums.len();
    checksums.retain(|known| known != checksum);
    if checksums.len() == count {
        return Ok(());
    }
    write_refused(settings, &checksums)
}

fn refused(settings: &Settings) -> Vec<String> {
    let bytes = output::read_regular(&refused_file(settings)).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect()
}

fn write_refused(settings: &Settings, checksums: &[String]) -> Result<()> {
    if checksums.is_empty() {
        return output::remove(&refused_file(settings));
    }
    output::replace(
        &refused_file(settings),
        (checksums.join("\n") + "\n").as_bytes(),
    )
}

/// One file for all profiles: several can use the same cargo profile, and so the same DLL.
fn refused_file(settings: &Settings) -> PathBuf {
    settings.state.with_file_name("refused.txt")
}

/// Removes the notes of this run, and those that earlier runs left.
pub fn forget_builds(settings: &Settings) {
    let own = build_file(settings);
    remove_builds(settings, |path, age| path == own || age > MAX_AGE);
}

/// Removes the notes of all runs.
pub fn forget_all_builds(settings: &Settings) {
    remove_builds(settings, |_, _| true);
}

fn remove_builds(settings: &Settings, is_selected: impl Fn(&Path, Duration) -> bool) {
    for entry in fs::read_dir(&settings.state)
        .into_iter()
        .flatten()
        .flatten()
    {
        let is_build = entry.file_name().to_string_lossy().starts_with(BUILD);
        let time = entry.metadata().and_then(|metadata| metadata.modified());
        let age = time.map(|time| SystemTime::now().duration_since(time).unwrap_or_default());
        if is_build && is_selected(&entry.path(), age.unwrap_or_default()) {
            let _ = output::remove(&entry.path());
        }
    }
}

fn read_note(path: &Path) -> Option<Build> {
    parse(&String::from_utf8_lossy(&output::read_regular(path)?))
}

fn parse(text: &str) -> Option<Build> {
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return None;
    }
    let mut dll = None;
    let mut pdb = None;
    let mut checksum = None;
    for line in lines {
        match line.split_once(' ')? {
            ("dll", path) => dll = Some(PathBuf::from(path)),
            ("pdb", path) => pdb = Some(PathBuf::from(path)),
            ("checksum", digits) => checksum = Some(digits.to_owned()),
            _ => return None,
        }
    }
    Some(Build {
        dll: dll?,
        pdb,
        checksum: checksum?,
    })
}

fn one_line(path: &Path) -> Result<&str> {
    path.to_str()
        .filter(|path| !path.contains(['\n', '\r']))
        .ok_or_else(|| {
            Failure::new(format!(
                "the path {} contains a line break, or is not valid Unicode",
                path.display()
            ))
            .help("use another target directory (CARGO_TARGET_DIR)")
        })
}

/// The note of this run of cargo-make: the tasks of one run have the same parent process.
fn build_file(settings: &Settings) -> PathBuf {
    settings
        .state
        .join(format!("{BUILD}{}", rebuild::run_number()))
}

/// The inputs and the result of the last signature.
#[derive(Debug, PartialEq)]
pub struct Signed {
    /// Checksum of all settings that a signature depends on.
    pub settings: String,
    /// Checksum of the certificate table in the signed image.
    pub table: String,
}

pub fn read_signed(settings: &Settings) -> Option<Signed> {
    let text = String::from_utf8(output::read_regular(&signed_file(settings))?).ok()?;
    let (first, rest) = text.split_once('\n')?;
    Some(Signed {
        settings: first.to_owned(),
        table: rest.trim_end().to_owned(),
    })
}

pub fn write_signed(settings: &Settings, signed: &Signed) -> Result<()> {
    let text = format!("{}\n{}\n", signed.settings, signed.table);
    output::replace(&signed_file(settings), text.as_bytes())
}

pub fn forget_signed(settings: &Settings) -> Result<()> {
    output::remove(&signed_file(settings))
}

fn signed_file(settings: &Settings) -> PathBuf {
    settings.state.join("signed")
}

/// Takes the lock for writing and signing the image.
pub fn lock(settings: &Settings) -> Result<Lock> {
    Lock::take(&settings.state.join("lock"), "signs this driver")
}

#[cfg(test)]
mod tests {
    use super::{parse, Build};
    use std::path::PathBuf;

    #[test]
    fn paths_with_spaces_are_kept() {
        let build = Build {
            dll: PathBuf::from("/a b/c.dll"),
            pdb: None,
            checksum: "0a".to_owned(),
        };
        let text = "kdrvgen build 2\nchecksum 0a\ndll /a b/c.dll\n";
        assert_eq!(parse(text), Some(build));
    }

    #[test]
    fn a_damaged_note_is_ignored() {
        let bodies = [
            "",
            "dll /a\n",
            "checksum 0a\n",
            "dll /a\nchecksum 0a\nrm /a\n",
        ];
        for text in bodies.map(|body| format!("kdrvgen build 2\n{body}")) {
            assert_eq!(parse(&text), None, "{text:?}");
        }
        for text in ["", "kdrvgen build 1\nchecksum 0a\ndll /a\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
