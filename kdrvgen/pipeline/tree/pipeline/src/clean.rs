//! The task clean-driver: removes the files that the other tasks made, by name.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::certificate;
use crate::failure::Result;
use crate::output;
use crate::package;
use crate::record;
use crate::settings::Settings;
use crate::submission;

/// Removes the images of all profiles and targets. `cargo clean` removes cargo's files, and
/// clean-cert the test certificate.
pub fn clean(settings: &Settings) -> Result<()> {
    for profile in &settings.profiles {
        for triple in &settings.triples {
            let other = |path: &Path| elsewhere(settings, path, profile, triple);
            clean_one(&Settings {
                output: other(&settings.output),
                state: other(&settings.state),
                path: other(&settings.path),
                pdb: other(&settings.pdb),
                certificate: other(&settings.certificate),
                ..settings.clone()
            })?;
        }
    }
    Ok(())
}

/// Returns the paths of the signed images of all profiles and targets, existing or not.
#[cfg(windows)]
pub fn images(settings: &Settings) -> Vec<PathBuf> {
    let mut images = Vec::new();
    for profile in &settings.profiles {
        for triple in &settings.triples {
            images.push(elsewhere(settings, &settings.path, profile, triple));
        }
    }
    images
}

fn clean_one(settings: &Settings) -> Result<()> {
    if !settings.state.is_dir() && !settings.output.is_dir() {
        return Ok(());
    }
    {
        let _lock = record::lock(settings)?;
        output::remove(&settings.path)?;
        output::remove(&settings.pdb)?;
        output::remove(&settings.path.with_extension("map"))?;
        // An exported certificate elsewhere in the project may be committed, and stays. One next to
        // the image goes, even if the profile of this run exports to another path.
        for export in [&settings.certificate, &settings.path.with_extension("cer")] {
            if export.starts_with(&settings.output) && certificate::is_ours(export) {
                output::remove(export)?;
            }
        }
        package::remove(settings)?;
        submission::remove(settings)?;
        output::remove_leftovers(&settings.output);
        output::remove_leftovers(&settings.state);
        record::forget_signed(settings)?;
        record::forget_all_builds(settings);
    }
    output::remove(&settings.state.join("lock"))?;
    // Empty folders go too.
    for folder in [&settings.state, &settings.output] {
        let ours = folder
            .ancestors()
            .take_while(|above| above.starts_with(&settings.target_dir));
        let _ = ours
            .take_while(|above| **above != *settings.target_dir)
            .try_for_each(fs::remove_dir);
    }
    Ok(())
}

/// Returns the same path for another profile and target: replaces the last folders with their
/// names.
fn elsewhere(settings: &Settings, path: &Path, profile: &str, triple: &str) -> PathBuf {
    let mut parts: Vec<OsString> = path.iter().map(OsString::from).collect();
    for (old, new) in [(&settings.profile, profile), (&settings.triple, triple)] {
        let position = parts.iter().rposition(|part| part == old.as_str());
        if let Some(at) = position {
            parts[at] = new.into();
        }
    }
    parts.iter().collect()
}
