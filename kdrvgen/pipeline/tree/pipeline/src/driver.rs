//! The task build-driver: runs cargo and checks the image that it linked.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{self, Artifact};
use crate::checksum::xxh64;
use crate::digest::sha256;
use crate::failure::{Failure, Result};
use crate::linker;
use crate::output;
use crate::process::Tool;
use crate::record::{self, Build};
use crate::rules;
use crate::settings::{self, Settings};

/// Runs the cargo command `arguments` with the flags and variables of this run.
pub fn build(settings: &Settings, arguments: &[OsString]) -> Result<()> {
    check_settings(settings)?;
    warn_of_changed_config(settings)?;
    record::forget_builds(settings);
    let cargo = cargo_of(arguments)?;
    let mut tool = Tool::new(&arguments[0]).args(&arguments[1..]);
    let package = cargo::package_id(cargo, &settings.root, &settings.package)?;
    tool = tool.args(settings::list("DRIVER_CARGO_ARGS")?); // [build] of this profile
    tool = tool.args(["--package", &package]);
    tool = tool.args(["--message-format", "json-render-diagnostics"]);
    let flags = flags(settings)?;
    if !flags.is_empty() {
        let list: Vec<_> = flags.iter().map(|flag| toml(flag)).collect();
        let value = format!(
            "target.{}.rustflags = [{}]",
            settings.triple,
            list.join(", ")
        );
        tool = tool.arg("--config").arg(value);
        tool = tool.env("KDRVGEN_ADDED_FLAGS", flags.join("\x1f")); // for build.rs
    }
    if let Some((variable, linker)) = linker::choose(settings, cargo)? {
        tool = tool.env(&variable, linker);
    }
    // Linkers read arguments from these too, and cargo does not notice a change.
    tool = tool.env_remove("LINK").env_remove("_LINK_");
    if settings::is_yes("DRIVER_REPRODUCIBLE") {
        tool = without_profile_variables(tool);
    }
    let detour = Detour::around_percent_signs(settings, cargo)?;
    if let Some(detour) = &detour {
        tool = tool.env("CARGO_TARGET_DIR", &detour.link);
    }
    let output = tool.stdout()?;
    if !output.status.success() {
        return Err(Failure::new("cargo did not build the driver"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut artifact = cargo::artifact(&messages, &settings.root.join("Cargo.toml"))?;
    if let Some(detour) = &detour {
        artifact = Artifact {
            dll: detour.real(artifact.dll),
            pdb: artifact.pdb.map(|pdb| detour.real(pdb)),
            ..artifact
        };
    }
    let dll = output::read(&artifact.dll)?;
    rules::check(settings, &artifact.dll, &dll)?;
    let checksum = xxh64(&dll);
    refuse_changed(settings, &artifact, &checksum)?;
    record::write_build(
        settings,
        &Build {
            dll: artifact.dll,
            pdb: artifact.pdb,
            checksum,
        },
    )
}

/// Refuses a DLL that something changed after it was linked: cargo checks only the sources.
fn refuse_changed(settings: &Settings, artifact: &Artifact, checksum: &str) -> Result<()> {
    if !artifact.is_fresh {
        return record::accept(settings, checksum);
    }
    if !record::is_refused(settings, checksum) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} was changed after it was linked, in an earlier run",
        artifact.dll.display()
    ))
    .because("cargo checks only the sources, and so does not link it again.")
    .help(format!(
        "to link it again: cargo clean --package {} --target {} --profile {}",
        settings.package,
        settings.triple,
        settings::text("DRIVER_CARGO_PROFILE")?
    )))
}

fn check_settings(settings: &Settings) -> Result<()> {
    if !settings.triples.contains(&settings.triple) {
        return Err(Failure::new(format!(
            "DRIVER_TARGET is `{}`, which is not a target of this driver",
            settings.triple
        ))
        .help(format!("use one of {}", settings.triples.join(", "))));
    }
    if !settings.profiles.contains(&settings.profile) {
        return Err(Failure::new(format!(
            "this project has no profile `{}`",
            settings.profile
        ))
        .help(format!("use one of {}", settings.profiles.join(", "))));
    }
    let configuration = settings::text("DRIVER_CARGO_CONFIG")?;
    if !settings.root.join(&configuration).is_file() {
        return Err(Failure::new(format!(
            "{configuration} is missing in {}",
            settings.root.display()
        ))
        .because("It has the flags that make the image a driver.")
        .help("run cargo make in the folder of the driver, or run `kdrvgen` to write the file"));
    }
    if configuration.ends_with(".toml") && settings.root.join(".cargo/config").exists() {
        return Err(Failure::new(
            ".cargo/config exists next to .cargo/config.toml, and cargo reads only the former",
        )
        .because(".cargo/config.toml has the flags that make the image a driver.")
        .help(format!(
            "delete .cargo/config, or move what you need into {}",
            settings::config_name()
        )));
    }
    if cfg!(not(windows)) && settings::is_yes("DRIVER_NEEDS_WINDOWS") {
        return Err(Failure::new("this driver builds on Windows only")
            .because("wdk.locate is \"wdk-build\", and that crate compiles only there."));
    }
    Ok(())
}

/// Warns if the configuration changed since kdrvgen wrote Makefile.toml.
fn warn_of_changed_config(settings: &Settings) -> Result<()> {
    let name = settings::text("DRIVER_CONFIG")?;
    let digest = settings::text("DRIVER_CONFIG_DIGEST")?;
    let bytes = match output::read_regular(&settings.root.join(&name)) {
        Some(bytes) if !name.is_empty() => bytes,
        _ => return Ok(()), // a copy of the project without its configuration
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    if format!("sha256:{}", sha256(text.as_bytes())) != digest {
        eprintln!(
            "build-driver: warning: {name} changed after kdrvgen wrote Makefile.toml from it\n  \
             help: run `kdrvgen {name}`"
        );
    }
    Ok(())
}

/// Returns the part of the command that starts cargo: `cargo`, or `rustup run CHANNEL cargo`.
fn cargo_of(arguments: &[OsString]) -> Result<&[OsString]> {
    let end = arguments
        .iter()
        .position(|word| word == "build" || word == "rustc")
        .filter(|end| *end > 0);
    match end {
        Some(end) => Ok(&arguments[..end]),
        None => Err(
            Failure::new("the `args` of the task build-driver contain no cargo command")
                .help("for example: args = [\"build-driver\", \"cargo\", \"build\", …]"),
        ),
    }
}

/// Returns the flags for rustc of this profile, and those of a reproducible build.
fn flags(settings: &Settings) -> Result<Vec<String>> {
    let architecture = settings.architecture().to_uppercase();
    let mut flags = settings::list(&format!("DRIVER_RUSTFLAGS_{architecture}"))?;
    if settings::is_yes("DRIVER_REPRODUCIBLE") {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| user_home().map(|home| home.join(".cargo")));
        // rustc uses the last prefix that matches.
        let support = settings::file("DRIVER_SUPPORT", &settings.root);
        let workspace = support.as_deref().and_then(Path::parent);
        for (folder, name) in [
            (home.as_deref(), "/cargo"),
            (workspace, "/workspace"),
            (Some(settings.root.as_path()), "."),
        ] {
            if let Some(folder) = folder {
                flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
            }
        }
        // No .pdb: it names temporary files of this run, and the image contains its digest.
        flags.push("-Clink-arg=/DEBUG:NONE".to_owned());
    }
    let replacement = ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"]
        .iter()
        .find(|name| env::var_os(name).is_some());
    match replacement {
        Some(name) if !flags.is_empty() => Err(Failure::new(format!(
            "{name} is set in the environment"
        ))
        .because(
            "It replaces all other flags for rustc, including those that make the image a driver.",
        )
        .help(format!(
            "unset {name}, and put its flags into linker.rustflags of {}",
            settings::config_name()
        ))),
        _ => Ok(flags),
    }
}

fn user_home() -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    env::var_os(name).map(PathBuf::from)
}

/// Removes the variables that change code generation: some CI services set them.
fn without_profile_variables(mut tool: Tool) -> Tool {
    for (name, _) in env::vars_os() {
        let is_profile = name
            .to_str()
            .map_or(false, |name| name.starts_with("CARGO_PROFILE_"));
        if let (true, Some(name)) = (is_profile, name.to_str()) {
            eprintln!("build-driver: ignoring {name}, because linker.reproducible is set");
            tool = tool.env_remove(name);
        }
    }
    tool.env("CARGO_INCREMENTAL", "0")
}

fn toml(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '"' | '\\' => format!("\\{character}"),
            character if character.is_control() => format!("\\u{:04X}", character as u32),
            character => character.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// A symbolic link to the target directory, for a path that contains `%`: LLVM's linkers put a
/// random digit there when they write a file, and do not find the folder.
struct Detour {
    link: PathBuf,
    target: PathBuf,
}

impl Detour {
    fn around_percent_signs(settings: &Settings, cargo: &[OsString]) -> Result<Option<Detour>> {
        let root = settings.root.to_string_lossy();
        if cfg!(windows) || !root.contains('%') || env::var_os("CARGO_TARGET_DIR").is_some() {
            return Ok(None);
        }
        let output = Tool::new(&cargo[0])
            .args(&cargo[1..])
            .args(["locate-project", "--workspace", "--message-format", "plain"])
            .output()?;
        let manifest = String::from_utf8_lossy(&output.stdout);
        let workspace = Path::new(manifest.trim())
            .parent()
            .unwrap_or(&settings.root);
        let target = workspace.join("target");
        output::create_folder(&target)?;
        let name = sha256(target.to_string_lossy().as_bytes());
        let folder = env::temp_dir().join(format!("kdrvgen-{}", user()));
        private_folder(&folder)?;
        let link = folder.join(&name[..16]);
        if fs::read_link(&link).ok().as_deref() != Some(&target) {
            output::remove(&link)?;
            make_link(&target, &link)
                .map_err(|error| Failure::io("make the link", &link, &error))?;
        }
        Ok(Some(Detour { link, target }))
    }

    fn real(&self, path: PathBuf) -> PathBuf {
        match path.strip_prefix(&self.link) {
            Ok(below) => self.target.join(below),
            Err(_) => path,
        }
    }
}

#[cfg(unix)]
fn user() -> u32 {
    crate::system::user()
}

#[cfg(unix)]
fn make_link(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Creates a folder that no other user can write to: the link in it is followed.
#[cfg(unix)]
fn private_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let _ = fs::DirBuilder::new().mode(0o700).create(folder);
    let is_ours = fs::symlink_metadata(folder).map_or(false, |metadata| {
        metadata.is_dir() && metadata.uid() == user() && metadata.mode() & 0o022 == 0
    });
    if is_ours {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{} belongs to another user, or others can write to it",
            folder.display()
        ))
        .help("set CARGO_TARGET_DIR to a folder without `%` in its path"))
    }
}

#[cfg(not(unix))]
fn user() -> u32 {
    0
}

#[cfg(not(unix))]
fn make_link(_target: &Path, _link: &Path) -> std::io::Result<()> {
    Ok(()) // link.exe accepts a `%`
}

#[cfg(not(unix))]
fn private_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::toml;

    #[test]
    fn flags_are_quoted_for_toml() {
        assert_eq!(toml("-Ca=\"b\\c\"\t"), r#""-Ca=\"b\\c\"\u0009""#);
    }
}
