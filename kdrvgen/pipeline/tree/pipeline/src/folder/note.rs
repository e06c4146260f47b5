//! The note about a folder that a task made: what it was made of, and its files.
//!
//! It is not trusted: a folder is up to date only if its files have these contents.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::checksum::xxh64;
use crate::failure::{Failure, Result};
use crate::output;

const VERSION: &str = "kdrvgen package 1";

/// A folder that was made.
#[derive(Debug, PartialEq)]
pub struct Made {
    /// Checksum of what its files were made from.
    pub inputs: String,
    /// Checksum of all settings that the signature in it depends on.
    pub signing: String,
    /// The checksum of each file, by its name.
    files: BTreeMap<OsString, String>,
}

impl Made {
    /// Returns the note about the files that are in a folder now.
    pub fn of(inputs: String, signing: String, folder: &Path) -> Result<Made> {
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
        Ok(Made {
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

    pub fn has_files_of(&self, other: &Made) -> bool {
        self.files == other.files
    }

    /// The text of the note.
    pub fn text(&self) -> String {
        let mut text = format!("{VERSION}\n{}\n{}\n", self.inputs, self.signing);
        for (name, content) in &self.files {
            text.push_str(&format!("{content} {}\n", name.to_string_lossy()));
        }
        text
    }

    /// Reads a note; None if it is damaged.
    pub fn parse(text: &str) -> Option<Made> {
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
        Some(Made {
            inputs,
            signing,
            files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Made, VERSION};

    #[test]
    fn names_with_spaces_are_kept() {
        let made = Made {
            inputs: "1".to_owned(),
            signing: "2".to_owned(),
            files: [("a b.sys".into(), "0a".to_owned())].into(),
        };
        assert_eq!(Made::parse(&made.text()), Some(made));
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
            assert_eq!(Made::parse(&format!("{VERSION}\n{body}")), None, "{body:?}");
        }
        assert_eq!(Made::parse("kdrvgen package 0\n1\n2\n"), None);
    }
}
