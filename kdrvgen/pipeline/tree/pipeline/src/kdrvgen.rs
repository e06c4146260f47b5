//! Runs kdrvgen, which makes the driver package and the submission.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::failure::{Failure, Result};
use crate::process::{on_path, printed, Tool};
use crate::settings::{self, Settings};

/// Finds kdrvgen on the PATH.
pub fn find() -> Result<PathBuf> {
    on_path("kdrvgen").ok_or_else(|| {
        Failure::new("kdrvgen is not installed")
            .help("pip install kdrvgen, and check that its folder is in the PATH")
    })
}

/// Returns a text that is another one for another version of kdrvgen, which may make other files;
/// empty if it is not installed.
pub fn stamp() -> String {
    let metadata = on_path("kdrvgen").and_then(|program| fs::metadata(program).ok());
    metadata.map_or_else(String::new, |metadata| {
        let time = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        format!("kdrvgen={} {time:?}\n", metadata.len())
    })
}

/// Lets `kdrvgen COMMAND SUBJECT` write the files of a folder to `stage`. Its messages name the
/// folder `place`, where the files will be.
pub fn make(
    settings: &Settings,
    program: &Path,
    command: &str,
    subject: &Path,
    stage: &Path,
    place: &Path,
) -> Result<()> {
    let config = settings::text("DRIVER_CONFIG")?;
    if config.is_empty() || !settings.root.join(&config).is_file() {
        return Err(Failure::new("the configuration of this project is missing")
            .because(format!("`kdrvgen {command}` reads its table [package]."))
            .help(
                "generate the project with `kdrvgen` from its configuration, and keep that file",
            ));
    }
    let output = Tool::new(program)
        .args([command, "-q", "--color", "never", "--config"])
        .arg(settings.root.join(config))
        .arg("-o")
        .arg(stage)
        .arg(subject)
        .output()?;
    let text = printed(&output).replace(&stage.display().to_string(), &place.display().to_string());
    if !output.status.success() {
        let what = format!("kdrvgen {command} did not make {}", place.display());
        return Err(Failure::new(what).because(text));
    }
    eprint!("{text}");
    Ok(())
}
