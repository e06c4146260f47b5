//! What the driver package is made of, and whether it has to be made again.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use crate::checksum::xxh64;
use crate::failure::Result;
use crate::folder::{Folder, Made};
use crate::kdrvgen;
use crate::output;
use crate::settings::{self, Settings};

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

/// What a package is made of.
pub struct Plan {
    pub folder: Folder,
    /// The names of the INF and of the catalog.
    pub inf: OsString,
    pub catalog: OsString,
    /// The files that the package has unchanged, by their names in it.
    pub given: BTreeMap<OsString, PathBuf>,
    pub is_wdk: bool,
}

impl Plan {
    pub fn read(settings: &Settings) -> Result<Plan> {
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
            folder: Folder::package(settings),
            inf: named("inf"),
            catalog: named("cat"),
            given,
            is_wdk: settings::text("DRIVER_PACKAGE_TOOL")? == "wdk",
        })
    }

    pub fn names(&self) -> Vec<OsString> {
        let own = [self.inf.clone(), self.catalog.clone()];
        self.given.keys().cloned().chain(own).collect()
    }

    /// Returns a checksum of what the INF and the catalog depend on, besides the given files. Small
    /// files only: the others are compared with those in the package.
    pub fn inputs(&self, settings: &Settings) -> Result<String> {
        let mut text = String::new();
        for name in SETTINGS {
            let value = env::var_os(name).unwrap_or_default();
            text.push_str(&format!("{name}={value:?}\n"));
        }
        let support = settings::file("DRIVER_SUPPORT", &settings.root).unwrap_or_default();
        // The version can be that of the workspace, whose root is in a folder above or has .kdrvgen.
        let mut files: Vec<PathBuf> = settings
            .root
            .ancestors()
            .chain(support.parent())
            .map(|folder| folder.join("Cargo.toml"))
            .collect();
        files.push(settings.root.join(settings::text("DRIVER_CONFIG")?));
        files.extend(settings::file("DRIVER_INX", &settings.root));
        for file in files {
            let content = fs::read(&file).map_or("none".to_owned(), |bytes| xxh64(&bytes));
            text.push_str(&format!("{}={content}\n", file.display()));
        }
        if !self.is_wdk {
            text.push_str(&kdrvgen::stamp());
        }
        Ok(xxh64(text.as_bytes()))
    }

    /// Whether the folder has exactly the files of this record, and those are of the given files.
    pub fn is_up_to_date(&self, record: &Made) -> bool {
        let made = [&self.inf, &self.catalog];
        output::names_in(&self.folder.place).map_or(false, |mut names| {
            let mut expected = self.names();
            names.sort();
            expected.sort();
            names == expected
        }) && self
            .given
            .iter()
            .all(|(name, source)| output::is_same(source, &self.folder.place.join(name)))
            && made
                .iter()
                .all(|name| record.has(name, &self.folder.place.join(name)))
    }
}
