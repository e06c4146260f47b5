//! Links the libraries of the Windows Driver Kit and of its frameworks, or says why there are none.

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
    let found = find_libraries(&roots, kit.locate, &wanted, &mut search);
    let framework = match (&found, project.framework()) {
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
    match found {
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

/// The numbers that the kit's version must begin with: those of `wdk.version`, else those that a
/// prompt of the eWDK has set.
fn kit_version(kit: &Kit, search: &mut Search) -> Vec<u32> {
    if !kit.version.is_empty() {
        let version = dotted(kit.version);
        search
            .tried
            .push(format!("wdk.version: no version but {version}"));
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
            .push(format!("Version_Number: no version but {version}"));
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
            Locate::Registry => vec![path.clone()], // no installer brings packages
            _ => kit::kits(path, wanted.architecture),
        };
        let mut found = kits
            .iter()
            .filter_map(|kit| kit::libraries(kit, wanted, search));
        if let Some(libraries) = found.next() {
            return Some(libraries);
        }
        drop(found);
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
        println!("cargo:rustc-link-lib=arm64rt"); // what compiled code calls on this machine
    }
}

/// Fails, unless the driver may do without a kit.
fn report_no_kit(project: &Project, target: &str, roots: &[Root], search: &Search) {
    let is_wdm = project.model == Model::Wdm;
    if is_wdm && project.kit.locate == Locate::Auto {
        // Cargo repeats a warning in each build: there is none where nothing names a kit.
        // `cargo build -vv` shows the line all the same.
        let is_expected = cfg!(windows) || !roots.is_empty();
        println!(
            "{}no Windows Driver Kit; looked at: {}. If the driver imports by raw-dylib alone, it \
             needs none: say so by wdk.locate = \"none\" in {}",
            if is_expected { "cargo:warning=" } else { "" },
            search.tried.join("; "),
            project.config
        );
        return;
    }
    fail(&format!(
        "no Windows Driver Kit with what a driver for {target} links; looked at:\n  {}\n\
         Install it, or name its root by wdk.path in {}{}",
        search.tried.join("\n  "),
        project.config,
        if is_wdm {
            "; a driver that imports\nby raw-dylib alone needs none: wdk.locate = \"none\""
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
