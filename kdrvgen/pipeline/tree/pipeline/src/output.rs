//! Reads, copies and compares files, and replaces files and folders atomically.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;

use crate::failure::{Failure, Result};
use crate::interrupt;

/// Returns the bytes of a regular file; None for anything else. Reading a pipe would never end.
pub fn read_regular(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_file() {
        return None;
    }
    fs::read(path).ok()
}

/// Returns the bytes of a file that must exist.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let is_file = fs::metadata(path).map(|metadata| metadata.is_file());
    match is_file {
        Ok(true) => fs::read(path).map_err(|error| Failure::io("read", path, &error)),
        Ok(false) => Err(Failure::new(format!("{} is not a file", path.display()))),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}

/// Copies a file. The copy can be written to, whatever the permissions of the original are.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::write(to, read(from)?).map_err(|error| Failure::io("write", to, &error))
}

/// Returns the names in a folder.
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?;
    entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect()
}

/// Creates a folder and its parents.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| {
        let failure = Failure::io("create the folder", path, &error);
        if path.ancestors().any(Path::is_file) {
            failure.help("a file has the name of this folder or of one above it: move it away")
        } else {
            failure
        }
    })
}

/// Replaces a file atomically: at any moment, the path has the old or the new content. A link is
/// replaced, never followed.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut temporary = TempFile::beside(path)?;
    temporary.write(bytes)?;
    temporary.put(path)
}

/// Removes a file if it exists. Never removes a folder or the target of a link.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::io("remove", path, &error)),
    }
}

/// A new file with a temporary name; dropping it removes the file unless `put` renamed it.
pub struct TempFile {
    path: PathBuf,
    is_placed: bool,
}

const TEMPORARY_PREFIX: &str = ".kdrvgen-";

impl TempFile {
    /// Creates an empty file in the folder of `path`, and the folder if it is missing.
    pub fn beside(path: &Path) -> Result<TempFile> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        create_folder(folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for number in 0.. {
            // The extension stays: signing tools choose the format by it.
            let temporary = folder.join(format!(
                "{TEMPORARY_PREFIX}{}-{number}-{name}",
                process::id()
            ));
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&temporary)
            {
                Ok(_) => {
                    return Ok(TempFile {
                        path: temporary,
                        is_placed: false,
                    })
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => {}
                Err(error) => return Err(Failure::io("write", path, &error)),
            }
        }
        unreachable!("every path through the loop returns")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        File::create(&self.path)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .map_err(|error| Failure::io("write", &self.path, &error))
    }

    /// Renames the file to `path`, and replaces a file there.
    pub fn put(mut self, path: &Path) -> Result<()> {
        interrupt::check()?;
        match rename(&self.path, path) {
            Ok(()) => {
                self.is_placed = true;
                Ok(())
            }
            Err(error) => {
                let failure = Failure::io("write", path, &error);
                Err(if path.is_dir() {
                    failure.help("a folder with this name exists: move it away")
                } else if cfg!(windows) {
                    failure.help(
                        "if the driver is loaded, unload it first (cargo make stop); otherwise \
                         check whether the file is read-only, or open in another program",
                    )
                } else {
                    failure
                })
            }
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.is_placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A new folder with a temporary name; dropping it removes the folder with its content.
pub struct TempFolder {
    path: PathBuf,
}

impl TempFolder {
    /// Creates an empty folder beside `path`. The caller holds the lock.
    pub fn beside(path: &Path) -> Result<TempFolder> {
        let above = path.parent().unwrap_or_else(|| Path::new("."));
        create_folder(above)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let path = above.join(format!("{TEMPORARY_PREFIX}{}-{name}", process::id()));
        fs::create_dir(&path).map_err(|error| Failure::io("create the folder", &path, &error))?;
        Ok(TempFolder { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the folder `place` by the folder `new`, which is inside of this one. After a
    /// failure, the old folder is complete; a killed run can leave none.
    pub fn put(&self, new: &Path, place: &Path) -> Result<()> {
        interrupt::check()?;
        let old = self.path.join("old");
        let move_folder = |from: &Path, to: &Path| {
            rename(from, to).map_err(|error| {
                Failure::io("replace the folder", place, &error)
                    .help("close the programs that use a file in it")
            })
        };
        if place.exists() {
            move_folder(place, &old)?;
        }
        move_folder(new, place).map_err(|failure| {
            let _ = rename(&old, place);
            failure
        })
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the temporary files and folders that killed runs left in one of our folders. The caller
/// holds the lock.
pub fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_temporary = entry
            .file_name()
            .to_string_lossy()
            .starts_with(TEMPORARY_PREFIX);
        let kind = entry.file_type();
        if is_temporary && kind.as_ref().map_or(false, |kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        } else if is_temporary && kind.map_or(false, |kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether two regular files have the same bytes; false for links, which are to be replaced.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let size = |path: &Path| {
        let metadata = fs::symlink_metadata(path).ok()?;
        Some(metadata.len()).filter(|_| metadata.is_file())
    };
    if size(one).is_none() || size(one) != size(other) {
        return false;
    }
    let (mut one, mut other) = match (File::open(one), File::open(other)) {
        (Ok(one), Ok(other)) => (one, other),
        _ => return false,
    };
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        match (fill(&mut one, &mut left), fill(&mut other, &mut right)) {
            (Ok(0), Ok(0)) => return true,
            (Ok(first), Ok(second)) if left[..first] == right[..second] => {}
            _ => return false,
        }
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(not(windows))]
use std::fs::rename;

#[cfg(windows)]
use system::rename;

#[cfg(windows)]
mod system {
    use std::fs;
    use std::io;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    /// How often to try again while another program has the file open: virus scanners and indexers
    /// open new files for a moment.
    const ATTEMPTS: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(50);
    const ERROR_ACCESS_DENIED: i32 = 5;
    const ERROR_SHARING_VIOLATION: i32 = 32;

    /// Renames a file over another one.
    pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
        let mut attempts_left = ATTEMPTS;
        loop {
            let result = fs::rename(from, to);
            let code = result.as_ref().err().and_then(io::Error::raw_os_error);
            let is_open = matches!(
                code,
                Some(ERROR_ACCESS_DENIED) | Some(ERROR_SHARING_VIOLATION)
            );
            if !is_open || attempts_left == 0 || to.is_dir() {
                return result;
            }
            attempts_left -= 1;
            thread::sleep(PAUSE);
        }
    }
}
