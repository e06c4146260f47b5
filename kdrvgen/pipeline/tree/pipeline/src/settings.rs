//! The settings that Makefile.toml puts into the environment.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// The driver model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Wdm,
    Kmdf,
    Umdf,
}

/// Whose certificate signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// A self-signed one that the pipeline makes.
    Test,
    /// The user's own.
    Certificate,
    /// None: the image stays unsigned.
    Off,
}

/// What the configuration says about the driver, for the profile and target of this run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// cargo-make's profile.
    pub profile: String,
    pub profiles: Vec<String>,
    pub triple: String,
    pub triples: Vec<String>,
    /// The folder of the driver's Cargo.toml, absolute: where cargo-make runs.
    pub root: PathBuf,
    /// The name of the Cargo package.
    pub package: String,
    pub model: Model,
    pub entry_point: String,
    pub signing: Signing,
    /// The target directory; the pipeline keeps its own files below `kdrvgen` in it.
    pub target_dir: PathBuf,
    pub output: PathBuf,
    pub state: PathBuf,
    /// The signed image.
    pub path: PathBuf,
    pub pdb: PathBuf,
    /// Where the test certificate is exported to.
    pub certificate: PathBuf,
}

impl Settings {
    /// Reads the environment, once per process.
    pub fn read() -> Result<Settings> {
        for name in words(&text("DRIVER_UNSET")?) {
            env::remove_var(name); // the caller's environment may have one of that name
        }
        let root = env::current_dir()
            .map_err(|error| Failure::new(format!("there is no working directory: {error}")))?;
        let model = match required("DRIVER_MODEL")?.as_str() {
            "wdm" => Model::Wdm,
            "kmdf" => Model::Kmdf,
            "umdf" => Model::Umdf,
            other => return Err(unknown("DRIVER_MODEL", other)),
        };
        let signing = match required("DRIVER_SIGNING")?.as_str() {
            "test" => Signing::Test,
            "certificate" => Signing::Certificate,
            "off" => Signing::Off,
            other => return Err(unknown("DRIVER_SIGNING", other)),
        };
        let folder = |name: &str| -> Result<PathBuf> {
            let value = env::var_os(name).unwrap_or_default();
            if value.is_empty() {
                return Err(missing(name));
            }
            Ok(tidy(&root.join(value)))
        };
        Ok(Settings {
            profile: required("CARGO_MAKE_PROFILE")?,
            profiles: words(&required("DRIVER_PROFILES")?),
            triple: required("DRIVER_TRIPLE")?,
            triples: words(&required("DRIVER_TRIPLES")?),
            package: required("DRIVER_NAME")?,
            model,
            entry_point: required("DRIVER_ENTRY_POINT")?,
            signing,
            target_dir: folder("DRIVER_TARGET_DIR")?,
            output: folder("DRIVER_OUTPUT")?,
            state: folder("DRIVER_STATE")?,
            path: folder("DRIVER_PATH")?,
            pdb: folder("DRIVER_PDB")?,
            certificate: folder("DRIVER_CERTIFICATE")?,
            root,
        })
    }

    /// First part of the triple: `x86_64`, `i686` or `aarch64`.
    pub fn architecture(&self) -> &str {
        self.triple.split('-').next().unwrap_or_default()
    }

    /// The command that the user types for a task in this run's profile.
    pub fn command(&self, task: &str) -> String {
        if self.profile == "development" {
            format!("cargo make {task}")
        } else {
            format!("cargo make --profile {} {task}", self.profile)
        }
    }
}

/// The text of an environment variable; empty when it is not set.
pub fn text(name: &str) -> Result<String> {
    match env::var_os(name) {
        None => Ok(String::new()),
        Some(value) => value.into_string().map_err(|_| {
            Failure::new(format!(
                "the environment variable {name} is not valid Unicode"
            ))
        }),
    }
}

/// The name of the configuration's file, for messages: config.toml, unless the project calls it
/// kdrvgen.toml.
pub fn config_name() -> String {
    text("DRIVER_CONFIG")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "config.toml".to_owned())
}

/// Whether a variable says `yes`.
pub fn is_yes(name: &str) -> bool {
    env::var_os(name) == Some(OsString::from("yes"))
}

/// A path below the project that a variable names; None when it is empty.
pub fn file(name: &str, root: &Path) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(|value| tidy(&root.join(value)))
}

/// The elements of a list whose separator is a tab.
pub fn list(name: &str) -> Result<Vec<String>> {
    let value = text(name)?;
    Ok(value
        .split('\t')
        .filter(|element| !element.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Whether cargo-make runs with `-v`.
pub fn is_verbose() -> bool {
    env::var_os("CARGO_MAKE_LOG_LEVEL") == Some(OsString::from("verbose"))
}

fn required(name: &str) -> Result<String> {
    let value = text(name)?;
    if value.is_empty() {
        Err(missing(name))
    } else {
        Ok(value)
    }
}

fn missing(name: &str) -> Failure {
    Failure::new(format!("{name} is not set"))
        .because("Makefile.toml sets it: this program is run by cargo-make.")
        .help("run `cargo make` in the driver's folder")
}

fn unknown(name: &str, value: &str) -> Failure {
    Failure::new(format!("{name} is `{value}`, which this version does not know"))
        .help("run `kdrvgen` to make Makefile.toml and .kdrvgen of one version")
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

/// The same path with the host's separators and without `.` and `..`; links are not followed.
fn tidy(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut tidied = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}
