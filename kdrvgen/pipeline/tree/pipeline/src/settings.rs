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

/// How to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// With a self-signed test certificate that the pipeline creates.
    Test,
    /// With the user's certificate.
    Certificate,
    /// Not at all.
    Off,
}

/// The settings of the driver for the profile and target of this run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// cargo-make's profile.
    pub profile: String,
    pub profiles: Vec<String>,
    pub triple: String,
    pub triples: Vec<String>,
    /// The absolute path of the folder with the driver's Cargo.toml, where cargo-make runs.
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
    /// The file that the test certificate is exported to.
    pub certificate: PathBuf,
}

impl Settings {
    /// Reads the environment, once per process.
    pub fn read() -> Result<Settings> {
        for name in words(&text("DRIVER_UNSET")?) {
            env::remove_var(name); // the caller's environment may set it
        }
        let root = env::current_dir()
            .map_err(|error| Failure::new(format!("cannot read the working directory: {error}")))?;
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
            Ok(normalise(&root.join(value)))
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

    /// Returns the first part of the triple: `x86_64`, `i686` or `aarch64`.
    pub fn architecture(&self) -> &str {
        self.triple.split('-').next().unwrap_or_default()
    }

    /// Returns the command that runs a task with this run's profile.
    pub fn command(&self, task: &str) -> String {
        if self.profile == "development" {
            format!("cargo make {task}")
        } else {
            format!("cargo make --profile {} {task}", self.profile)
        }
    }
}

/// Returns the text of an environment variable; empty if it is not set.
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

/// Returns the file name of the configuration for messages: config.toml or kdrvgen.toml.
pub fn config_name() -> String {
    text("DRIVER_CONFIG")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "config.toml".to_owned())
}

/// Whether the value of a variable is `yes`.
pub fn is_yes(name: &str) -> bool {
    env::var_os(name) == Some(OsString::from("yes"))
}

/// Returns the path in a variable, relative to the project; None if the variable is empty.
pub fn file(name: &str, root: &Path) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(|value| normalise(&root.join(value)))
}

/// Returns the elements of a tab-separated list.
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
        .because("Makefile.toml sets it when cargo-make runs this program.")
        .help("run `cargo make` in the folder of the driver")
}

fn unknown(name: &str, value: &str) -> Failure {
    Failure::new(format!(
        "{name} is `{value}`, which this version does not know"
    ))
    .help("run `kdrvgen`: it writes Makefile.toml and .kdrvgen in the same version")
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

/// Returns the path with the host's separators and without `.` and `..`. Does not follow links.
fn normalise(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
