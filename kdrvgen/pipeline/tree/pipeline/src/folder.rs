//! The folders that a task replaces as a whole: the driver package and the submission.
//!
//! A folder is made and signed in a temporary one, which then replaces it: after a failure, the old
//! folder is complete.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::output::{self, TempFolder};
use crate::settings::Settings;

mod note;

pub use note::Made;

/// A folder of a task, and its note.
pub struct Folder {
    pub place: PathBuf,
    /// The name of the task, which is that of the folder too.
    task: &'static str,
    /// What the folder is, for messages.
    kind: &'static str,
    note: PathBuf,
}

impl Folder {
    /// The folder of the driver package.
    pub fn package(settings: &Settings) -> Folder {
        Folder {
            place: settings.output.join("package"),
            task: "package",
            kind: "driver package",
            note: settings.state.join("packaged"),
        }
    }

    /// The folder for Microsoft's Partner Center.
    pub fn submission(settings: &Settings) -> Folder {
        Folder {
            place: settings.output.join("submission"),
            task: "submission",
            kind: "submission",
            note: settings.state.join("submission"),
        }
    }

    /// Returns what the folder was last made of; None without a note.
    pub fn made(&self) -> Option<Made> {
        let text = String::from_utf8(output::read_regular(&self.note)?).ok()?;
        Made::parse(&text)
    }

    /// Prints that nothing was done.
    pub fn print_up_to_date(&self) {
        println!("{}: {} is up to date", self.task, self.place.display());
    }

    /// Fails if the folder is not one that a new one may replace: it has other files than these and
    /// those of the last run. `help` is what to do about such a file.
    pub fn refuse_foreign(&self, names: &[OsString], old: Option<&Made>, help: &str) -> Result<()> {
        let metadata = match fs::symlink_metadata(&self.place) {
            Ok(metadata) => metadata,
            Err(_) => return Ok(()),
        };
        if !metadata.is_dir() {
            return Err(
                Failure::new(format!("{} is not a folder", self.place.display()))
                    .because(format!("The {} goes there.", self.kind))
                    .help("move it away"),
            );
        }
        let recorded = old.map(Made::names).unwrap_or_default();
        let foreign = output::names_in(&self.place)
            .unwrap_or_default()
            .into_iter()
            .find(|name| !names.contains(name) && !recorded.contains(name));
        match foreign {
            None => Ok(()),
            Some(name) => Err(Failure::new(format!(
                "{} is not a file of the {}",
                self.place.join(name).display(),
                self.task
            ))
            .because(format!(
                "The new {} would replace the whole folder.",
                self.task
            ))
            .help(help)),
        }
    }

    /// Creates the temporary folder, in which the new one is made. The caller holds the lock.
    pub fn stage(&self) -> Result<Stage> {
        let temporary = TempFolder::beside(&self.place)?;
        let path = temporary.path().join(self.task);
        output::create_folder(&path)?;
        Ok(Stage { temporary, path })
    }

    /// Replaces the folder by the new one, unless they are equal, and writes the note. `old` is what
    /// the folder has now, if it is as it was made.
    pub fn put(&self, stage: Stage, new: &Made, old: Option<&Made>) -> Result<()> {
        let is_same = old.map_or(false, |old| old.has_files_of(new));
        if !is_same {
            self.forget()?;
            stage.temporary.put(&stage.path, &self.place)?;
        }
        self.write(new)?;
        if is_same {
            self.print_up_to_date();
        } else {
            println!("{}: {}", self.task, self.place.display());
        }
        Ok(())
    }

    /// Removes these files and those of the last run, and the folder if nothing else is in it. The
    /// caller holds the lock.
    pub fn remove(&self, names: &[OsString]) -> Result<()> {
        let recorded = self.made().map(|made| made.names()).unwrap_or_default();
        let is_folder = fs::symlink_metadata(&self.place).map_or(false, |found| found.is_dir());
        if is_folder {
            for name in names.iter().chain(&recorded) {
                output::remove(&self.place.join(name))?;
            }
            let _ = fs::remove_dir(&self.place); // fails if it has other files
        }
        self.forget()
    }

    fn write(&self, made: &Made) -> Result<()> {
        let text = made.text();
        let is_written = fs::read(&self.note).map_or(false, |old| old == text.as_bytes());
        if is_written {
            return Ok(());
        }
        output::replace(&self.note, text.as_bytes())
    }

    fn forget(&self) -> Result<()> {
        output::remove(&self.note)
    }
}

/// The temporary folder of a new one. Dropping it removes it.
pub struct Stage {
    temporary: TempFolder,
    path: PathBuf,
}

impl Stage {
    /// The folder that will be the new one.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
