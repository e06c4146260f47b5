//! What every build.rs does: it passes the linker arguments that the cargo configuration cannot pass,
//! refuses flags that make a kernel driver corrupt memory, and links the Windows Driver Kit.

#![allow(dead_code)] // each project uses a part of it

use std::env;
use std::path::Path;
use std::process;

#[path = "link_kit.rs"]
mod link_kit;

/// The driver model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Wdm,
    Kmdf,
    Umdf,
}

/// Where to look for the kit: `wdk.locate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locate {
    /// The environment, then the registry.
    Auto,
    Environment,
    Registry,
    /// The folder `wdk.path`.
    Path(&'static str),
    /// Nowhere: the driver needs no kit, or something else links it.
    Nowhere,
}

/// The Windows Driver Kit: `[wdk]`.
#[derive(Debug)]
pub struct Kit {
    pub locate: Locate,
    /// The numbers that the kit's version begins with; none for any version.
    pub version: &'static [u32],
    /// The numbers that the framework's version begins with.
    pub framework: &'static [u32],
    /// The import libraries to link.
    pub libraries: &'static [&'static str],
}

/// Linker arguments, and the target and the profiles of cargo-make that they are for.
pub type OfProfiles = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

/// What the configuration says of one project.
#[derive(Debug)]
pub struct Project {
    /// The name of the configuration's file, for messages: config.toml, unless the project calls it
    /// kdrvgen.toml.
    pub config: &'static str,
    pub model: Model,
    /// Each target, and the flags for rustc that the cargo configuration has for it.
    pub targets: &'static [(&'static str, &'static [&'static str])],
    /// What is passed from here, because it depends on the profile of cargo-make.
    pub arguments: &'static [OfProfiles],
    /// Whether the linker arguments begin with a preset, which LLVM's linkers need more for.
    pub has_preset: bool,
    pub kit: Kit,
}

impl Project {
    fn is_in_kernel(&self) -> bool {
        self.model != Model::Umdf
    }

    /// What the kit calls the model's framework; None without one.
    fn framework(&self) -> Option<&'static str> {
        match self.model {
            Model::Wdm => None,
            Model::Kmdf => Some("kmdf"),
            Model::Umdf => Some("umdf"),
        }
    }
}

/// Does all that a build script of a driver does. Returns whether this build makes a driver: not so a
/// check or a test for the host.
pub fn run(project: &Project) -> bool {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=KDRVGEN_BUILD_SCRIPT=yes"); // build-driver looks for it
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

/// The flags that the cargo configuration has for the target; None when this build makes no driver.
fn configured_flags(project: &Project, target: &str) -> Option<&'static [&'static str]> {
    let (_, configured) = project
        .targets
        .iter()
        .find(|(triple, _)| *triple == target)?;
    // On Windows the target may be the host's. A build for the host, such as that of an editor which
    // checks the whole workspace, does not name it: then there is no folder of its name.
    let folder = variable("OUT_DIR");
    let names_target = Path::new(&folder).iter().any(|name| name == target);
    let is_for_host = variable("HOST") == target && !folder.is_empty() && !names_target;
    (!is_for_host).then_some(*configured)
}

/// Refuses instructions whose registers Windows does not save for kernel code.
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

/// Fails when flags of the cargo configuration do not reach rustc, and when a build that must be
/// reproducible gets flags from elsewhere.
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
    let flags = one_by_one(&variable("CARGO_ENCODED_RUSTFLAGS"));
    let configured = one_by_one(&configured.join("\u{1f}"));
    let mut missing = without(&configured, &flags);
    missing.retain(|flag| !flag.starts_with("-Ctarget-feature=-sse")); // a warning: the image is a driver
    if !missing.is_empty() {
        fail(&format!(
            "cargo does not pass flags of its configuration: {}\n\
             The image would not be a driver. Either RUSTFLAGS or CARGO_ENCODED_RUSTFLAGS in the\n\
             environment replaces them, or cargo runs in another folder and does not read the\n\
             configuration of this one.\n\
             Unset the variable: linker.rustflags in {} takes what it holds, and\n\
             linker.emit = \"build-script\" makes the linker arguments independent of it. Run cargo in\n\
             the driver's own folder.",
            missing.join(" "),
            project.config
        ));
    }
    // The pipeline says which flags it adds; without it, nothing is promised.
    if variable("DRIVER_REPRODUCIBLE") == "yes" && env::var_os("KDRVGEN_ADDED_FLAGS").is_some() {
        let added = one_by_one(&variable("KDRVGEN_ADDED_FLAGS"));
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

/// Flags for rustc as cargo encodes them, each with its value.
fn one_by_one(flags: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in flags.split('\u{1f}').filter(|word| !word.is_empty()) {
        match found.last_mut() {
            Some(flag) if is_value => {
                flag.push_str(word);
                is_value = false;
            }
            _ => {
                found.push(word.to_owned());
                is_value = word == "-C" || word == "-Z";
            }
        }
    }
    found
}

fn without(flags: &[String], others: &[String]) -> Vec<String> {
    let is_other = |flag: &&String| others.contains(flag);
    flags.iter().filter(|flag| !is_other(flag)).cloned().collect()
}

/// Passes the linker arguments that depend on the profile, on the driver model and on the linker.
fn pass_arguments(project: &Project, target: &str) {
    for argument in profile_arguments(project, target) {
        pass(argument);
    }
    if project.model == Model::Kmdf {
        // The framework's entry point is not exported: the map file shows that it is the image's.
        pass("/MAP");
    }
    if project.is_in_kernel() && project.has_preset && is_linked_by_llvm(target) {
        for argument in LLVM_ARGUMENTS {
            pass(argument);
        }
    }
}

/// The linker arguments of the profile that cargo-make runs with; development's without cargo-make.
fn profile_arguments(project: &Project, target: &str) -> &'static [&'static str] {
    if project.arguments.is_empty() {
        return &[];
    }
    println!("cargo:rerun-if-env-changed=CARGO_MAKE_PROFILE");
    let profile = env::var("CARGO_MAKE_PROFILE").unwrap_or_else(|_| "development".into());
    let is_meant = |places: &[(&str, &str)]| places.contains(&(target, profile.as_str()));
    let found = project
        .arguments
        .iter()
        .find(|(places, _)| is_meant(places));
    found.map_or(&[], |(_, arguments)| *arguments)
}

/// What LLVM's linkers have to be told for a driver, and Microsoft's does by itself.
const LLVM_ARGUMENTS: &[&str] = &[
    "/MERGE:.retplne=.rdata", // stays without attributes otherwise, and Windows refuses the image
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

/// The environment variable of a key in cargo's table for a target.
fn cargo_variable(target: &str, key: &str) -> String {
    let target = target.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{target}_{key}")
}

/// Passes an argument to the linker of the driver alone, and not to that of programs or tests.
fn pass(argument: &str) {
    println!("cargo:rustc-link-arg-cdylib={argument}");
}

/// A variable that cargo sets; empty when it does not.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Ends the build.
fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    process::exit(1);
}
