//! Cargo's messages about the files that it made.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::Tool;

/// The files that cargo made from the driver's library.
#[derive(Debug, PartialEq)]
pub struct Artifact {
    pub dll: PathBuf,
    /// None if the linker wrote none.
    pub pdb: Option<PathBuf>,
    /// Whether an earlier run of cargo made them.
    pub is_fresh: bool,
}

/// Finds the driver's files in cargo's messages, one JSON text on each line.
///
/// The manifest identifies the package: a dependency may have the same name as the driver.
///
/// Source: "External tools", The Cargo Book.
pub fn artifact(messages: &str, manifest: &Path) -> Result<Artifact> {
    let mut artifact = None;
    let mut id = String::new();
    let mut scripts = Vec::new();
    for message in messages.lines().filter_map(Json::parse) {
        match message.get("reason").text() {
            "compiler-artifact" if is_library_of(&message, manifest) => {
                let files = message.get("filenames").list();
                let with = |ending: &str| {
                    let path = files
                        .iter()
                        .map(Json::text)
                        .find(|file| file.ends_with(ending));
                    path.map(PathBuf::from)
                };
                if let Some(dll) = with(".dll") {
                    id = message.get("package_id").text().to_owned();
                    artifact = Some(Artifact {
                        dll,
                        pdb: with(".pdb"),
                        is_fresh: message.get("fresh").is_true(),
                    });
                }
            }
            "build-script-executed" => scripts.push(message),
            _ => {}
        }
    }
    let artifact = artifact.ok_or_else(|| {
        Failure::new("cargo built no DLL from this package")
            .help("set crate-type = [\"cdylib\"] in [lib] of Cargo.toml")
    })?;
    let is_ours = |message: &Json| {
        message.get("package_id").text() == id
            && message.get("env").list().iter().any(|variable| {
                variable.list().first().map(Json::text) == Some("KDRVGEN_BUILD_SCRIPT")
            })
    };
    if scripts.iter().any(is_ours) {
        Ok(artifact)
    } else {
        Err(Failure::new("cargo did not run build.rs")
            .because("It passes linker arguments that a driver needs.")
            .help("remove `build` from [package] in Cargo.toml"))
    }
}

fn is_library_of(message: &Json, manifest: &Path) -> bool {
    let kinds = message.get("target").get("kind").list();
    Path::new(message.get("manifest_path").text()) == manifest
        && kinds.iter().any(|kind| kind.text() == "cdylib")
}

/// Returns the id of the package in a folder, for cargo's `--package`: the name is ambiguous if a
/// dependency has the same one.
pub fn package_id(cargo: &[std::ffi::OsString], root: &Path, name: &str) -> Result<String> {
    if let Some(url) = file_url(root) {
        return Ok(format!("{url}#{name}"));
    }
    let output = Tool::new(&cargo[0])
        .args(&cargo[1..])
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()?;
    package_in(root, &output, "id")
}

/// Returns the version of the package in a folder.
#[cfg(windows)]
pub fn version(root: &Path) -> Result<String> {
    let output = Tool::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()?;
    package_in(root, &output, "version")
}

/// Returns the version of KMDF or UMDF that wdk-build reads from Cargo.toml, such as `1.33`.
///
/// Source: wdk-build 0.3.0 to 0.6.0, src/metadata.rs.
#[cfg(windows)]
pub fn framework(root: &Path, model: &str) -> Result<String> {
    let output = Tool::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()?;
    let metadata = Json::parse(String::from_utf8_lossy(&output.stdout).trim());
    framework_in(&metadata.unwrap_or(Json::Null), root, model).ok_or_else(|| {
        let keys = format!("{model}-version-major and target-{model}-version-minor");
        Failure::new(format!(
            "Cargo.toml has no version of {}",
            model.to_uppercase()
        ))
        .help(format!("set {keys} in [package.metadata.wdk.driver-model]"))
    })
}

#[cfg(any(windows, test))]
fn framework_in(metadata: &Json, root: &Path, model: &str) -> Option<String> {
    let manifest = root.join("Cargo.toml");
    let of_package = package_at(metadata, &manifest).map(|package| package.get("metadata"));
    let of_workspace = Some(metadata.get("metadata"));
    of_package
        .into_iter()
        .chain(of_workspace)
        .find_map(|table| {
            let keys = table.get("wdk").get("driver-model");
            let major = keys.get(&format!("{model}-version-major")).number()?;
            let minor = keys
                .get(&format!("target-{model}-version-minor"))
                .number()?;
            Some(format!("{major}.{minor}"))
        })
}

/// Returns a field of the package in a folder, from the output of `cargo metadata`.
fn package_in(root: &Path, output: &Output, field: &str) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let metadata = Json::parse(text.trim()).unwrap_or(Json::Null);
    package_at(&metadata, &root.join("Cargo.toml"))
        .map(|package| package.get(field).text().to_owned())
        .ok_or_else(|| {
            Failure::new(format!("cargo found no package in {}", root.display()))
                .because(String::from_utf8_lossy(&output.stderr).into_owned())
        })
}

fn package_at<'a>(metadata: &'a Json, manifest: &Path) -> Option<&'a Json> {
    let packages = metadata.get("packages").list();
    packages
        .iter()
        .find(|package| Path::new(package.get("manifest_path").text()) == manifest)
}

/// Returns the URL of a folder; None if it contains a character that versions of cargo escape
/// differently.
fn file_url(root: &Path) -> Option<String> {
    let path = root.to_str()?.replace('\\', "/");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:".contains(&byte);
    if path.bytes().all(is_plain) && !path.starts_with("//") {
        Some(format!("file:///{}", path.trim_start_matches('/')))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{artifact, framework_in};
    use crate::json::Json;
    use std::path::{Path, PathBuf};

    fn line(reason: &str, id: &str, manifest: &str, rest: &str) -> String {
        format!(
            r#"{{"reason":"{reason}","package_id":"{id}","manifest_path":"{manifest}",{rest}}}"#
        ) + "\n"
    }

    const DLL: &str = r#""target":{"kind":["cdylib"]},"filenames":["/t/a\tb/hello.dll","/t/hello.dll.lib","/t/hello.pdb"]"#;
    const SCRIPT: &str = r#""env":[["KDRVGEN_BUILD_SCRIPT","yes"]]"#;

    #[test]
    fn a_package_of_the_same_name_is_not_mistaken_for_this_one() {
        let messages = line("build-script-executed", "mine", "", SCRIPT)
            + &line(
                "compiler-artifact",
                "other",
                "/dep/Cargo.toml",
                &DLL.replace("/t/", "/o/"),
            )
            + "not JSON\n"
            + &line("compiler-artifact", "mine", "/p/Cargo.toml", DLL);
        let artifact = artifact(&messages, Path::new("/p/Cargo.toml")).unwrap();
        assert_eq!(artifact.dll, PathBuf::from("/t/a\tb/hello.dll"));
        assert_eq!(artifact.pdb, Some(PathBuf::from("/t/hello.pdb")));
        assert!(!artifact.is_fresh);
    }

    #[test]
    fn a_library_that_cargo_did_not_link_again_is_fresh() {
        let dll = DLL.to_owned() + r#","fresh":true"#;
        let messages = line("build-script-executed", "mine", "", SCRIPT)
            + &line("compiler-artifact", "mine", "/p/Cargo.toml", &dll);
        assert!(
            artifact(&messages, Path::new("/p/Cargo.toml"))
                .unwrap()
                .is_fresh
        );
    }

    #[test]
    fn a_build_script_of_another_package_does_not_count() {
        let messages = line("build-script-executed", "other", "", SCRIPT)
            + &line("compiler-artifact", "mine", "/p/Cargo.toml", DLL);
        let failure = artifact(&messages, Path::new("/p/Cargo.toml")).unwrap_err();
        assert!(failure.to_string().contains("build.rs"));
    }

    #[test]
    fn the_frameworks_version_is_that_of_the_package_or_else_of_the_workspace() {
        let keys = r#"{"wdk":{"driver-model":{"kmdf-version-major":1,"target-kmdf-version-minor":MINOR}}}"#;
        let metadata = |package: &str, workspace: &str| {
            let text = format!(
                r#"{{"packages":[{{"manifest_path":"/o/Cargo.toml","metadata":{}}},{{"manifest_path":"/p/Cargo.toml","metadata":{package}}}],"metadata":{workspace}}}"#,
                keys.replace("MINOR", "9"),
            );
            Json::parse(&text).unwrap()
        };
        let (first, second) = (keys.replace("MINOR", "31"), keys.replace("MINOR", "33"));
        let found = |metadata: &Json| framework_in(metadata, Path::new("/p"), "kmdf");
        assert_eq!(found(&metadata(&first, &second)), Some("1.31".to_owned()));
        assert_eq!(found(&metadata("null", &second)), Some("1.33".to_owned()));
        assert_eq!(found(&metadata("null", "null")), None);
        assert_eq!(
            framework_in(&metadata(&first, "null"), Path::new("/p"), "umdf"),
            None
        );
    }

    #[test]
    fn a_package_without_a_dll_is_an_error() {
        let failure = artifact("", Path::new("/p/Cargo.toml")).unwrap_err();
        assert!(failure.to_string().contains("cdylib"));
    }
}
