//! Finds the Windows Driver Kit and the tools of the Windows SDK.
//!
//! Two programs contain this module: build.rs, and the pipeline that the tasks of Makefile.toml
//! run.

#![allow(dead_code)] // each of the two programs uses a part

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The places that a search looked at, for messages and for cargo's `rerun-if` instructions.
#[derive(Debug, Default)]
pub struct Search {
    /// The places without a match, each after the name of its source: `WDKContentRoot: not set`.
    pub tried: Vec<String>,
    /// The environment variables that were read.
    pub variables: Vec<&'static str>,
    /// The folders whose entries the result depends on.
    pub folders: Vec<PathBuf>,
}

impl Search {
    /// Returns an environment variable; None if it is unset or empty.
    pub fn variable(&mut self, name: &'static str) -> Option<OsString> {
        self.variables.push(name);
        env::var_os(name).filter(|value| !value.is_empty())
    }
}

/// A folder that may be the root of a kit, and the source of its path.
#[derive(Debug)]
pub struct Root {
    pub name: &'static str,
    pub path: PathBuf,
}

/// The libraries of a kit to search for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `km` for drivers in the kernel, `um` for those in user mode.
    pub mode: &'a str,
    /// `x64`, `x86` or `arm64`.
    pub architecture: &'a str,
    /// The first numbers of the version; empty for any version.
    pub version: &'a [u32],
}

/// Returns the roots in the environment, the most likely one first.
pub fn environment_roots(search: &mut Search) -> Vec<Root> {
    let mut roots = Vec::new();
    match search.variable("WDKContentRoot") {
        Some(root) => roots.push(Root {
            name: "WDKContentRoot",
            path: PathBuf::from(root),
        }),
        None => search
            .tried
            .push("WDKContentRoot: not set in the environment".into()),
    }
    match search.variable("MicrosoftKitRoot") {
        Some(root) => {
            let kit = search
                .variable("WDKKitVersion")
                .unwrap_or_else(|| "10".into());
            roots.push(Root {
                name: "MicrosoftKitRoot",
                path: Path::new(&root).join("Windows Kits").join(kit),
            });
        }
        None => search
            .tried
            .push("MicrosoftKitRoot: not set in the environment".into()),
    }
    roots
}

/// Returns the roots that the installers of the kits wrote to the registry.
pub fn registry_roots(search: &mut Search) -> Vec<Root> {
    let mut roots = Vec::new();
    for (name, view) in [
        ("KitsRoot10 in the 64-bit registry", registry::VIEW_64),
        ("KitsRoot10 in the 32-bit registry", registry::VIEW_32),
    ] {
        match registry::kits_root(view) {
            Some(path) => roots.push(Root { name, path }),
            None => search.tried.push(format!("{name}: no such value")),
        }
    }
    roots
}

/// Returns the kits at a path: the path itself, then the `NuGet` packages there, the newest first.
/// Each package is for one architecture, and the path may be that of another architecture.
pub fn kits(path: &Path, architecture: &str) -> Vec<PathBuf> {
    let name = format!("microsoft.windows.wdk.{architecture}");
    let packages = packages(&folder_of_packages(path), &name);
    let mut kits = vec![path.to_path_buf(), path.join("c")];
    kits.extend(packages.iter().map(|package| package.join("c")));
    kits
}

/// Returns the folder of libraries below a kit's root.
pub fn libraries(kit: &Path, wanted: &Wanted, search: &mut Search) -> Option<PathBuf> {
    let all = inside(kit, "Lib")?;
    let mut versions = versions(&all, wanted.version).into_iter();
    let libraries = versions.find_map(|(_, version)| {
        let libraries = inside(&inside(&version, wanted.mode)?, wanted.architecture)?;
        let is_empty = libraries.read_dir().ok()?.next().is_none();
        (!is_empty).then_some(libraries) // an uninstaller can leave an empty folder
    });
    if libraries.is_none() {
        search.folders.push(all.clone());
    }
    let libraries = libraries?;
    search.folders.push(libraries.clone());
    if wanted.version.len() < VERSION_LENGTH {
        // A newer kit can be installed. Cargo checks every file below a folder: `Lib` has
        // thousands, and `build`, which has a folder for each version of the kit too, has few.
        let version = libraries.ancestors().nth(2)?.file_name()?;
        let build = kit.join("build");
        let has_build = build.join(version).is_dir();
        search.folders.push(if has_build { build } else { all });
    }
    Some(libraries)
}

const VERSION_LENGTH: usize = 4;

/// Returns the folder of a driver framework's libraries, next to those of the kit's versions.
///
/// # Errors
///
/// Returns the folder that was searched, if it has no version that begins with `version`.
pub fn framework(
    libraries: &Path,
    name: &str,
    architecture: &str,
    version: &[u32],
    search: &mut Search,
) -> Result<PathBuf, PathBuf> {
    let all = libraries.ancestors().nth(3).unwrap_or(libraries);
    let folder = ["wdf", name, architecture]
        .iter()
        .try_fold(all.to_path_buf(), |folder, name| inside(&folder, name))
        .unwrap_or_else(|| all.join("wdf").join(name).join(architecture));
    match versions(&folder, version).into_iter().next() {
        Some((_, framework)) => {
            search.folders.push(folder);
            Ok(framework)
        }
        None => Err(folder),
    }
}

/// Finds a tool of the Windows SDK or the WDK, such as `signtool.exe`: the one that a Visual Studio
/// prompt selected, else the newest in the kits, in `ClickOnce` or in `NuGet` packages. Does not
/// search the PATH.
pub fn tool(name: &str, search: &mut Search) -> Option<PathBuf> {
    let architectures = host_architectures(search);
    selected_tool(name, architectures, search)
        .or_else(|| tool_of_kits(name, architectures, search))
        .or_else(|| tool_of_click_once(name, search))
        .or_else(|| tool_of_packages(name, architectures, search))
}

/// Returns the names of the folders with tools that this machine can run, the best one first.
fn host_architectures(search: &mut Search) -> &'static [&'static str] {
    // In a 32-bit program on 64-bit Windows, only the first variable has the architecture of
    // Windows.
    let machine = search
        .variable("PROCESSOR_ARCHITEW6432")
        .or_else(|| search.variable("PROCESSOR_ARCHITECTURE"))
        .unwrap_or_default();
    match machine.to_str() {
        Some("ARM64") => &["arm64", "x64", "x86"],
        Some("x86") => &["x86"],
        _ => &["x64", "x86"],
    }
}

/// Returns the tool of the version that a prompt of Visual Studio or of the eWDK selected.
fn selected_tool(name: &str, architectures: &[&str], search: &mut Search) -> Option<PathBuf> {
    let folder = search.variable("WindowsSdkVerBinPath").map(PathBuf::from);
    let version = search.variable("WindowsSDKVersion");
    let kit = search.variable("WindowsSdkDir");
    let of_version = version.and_then(|version| {
        // Both end with a backslash.
        let kit = kit?.into_string().ok()?;
        let version = version.into_string().ok()?;
        let version = version.trim_end_matches(&['\\', '/'][..]);
        Some(PathBuf::from(kit).join("bin").join(version))
    });
    for (variable, folder) in [
        ("WindowsSdkVerBinPath", folder),
        ("WindowsSdkDir and WindowsSDKVersion", of_version),
    ] {
        match folder {
            None => search.tried.push(format!("{variable}: not set")),
            Some(folder) => {
                let mut programs = architectures
                    .iter()
                    .map(|architecture| folder.join(architecture).join(name));
                if let Some(program) = programs.find(|program| program.is_file()) {
                    return Some(program);
                }
                let folder = folder.display();
                search
                    .tried
                    .push(format!("{variable}: no {name} in {folder}"));
            }
        }
    }
    None
}

fn tool_of_kits(name: &str, architectures: &[&str], search: &mut Search) -> Option<PathBuf> {
    let mut roots = environment_roots(search);
    roots.extend(registry_roots(search));
    let mut folders = Vec::new();
    for root in &roots {
        // Inf2Cat is a program for x86 in the packages of all architectures.
        for architecture in architectures {
            folders.extend(kits(&root.path, architecture));
        }
        folders.extend(packages(&folder_of_packages(&root.path), BUILD_TOOLS));
    }
    for architecture in architectures {
        let program = newest_tool(&folders, architecture, name);
        if program.is_some() {
            return program;
        }
    }
    for root in roots {
        let folder = root.path.join("bin");
        let folder = folder.display();
        search
            .tried
            .push(format!("{}: no {name} below {folder}", root.name));
    }
    None
}

/// The `NuGet` package with the tools of the Windows SDK.
const BUILD_TOOLS: &str = "microsoft.windows.sdk.buildtools";

/// The `ClickOnce` component of Visual Studio installs only signtool, without a kit.
fn tool_of_click_once(name: &str, search: &mut Search) -> Option<PathBuf> {
    let programs = search
        .variable("ProgramFiles(x86)")
        .or_else(|| search.variable("ProgramFiles"))?;
    let folder = Path::new(&programs)
        .join("Microsoft SDKs")
        .join("ClickOnce")
        .join("SignTool");
    let program = folder.join(name);
    if program.is_file() {
        return Some(program);
    }
    let folder = folder.display();
    search
        .tried
        .push(format!("ClickOnce: no {name} in {folder}"));
    None
}

fn tool_of_packages(name: &str, architectures: &[&str], search: &mut Search) -> Option<PathBuf> {
    let folder = search
        .variable("NUGET_PACKAGES")
        .map(PathBuf::from)
        .or_else(|| {
            let home = search.variable("USERPROFILE")?;
            Some(Path::new(&home).join(".nuget").join("packages"))
        })?;
    let packages = packages(&folder, BUILD_TOOLS);
    let program = architectures
        .iter()
        .find_map(|architecture| newest_tool(&packages, architecture, name));
    if program.is_none() {
        let folder = folder.display();
        let tried = format!("NuGet: no {name} of {BUILD_TOOLS} in {folder}");
        search.tried.push(tried);
    }
    program
}

/// The folders of a kit with programs: `InfVerif` is in `Tools`, all others are in `bin`.
const PROGRAMS: [&str; 2] = ["bin", "Tools"];

/// Returns the tool in the newest `bin/VERSION/ARCHITECTURE` below any of the kits, else in
/// `bin/ARCHITECTURE`: kits before Windows 10 version 1703 have no folder of the version there, and
/// those before Windows 11 none in `Tools`.
fn newest_tool(kits: &[PathBuf], architecture: &str, name: &str) -> Option<PathBuf> {
    let folders = kits
        .iter()
        .flat_map(|kit| PROGRAMS.map(|programs| kit.join(programs)));
    let versions = folders.flat_map(|folder| {
        let mut all = versions(&folder, &[]);
        all.push((Vec::new(), folder));
        all
    });
    let programs =
        versions.map(|(version, folder)| (version, folder.join(architecture).join(name)));
    let newest = programs.filter(|(_, program)| program.is_file()).max();
    newest.map(|(_, program)| program)
}

/// Returns the folder of `NuGet` packages: the parent of the package that contains `path`, else
/// `path`.
fn folder_of_packages(path: &Path) -> PathBuf {
    let is_package = |folder: &&Path| {
        let name = folder.file_name().map(lower).unwrap_or_default();
        name.starts_with("microsoft.windows.wdk.")
    };
    let package = path.ancestors().find(is_package);
    package.and_then(Path::parent).unwrap_or(path).to_path_buf()
}

/// Returns the versions of a `NuGet` package, the newest first: `NAME.VERSION` in the layout of
/// nuget.exe, `name/VERSION` in that of dotnet.
fn packages(folder: &Path, package: &str) -> Vec<PathBuf> {
    let mut versioned = Vec::new();
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = lower(&entry.file_name());
        match name.strip_prefix(package) {
            Some("") => versioned.extend(versions(&entry.path(), &[])),
            Some(rest) => {
                let version = numbers(rest.trim_start_matches('.'));
                versioned.extend(version.map(|version| (version, entry.path())));
            }
            None => {}
        }
    }
    versioned.sort();
    versioned
        .into_iter()
        .rev()
        .map(|(_, package)| package)
        .collect()
}

fn lower(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

/// Returns the entry with this name in a folder. Ignores case, as Windows does: one kit contains
/// both `arm64` and `ARM64`.
fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut entries = folder.read_dir().ok()?.flatten();
    let entry = entries.find(|entry| entry.file_name().eq_ignore_ascii_case(name))?;
    Some(entry.path())
}

/// Returns the entries of a folder whose name is a version that begins with `wanted`, the newest
/// first. Compares numbers: as text, 10.0.9 comes after 10.0.10.
fn versions(folder: &Path, wanted: &[u32]) -> Vec<(Vec<u32>, PathBuf)> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut versions: Vec<_> = entries
        .filter_map(|entry| Some((numbers(entry.file_name().to_str()?)?, entry.path())))
        .filter(|(version, _)| version.starts_with(wanted))
        .collect();
    versions.sort();
    versions.reverse();
    versions
}

/// Returns the numbers of a version; None if the text is not a version.
pub fn numbers(version: &str) -> Option<Vec<u32>> {
    let numbers = version.split('.');
    numbers.map(|number| number.parse().ok()).collect()
}

#[cfg(windows)]
mod registry {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt;
    use std::path::PathBuf;
    use std::ptr;

    pub const VIEW_64: u32 = 0x1_0000; // RRF_SUBKEY_WOW6464KEY
    pub const VIEW_32: u32 = 0x2_0000; // RRF_SUBKEY_WOW6432KEY

    const HKEY_LOCAL_MACHINE: isize = 0x8000_0002_u32 as i32 as isize;
    const RRF_RT_REG_SZ: u32 = 2;

    /// Declares functions of a system library. Edition 2024 requires `unsafe extern`, which Rust
    /// before 1.82 does not support. It is also the first edition in which `_` matches a macro's
    /// `expr`.
    macro_rules! foreign {
        ($_2024:expr, $library:literal, $($functions:tt)*) => {
            #[link(name = $library)]
            unsafe extern "system" { $($functions)* }
        };
        (_, $library:literal, $($functions:tt)*) => {
            #[link(name = $library)]
            extern "system" { $($functions)* }
        };
    }

    foreign! { _, "advapi32",
        fn RegGetValueW(
            key: isize,
            subkey: *const u16,
            value: *const u16,
            flags: u32,
            kind: *mut u32,
            data: *mut u16,
            bytes: *mut u32,
        ) -> i32;
    }

    /// Returns the value `KitsRoot10` in one view of the registry.
    pub fn kits_root(view: u32) -> Option<PathBuf> {
        let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<u16>>();
        let subkey = wide(r"SOFTWARE\Microsoft\Windows Kits\Installed Roots");
        let value = wide("KitsRoot10");
        let mut text = [0; 1024];
        let mut bytes = 2 * text.len() as u32;
        // SAFETY: both names end with a zero, and `bytes` is the size of `text`.
        let status = unsafe {
            RegGetValueW(
                HKEY_LOCAL_MACHINE,
                subkey.as_ptr(),
                value.as_ptr(),
                RRF_RT_REG_SZ | view,
                ptr::null_mut(),
                text.as_mut_ptr(),
                &mut bytes,
            )
        };
        let root = text.split(|unit| *unit == 0).next()?;
        (status == 0 && !root.is_empty()).then(|| OsString::from_wide(root).into())
    }
}

/// Other systems have no registry.
#[cfg(not(windows))]
mod registry {
    use std::path::PathBuf;

    pub const VIEW_64: u32 = 0;
    pub const VIEW_32: u32 = 0;

    pub fn kits_root(_view: u32) -> Option<PathBuf> {
        None
    }
}
