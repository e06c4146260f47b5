//! The code of every build.rs: passes the linker arguments that the cargo configuration cannot
//! pass, refuses flags that make a kernel driver corrupt memory, and links the Windows Driver Kit.

#![allow(dead_code)] // each project uses a part

use std::env;
use std::path::Path;
use std::process;

#[path = "link_kit.rs"]
mod link_kit;
#[path = "version_info.rs"]
pub mod version_info;

/// The driver model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Wdm,
    Kmdf,
    Umdf,
}

/// Where to search for the kit: `wdk.locate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locate {
    /// The environment, then the registry.
    Auto,
    Environment,
    Registry,
    /// The folder `wdk.path`.
    Path(&'static str),
    /// Nowhere: the driver needs no kit, or another crate links it.
    Nowhere,
}

/// The Windows Driver Kit: `[wdk]`.
#[derive(Debug)]
pub struct Kit {
    pub locate: Locate,
    /// The first numbers of the kit's version; empty for any version.
    pub version: &'static [u32],
    /// The first numbers of the framework's version.
    pub framework: &'static [u32],
    /// The import libraries to link.
    pub libraries: &'static [&'static str],
}

/// Pairs of a target and a profile of cargo-make, and their linker arguments.
pub type OfProfiles = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

/// The settings of one project.
#[derive(Debug)]
pub struct Project {
    /// The file name of the configuration, for messages: config.toml or kdrvgen.toml.
    pub config: &'static str,
    pub model: Model,
    /// The targets, each with its flags for rustc in the cargo configuration.
    pub targets: &'static [(&'static str, &'static [&'static str])],
    /// The linker arguments that depend on the profile of cargo-make.
    pub arguments: &'static [OfProfiles],
    /// Whether the linker arguments begin with a preset. LLVM's linkers then need additional ones.
    pub has_preset: bool,
    pub kit: Kit,
}

impl Project {
    fn is_in_kernel(&self) -> bool {
        self.model != Model::Umdf
    }

    /// Returns the framework's name in the kit; None without a framework.
    fn framework(&self) -> Option<&'static str> {
        match self.model {
            Model::Wdm => None,
            Model::Kmdf => Some("kmdf"),
            Model::Umdf => Some("umdf"),
        }
    }
}

/// Does all the work of a driver's build script. Returns whether this build makes a driver; a check
/// or a test for the host does not.
pub fn run(project: &Project) -> bool {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=KDRVGEN_BUILD_SCRIPT=yes"); // build-driver checks it
    let target = variable("TARGET");
    let configured = configured_flags(project, &target);
    if let Some(configured) = configured {
        if project.is_in_kernel() {
            check_target_features(project, &target);
        }
        check_flags(project, configured, &target);
        pass_arguments(project, &target);
        if project.kit.locate != Locate::Nowhere {
            link_kit::run(project, &target);
        }
    } else if project.targets.iter().any(|(triple, _)| *triple == target) {
        // Plain `cargo build` on Windows. The arguments are only for the driver, not for tests.
        pass_arguments(project, &target);
    }
    configured.is_some()
}

/// Returns the target's flags in the cargo configuration; None if this build makes no driver.
fn configured_flags(project: &Project, target: &str) -> Option<&'static [&'static str]> {
    let (_, configured) = project
        .targets
        .iter()
        .find(|(triple, _)| *triple == target)?;
    // On Windows, the target can be that of the host. A build for the host, such as an editor's
    // check of the whole workspace, does not name it, and so OUT_DIR has no folder with its name.
    let folder = variable("OUT_DIR");
    let names_target = Path::new(&folder).iter().any(|name| name == target);
    let is_for_host = variable("HOST") == target && !folder.is_empty() && !names_target;
    (!is_for_host).then_some(*configured)
}

/// Fails for instructions that use registers which Windows does not save for kernel code.
fn check_target_features(project: &Project, target: &str) {
    let features = variable("CARGO_CFG_TARGET_FEATURE");
    let features: Vec<&str> = features.split(',').collect();
    let avx: Vec<&str> = features
        .iter()
        .copied()
        .filter(|name| name.starts_with("avx"))
        .collect();
    if !avx.is_empty() {
        fail(&format!(
            "the driver would be compiled with AVX instructions (target features {})\n\
             Kernel code must call KeSaveExtendedProcessorState before it uses AVX. Compiled Rust code\n\
             does not, and overwrites the registers of the program that it interrupts.\n\
             Remove `target-cpu` or `target-feature` from the RUSTFLAGS in the environment and from\n\
             the cargo configuration of this folder, of the folders above it and of your home; or set\n\
             linker.rustflags = [\"-Ctarget-cpu=x86-64\"] in {}.",
            avx.join(", "),
            project.config
        ));
    }
    if target.starts_with("i686") && features.contains(&"sse") {
        println!(
            "cargo:warning=this i686 driver is compiled with SSE, whose registers 32-bit Windows does not \
             save for kernel code: it corrupts the registers of programs. To compile it without: \
             linker.rustflags = [\"-Ctarget-feature=-sse,-sse2\"] in {}, and `lto = true` for the \
             profile in Cargo.toml",
            project.config
        );
    }
}

/// Fails if flags of the cargo configuration do not reach rustc, or if a reproducible build gets
/// flags from another source.
fn check_flags(project: &Project, configured: &[&str], target: &str) {
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "DRIVER_REPRODUCIBLE",
        "KDRVGEN_ADDED_FLAGS",
    ] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!(
        "cargo:rerun-if-env-changed={}",
        cargo_variable(target, "RUSTFLAGS")
    );
    let flags = split_flags(&variable("CARGO_ENCODED_RUSTFLAGS"));
    let configured = split_flags(&configured.join("\u{1f}"));
    let mut missing = without(&configured, &flags);
    missing.retain(|flag| !flag.starts_with("-Ctarget-feature=-sse")); // a warning: the image is a driver
    if !missing.is_empty() {
        fail(&format!(
            "cargo does not pass flags of its configuration: {}\n\
             The image would not be a driver. Either RUSTFLAGS or CARGO_ENCODED_RUSTFLAGS in the\n\
             environment replaces them, or cargo runs in another folder and does not read the\n\
             configuration of this one.\n\
             Unset the variable, and put its flags into linker.rustflags of {}; or set\n\
             linker.emit = \"build-script\", which does not depend on the variable. Run cargo in the\n\
             folder of the driver.",
            missing.join(" "),
            project.config
        ));
    }
    // The pipeline passes the flags that it adds. Without it, a build need not be reproducible.
    if variable("DRIVER_REPRODUCIBLE") == "yes" && env::var_os("KDRVGEN_ADDED_FLAGS").is_some() {
        let added = split_flags(&variable("KDRVGEN_ADDED_FLAGS"));
        let foreign = without(&without(&flags, &configured), &added);
        if !foreign.is_empty() {
            fail(&format!(
                "the image would not be reproducible: another cargo configuration adds {}\n\
                 linker.reproducible is set, and cargo joins the flags of the configurations in the\n\
                 folders above this one and in your home.\n\
                 Remove the flags there, or set them in linker.rustflags of {}.",
                foreign.join(" "),
                project.config
            ));
        }
    }
}

/// Splits the flags for rustc that cargo encodes, and joins each flag with its value.
fn split_flags(flags: &str) -> Vec<String> {
    let mut split: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in flags.split('\u{1f}').filter(|word| !word.is_empty()) {
        match split.last_mut() {
            Some(flag) if is_value => {
                flag.push_str(word);
                is_value = false;
            }
            _ => {
                split.push(word.to_owned());
                is_value = word == "-C" || word == "-Z";
            }
        }
    }
    split
}

fn without(flags: &[String], others: &[String]) -> Vec<String> {
    let is_other = |flag: &&String| others.contains(flag);
    flags
        .iter()
        .filter(|flag| !is_other(flag))
        .cloned()
        .collect()
}

/// Passes the linker arguments that depend on the profile, on the driver model and on the linker.
fn pass_arguments(project: &Project, target: &str) {
    for argument in profile_arguments(project, target) {
        pass(argument);
    }
    if project.model == Model::Kmdf {
        // build-driver checks the entry point in the map file, because the framework does not
        // export it.
        pass("/MAP");
    }
    if project.is_in_kernel() && project.has_preset && is_linked_by_llvm(target) {
        for argument in LLVM_ARGUMENTS {
            pass(argument);
        }
    }
}

/// Returns the linker arguments of cargo-make's profile; without cargo-make, those of development.
fn profile_arguments(project: &Project, target: &str) -> &'static [&'static str] {
    if project.arguments.is_empty() {
        return &[];
    }
    println!("cargo:rerun-if-env-changed=CARGO_MAKE_PROFILE");
    let profile = env::var("CARGO_MAKE_PROFILE").unwrap_or_else(|_| "development".into());
    let is_selected = |places: &[(&str, &str)]| places.contains(&(target, profile.as_str()));
    let entry = project
        .arguments
        .iter()
        .find(|(places, _)| is_selected(places));
    entry.map_or(&[], |(_, arguments)| *arguments)
}

/// The arguments for LLVM's linkers that link.exe does not need for a driver.
const LLVM_ARGUMENTS: &[&str] = &[
    "/MERGE:.retplne=.rdata", // has no attributes on its own, and Windows refuses the image
    "/SECTION:.text,ERP",     // P: not paged; /KERNEL of these linkers does not set it
    "/SECTION:.rdata,RP",
    "/SECTION:.data,RWP",
    "/SECTION:.pdata,RP",
];

fn is_linked_by_llvm(target: &str) -> bool {
    println!(
        "cargo:rerun-if-env-changed={}",
        cargo_variable(target, "LINKER")
    );
    let linker = variable("RUSTC_LINKER");
    let name = Path::new(&linker).file_name().unwrap_or_default();
    name.to_string_lossy().contains("lld")
}

/// Returns the environment variable for a key of a target in cargo's configuration.
fn cargo_variable(target: &str, key: &str) -> String {
    let target = target.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{target}_{key}")
}

/// Passes an argument to the linker of the driver, but not to that of programs or tests.
fn pass(argument: &str) {
    println!("cargo:rustc-link-arg-cdylib={argument}");
}

/// Returns a variable that cargo sets; empty if it does not.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Ends the build.
fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    process::exit(1);
}
