//! The note of the task package: what the last package was made of, and its files.
//!
//! It is not trusted: a package is up to date only if its files have these contents.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::checksum::xxh64;
use crate::failure::{Failure, Result};
use crate::output;
use crate::settings::Settings;

const VERSION: &str = "kdrvgen package 1";

/// A package that was made.
#[derive(Debug, PartialEq)]
pub struct Packaged {
    /// Checksum of what the INF and the catalog were made from.
    pub inputs: String,
    /// Checksum of all settings that the signature of the catalog depends on.
    pub signing: String,
    /// The checksum of each file, by its name.
    files: BTreeMap<OsString, String>,
}

impl Packaged {
    /// Returns the record of the package in a folder.
    pub fn of(inputs: String, signing: String, folder: &Path) -> Result<Packaged> {
        let mut files = BTreeMap::new();
        for name in output::names_in(folder).unwrap_or_default() {
            let is_one_line = name
                .to_str()
                .map_or(false, |name| !name.contains(['\n', '\r']));
            if !is_one_line {
                return Err(Failure::new(format!(
                    "the file name {} contains a line break, or is not valid Unicode",
                    Path::new(&name).display()
                )));
            }
            let content = xxh64(&output::read(&folder.join(&name))?);
            files.insert(name, content);
        }
        Ok(Packaged {
            inputs,
            signing,
            files,
        })
    }

    pub fn names(&self) -> Vec<OsString> {
        self.files.keys().cloned().collect()
    }

    /// Whether a file has the content that it was made with.
    pub fn has(&self, name: &OsStr, path: &Path) -> bool {
        let content = output::read_regular(path).map(|bytes| xxh64(&bytes));
        content.is_some() && content.as_ref() == self.files.get(name)
    }

    /// Whether a folder has exactly these files.
    pub fn is_intact(&self, folder: &Path) -> bool {
        let names = output::names_in(folder).unwrap_or_default();
        names.len() == self.files.len()
            && names.iter().all(|name| self.has(name, &folder.join(name)))
    }

    pub fn has_files_of(&self, other: &Packaged) -> bool {
        self.files == other.files
    }

    fn text(&self) -> String {
        let mut text = format!("{VERSION}\n{}\n{}\n", self.inputs, self.signing);
        for (name, content) in &self.files {
            text.push_str(&format!("{content} {}\n", name.to_string_lossy()));
        }
        text
    }

    fn parse(text: &str) -> Option<Packaged> {
        let mut lines = text.lines();
        if lines.next() != Some(VERSION) {
            return None;
        }
        let (inputs, signing) = (lines.next()?.to_owned(), lines.next()?.to_owned());
        let mut files = BTreeMap::new();
        for line in lines {
            let (content, name) = line.split_once(' ')?;
            let is_name = Path::new(name).file_name() == Some(OsStr::new(name));
            if !is_name {
                return None;
            }
            files.insert(name.into(), content.to_owned());
        }
        Some(Packaged {
            inputs,
            signing,
            files,
        })
    }
}

pub fn read(settings: &Settings) -> Option<Packaged> {
    let text = String::from_utf8(output::read_regular(&place(settings))?).ok()?;
    Packaged::parse(&text)
}

pub fn write(settings: &Settings, packaged: &Packaged) -> Result<()> {
    let text = packaged.text();
    let is_written = fs::read(place(settings)).map_or(false, |old| old == text.as_bytes());
    if is_written {
        return Ok(());
    }
    output::replace(&place(settings), text.as_bytes())
}

pub fn forget(settings: &Settings) -> Result<()> {
    output::remove(&place(settings))
}

fn place(settings: &Settings) -> PathBuf {
    settings.state.join("packaged")
}

#[cfg(test)]
mod tests {
    use super::{Packaged, VERSION};

    #[test]
    fn names_with_spaces_are_kept() {
        let packaged = Packaged {
            inputs: "1".to_owned(),
            signing: "2".to_owned(),
            files: [("a b.sys".into(), "0a".to_owned())].into(),
        };
        assert_eq!(Packaged::parse(&packaged.text()), Some(packaged));
    }

    #[test]
    fn a_damaged_note_is_ignored() {
        let bodies = [
            "",
            "1\n",
            "1\n2\nx\n",
            "1\n2\n0a ../x\n",
            "1\n2\n0a \n",
            "1\n2\n0a ..\n",
        ];
        for body in bodies {
            assert_eq!(
                Packaged::parse(&format!("{VERSION}\n{body}")),
                None,
                "{body:?}"
            );
        }
        assert_eq!(Packaged::parse("kdrvgen package 0\n1\n2\n"), None);
    }
}
