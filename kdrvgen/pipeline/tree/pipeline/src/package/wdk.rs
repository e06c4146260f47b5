//! The kit's tools for driver packages: stampinf, inf2cat and infverif, on Windows only.
//!
//! Sources: "Stampinf Command-Line Options", "Inf2Cat", "InfVerif", Microsoft Learn.

#[cfg(windows)]
#[path = "wdk/windows.rs"]
mod system;

#[cfg(windows)]
pub use system::{check_inf, make};

#[cfg(not(windows))]
mod elsewhere {
    use std::ffi::OsStr;
    use std::path::Path;

    use crate::failure::{Failure, Result};
    use crate::settings::Settings;

    pub fn make(
        _settings: &Settings,
        _folder: &Path,
        _inf: &OsStr,
        _catalog: &OsStr,
    ) -> Result<()> {
        Err(
            Failure::new("package.tool is \"wdk\", whose tools exist only on Windows")
                .help("set package.tool = \"kdrvgen\": it makes the package on every host"),
        )
    }

    pub fn check_inf(_inf: &Path) -> Result<()> {
        Ok(())
    }
}

#[cfg(not(windows))]
pub use elsewhere::{check_inf, make};

use std::ffi::OsStr;
use std::path::Path;

use crate::catalog::Catalog;
use crate::digest::{sha1, sha256};
use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output;

/// Fails unless a catalog has the digests of these files, and no other digest of a file that it
/// names.
pub fn check_digests(folder: &Path, catalog: &OsStr, needed: &[&OsStr]) -> Result<()> {
    let data = output::read(&folder.join(catalog))?;
    let damaged = || Failure::new(format!("{} is not a catalog", Path::new(catalog).display()));
    let members = Catalog::parse(&data).ok_or_else(damaged)?.members();
    for name in output::names_in(folder).unwrap_or_default() {
        let lower = name.to_string_lossy().to_lowercase();
        let named: Vec<_> = members
            .iter()
            .filter(|member| member.file == lower)
            .collect();
        if named.is_empty() {
            if needed.iter().any(|needed| **needed == *name) {
                return Err(Failure::new(format!(
                    "the catalog does not name {}",
                    Path::new(&name).display()
                ))
                .help("list the file in [SourceDisksFiles] of the INF"));
            }
            continue;
        }
        let content = output::read(&folder.join(&name))?;
        let content = Image::parse(&content)
            .and_then(|image| image.authenticode_bytes())
            .unwrap_or(content);
        let digests = [sha1(&content), sha256(&content)];
        if named.iter().any(|member| !digests.contains(&member.digest)) {
            return Err(Failure::new(format!(
                "the catalog has another digest of {}",
                Path::new(&name).display()
            )));
        }
    }
    Ok(())
}
