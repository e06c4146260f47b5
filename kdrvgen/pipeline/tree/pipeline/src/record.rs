//! What one step leaves for the next: found files of this run, and what was signed last.
//!
//! Nothing here is trusted. A path that is read is only read from, and only if this very run of
//! cargo-make wrote it; a damaged record costs one more signature.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cargo::Artifact;
use crate::failure::{Failure, Result};
use crate::output;
use crate::own;
use crate::settings::Settings;

const VERSION: &str = "kdrvgen build 1";
const BUILD: &str = "build-";
/// The tasks of one run follow each other within seconds.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// Notes what cargo made, for the later tasks of this run.
pub fn write_build(settings: &Settings, artifact: &Artifact) -> Result<()> {
    let mut text = format!("{VERSION}\n");
    let files = [("dll", Some(&artifact.dll)), ("pdb", artifact.pdb.as_ref())];
    for (name, path) in files {
        if let Some(path) = path {
            text.push_str(&format!("{name} {}\n", one_line(path)?));
        }
    }
    output::replace(&build_file(settings), text.as_bytes())
}

/// What `build-driver` noted in this run of cargo-make.
pub fn read_build(settings: &Settings) -> Result<Artifact> {
    let bytes = output::read_own(&build_file(settings)).unwrap_or_default();
    parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| {
        Failure::new("the task build-driver did not run, or not to its end")
            .because("This task signs what that one has linked in the same run of cargo make.")
            .help("a task of your own in its place must call `${DRIVER_PIPELINE} build-driver cargo build …`")
    })
}

/// Forgets what this run noted, and what earlier ones left.
pub fn forget_builds(settings: &Settings) {
    let own = build_file(settings);
    remove_builds(settings, |path, age| path == own || age > AN_HOUR);
}

/// Forgets what all runs noted.
pub fn forget_all_builds(settings: &Settings) {
    remove_builds(settings, |_, _| true);
}

fn remove_builds(settings: &Settings, is_wanted: impl Fn(&Path, Duration) -> bool) {
    for entry in fs::read_dir(&settings.state).into_iter().flatten().flatten() {
        let is_build = entry.file_name().to_string_lossy().starts_with(BUILD);
        let time = entry.metadata().and_then(|found| found.modified());
        let age = time.map(|time| SystemTime::now().duration_since(time).unwrap_or_default());
        if is_build && is_wanted(&entry.path(), age.unwrap_or_default()) {
            let _ = output::remove(&entry.path());
        }
    }
}

fn parse(text: &str) -> Option<Artifact> {
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return None;
    }
    let mut dll = None;
    let mut pdb = None;
    for line in lines {
        match line.split_once(' ')? {
            ("dll", path) => dll = Some(PathBuf::from(path)),
            ("pdb", path) => pdb = Some(PathBuf::from(path)),
            _ => return None,
        }
    }
    Some(Artifact { dll: dll?, pdb })
}

fn one_line(path: &Path) -> Result<&str> {
    path.to_str()
        .filter(|path| !path.contains(['\n', '\r']))
        .ok_or_else(|| {
            Failure::new(format!("{} has a line end in its name", path.display()))
                .help("use another target directory (CARGO_TARGET_DIR)")
        })
}

/// A file for this run of cargo-make alone: the tasks of one run have the same parent process.
fn build_file(settings: &Settings) -> PathBuf {
    settings.state.join(format!("{BUILD}{}", own::run_number()))
}

/// What the last signature was made by.
#[derive(Debug, PartialEq)]
pub struct Signed {
    /// Digest of all settings that a signature depends on.
    pub settings: String,
    /// Digest of the certificate table in the signed image.
    pub table: String,
}

pub fn read_signed(settings: &Settings) -> Option<Signed> {
    let text = String::from_utf8(output::read_own(&signed_file(settings))?).ok()?;
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

/// The lock under which an image is made and signed.
pub fn lock(settings: &Settings) -> Result<output::Lock> {
    output::Lock::take(&settings.state.join("lock"), "signs this driver")
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::cargo::Artifact;
    use std::path::PathBuf;

    #[test]
    fn paths_with_blanks_are_kept() {
        let artifact = Artifact {
            dll: PathBuf::from("/a b/c.dll"),
            pdb: None,
        };
        assert_eq!(parse("kdrvgen build 1\ndll /a b/c.dll\n"), Some(artifact));
    }

    #[test]
    fn a_damaged_note_counts_as_none() {
        for text in ["", "kdrvgen build 2\ndll /a\n", "kdrvgen build 1\n", "kdrvgen build 1\nrm /a\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
