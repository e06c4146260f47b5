//! Whose a service is: this project changes no service but its own.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::manager::Config;
use crate::clean;
use crate::failure::{Failure, Result};
use crate::settings::{self, Settings};
use crate::system::wide;

/// Fails for a service whose image is not one that this project makes.
pub fn refuse_foreign(config: &Config, settings: &Settings, name: &str) -> Result<()> {
    let image = real(&config.image(name));
    let is_ours = clean::images(settings).iter().any(|own| real(own) == image)
        || (image.starts_with(real(&settings.root)) && !is_of_other_package(&image, settings));
    if is_ours {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the service {name} is that of {}, not of this project",
        config.path
    ))
    .help(format!(
        "take another name: deploy.service in {}",
        settings::config_name()
    ))
    .help(format!("or, if that service may go: sc delete \"{name}\"")))
}

/// Whether an image is that of another driver in the target directory that this one shares with it.
fn is_of_other_package(image: &Path, settings: &Settings) -> bool {
    let drivers = settings.target_dir.join("driver");
    image.starts_with(real(&drivers)) && !image.starts_with(real(&drivers.join(&settings.package)))
}

pub fn is_same(one: &Path, other: &Path) -> bool {
    real(one) == real(other)
}

/// What a path leads to, for comparing: without short names, links and drives that stand for a
/// folder, as far as it exists, and in lower case.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        Some((real, path.strip_prefix(above).ok()?))
    });
    let real = match found {
        Some((real, rest)) if rest.as_os_str().is_empty() => real,
        Some((real, rest)) => real.join(rest),
        None => path.to_owned(),
    };
    let text = wide(&real);
    let text = OsString::from_wide(&text[..text.len() - 1]);
    PathBuf::from(match text.to_str() {
        Some(text) => OsString::from(text.to_lowercase()),
        None => text, // with half a character, which has no case
    })
}

#[cfg(test)]
mod tests {
    use super::is_same;
    use std::path::{Path, PathBuf};

    #[test]
    fn paths_are_the_same_whatever_their_case_as_far_as_they_exist() {
        let windows = PathBuf::from(std::env::var_os("SystemRoot").unwrap());
        let shouted = windows.to_string_lossy().to_uppercase();
        assert!(is_same(
            &windows.join("no\\such\\É.sys"),
            &Path::new(&shouted).join("NO\\such\\é.sys")
        ));
        assert!(!is_same(&windows.join("a.sys"), &windows.join("b.sys")));
    }
}
