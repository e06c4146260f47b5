//! Checks the owner of a service: a project changes only its own.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::manager::Config;
use crate::clean;
use crate::failure::{Failure, Result};
use crate::settings::{self, Settings};
use crate::system::wide;

/// Fails for a service whose image does not belong to this project.
pub fn refuse_foreign(config: &Config, settings: &Settings, name: &str) -> Result<()> {
    let image = real(&config.image(name));
    let is_ours = clean::images(settings).iter().any(|own| real(own) == image)
        || (image.starts_with(real(&settings.root)) && !is_of_other_package(&image, settings));
    if is_ours {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the service {name} belongs to {}, not to this project",
        config.path
    ))
    .help(format!(
        "choose another name with deploy.service in {}",
        settings::config_name()
    ))
    .help(format!(
        "or, to delete that service: sc.exe delete \"{name}\""
    )))
}

/// Whether an image belongs to another driver that shares this target directory.
fn is_of_other_package(image: &Path, settings: &Settings) -> bool {
    let drivers = settings.target_dir.join("driver");
    image.starts_with(real(&drivers)) && !image.starts_with(real(&drivers.join(&settings.package)))
}

pub fn is_same(one: &Path, other: &Path) -> bool {
    real(one) == real(other)
}

/// Returns a path for comparisons: in lower case, and resolved as far as it exists, without short
/// names, links and drives of `subst`.
fn real(path: &Path) -> PathBuf {
    let resolved = path.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        Some((real, path.strip_prefix(above).ok()?))
    });
    let real = match resolved {
        Some((real, rest)) if rest.as_os_str().is_empty() => real,
        Some((real, rest)) => real.join(rest),
        None => path.to_owned(),
    };
    let text = wide(&real);
    let text = OsString::from_wide(&text[..text.len() - 1]);
    PathBuf::from(match text.to_str() {
        Some(text) => OsString::from(text.to_lowercase()),
        None => text, // an unpaired surrogate has no case
    })
}

#[cfg(test)]
mod tests {
    use super::is_same;
    use std::path::{Path, PathBuf};

    #[test]
    fn equal_paths_may_differ_in_case_and_need_not_exist() {
        let windows = PathBuf::from(std::env::var_os("SystemRoot").unwrap());
        let upper_case = windows.to_string_lossy().to_uppercase();
        assert!(is_same(
            &windows.join("no\\such\\É.sys"),
            &Path::new(&upper_case).join("NO\\such\\é.sys")
        ));
        assert!(!is_same(&windows.join("a.sys"), &windows.join("b.sys")));
    }
}
