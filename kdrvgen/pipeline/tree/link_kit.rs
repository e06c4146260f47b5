//! Links the libraries of the Windows Driver Kit and of its frameworks, or reports why it cannot.

use std::path::{Path, PathBuf};

use super::{fail, Kit, Locate, Model, Project};
use crate::kit::{self, Root, Search, Wanted};

/// Links the libraries of the kit and of the framework.
pub fn run(project: &Project, target: &str) {
    let kit = &project.kit;
    let architecture = match target.split('-').next() {
        Some("x86_64") => "x64",
        Some("aarch64") => "arm64",
        _ => "x86",
    };
    let mut search = Search::default();
    let roots = kit_roots(kit, &mut search);
    let version = kit_version(kit, &mut search);
    let wanted = Wanted {
        mode: if project.is_in_kernel() { "km" } else { "um" },
        architecture,
        version: &version,
    };
    let libraries = find_libraries(&roots, kit.locate, &wanted, &mut search);
    let framework = match (&libraries, project.framework()) {
        (Some(libraries), Some(name)) => Some(
            kit::framework(libraries, name, architecture, kit.framework, &mut search)
                .unwrap_or_else(|folder| fail(&no_framework(name, kit.framework, &folder))),
        ),
        _ => None,
    };
    for folder in &search.folders {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    for name in &search.variables {
        println!("cargo:rerun-if-env-changed={name}");
    }
    match libraries {
        Some(libraries) => link(project, architecture, &libraries, framework.as_deref()),
        None => report_no_kit(project, target, &roots, &search),
    }
}

fn kit_roots(kit: &Kit, search: &mut Search) -> Vec<Root> {
    let mut roots = Vec::new();
    if let Locate::Path(path) = kit.locate {
        let path = PathBuf::from(path);
        let name = "wdk.path";
        roots.push(Root { name, path });
    }
    if matches!(kit.locate, Locate::Auto | Locate::Environment) {
        roots.extend(kit::environment_roots(search));
    }
    if matches!(kit.locate, Locate::Auto | Locate::Registry) {
        roots.extend(kit::registry_roots(search));
    }
    roots
}

/// Returns the first numbers of the kit's version: those of `wdk.version`, else those of an eWDK
/// prompt.
fn kit_version(kit: &Kit, search: &mut Search) -> Vec<u32> {
    if !kit.version.is_empty() {
        let version = dotted(kit.version);
        search
            .tried
            .push(format!("wdk.version: only version {version}"));
        return kit.version.to_vec();
    }
    if !matches!(kit.locate, Locate::Auto | Locate::Environment) {
        return Vec::new();
    }
    let version = search.variable("Version_Number").unwrap_or_default();
    let version = version.to_string_lossy();
    let numbers = kit::numbers(&version).unwrap_or_default();
    if !numbers.is_empty() {
        search
            .tried
            .push(format!("Version_Number: only version {version}"));
    }
    numbers
}

fn find_libraries(
    roots: &[Root],
    locate: Locate,
    wanted: &Wanted,
    search: &mut Search,
) -> Option<PathBuf> {
    for Root { name, path } in roots {
        let kits = match locate {
            Locate::Registry => vec![path.clone()], // no installer writes NuGet packages to the registry
            _ => kit::kits(path, wanted.architecture),
        };
        let libraries = kits
            .iter()
            .find_map(|kit| kit::libraries(kit, wanted, search));
        if libraries.is_some() {
            return libraries;
        }
        let Wanted {
            mode, architecture, ..
        } = wanted;
        let place = path.display();
        search
            .tried
            .push(format!("{name}: no {mode}/{architecture} below {place}"));
    }
    None
}

fn link(project: &Project, architecture: &str, libraries: &Path, framework: Option<&Path>) {
    println!("cargo:rustc-link-search=native={}", libraries.display());
    if let Some(framework) = framework {
        println!("cargo:rustc-link-search=native={}", framework.display());
    }
    for library in project.kit.libraries {
        println!("cargo:rustc-link-lib={library}");
    }
    if project.is_in_kernel() && architecture == "arm64" {
        println!("cargo:rustc-link-lib=arm64rt"); // the functions that compiled code calls on ARM64
    }
}

/// Fails, unless the driver may need no kit.
fn report_no_kit(project: &Project, target: &str, roots: &[Root], search: &Search) {
    let is_wdm = project.model == Model::Wdm;
    if is_wdm && project.kit.locate == Locate::Auto {
        // Cargo repeats a warning in each build, so there is none on a machine where no kit is
        // expected. `cargo build -vv` shows the line anyway.
        let is_expected = cfg!(windows) || !roots.is_empty();
        println!(
            "{}no Windows Driver Kit was found; searched: {}. If the driver imports only by \
             raw-dylib, it needs none: set wdk.locate = \"none\" in {}",
            if is_expected { "cargo:warning=" } else { "" },
            search.tried.join("; "),
            project.config
        );
        return;
    }
    fail(&format!(
        "no Windows Driver Kit with the libraries for {target} was found; searched:\n  {}\n\
         Install it, or set wdk.path in {} to its root{}",
        search.tried.join("\n  "),
        project.config,
        if is_wdm {
            ".\nIf the driver imports only by raw-dylib, it needs none: set wdk.locate = \"none\""
        } else {
            ""
        }
    ));
}

fn no_framework(name: &str, version: &[u32], folder: &Path) -> String {
    format!(
        "the Windows Driver Kit has no {} {} in {}",
        name.to_uppercase(),
        dotted(version),
        folder.display()
    )
}

fn dotted(version: &[u32]) -> String {
    let numbers: Vec<String> = version.iter().map(u32::to_string).collect();
    numbers.join(".")
}
