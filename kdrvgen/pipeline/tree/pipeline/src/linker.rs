//! Chooses the linker for cargo.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::process::{is_program, on_path, Tool};
use crate::settings::{self, Settings};

/// Older versions mistake /KERNEL and /RELEASE for file names.
const OLDEST_LLD: u32 = 15;

/// Returns the environment variable that selects the linker, and its value; None to leave the
/// choice to cargo and rustc.
pub fn choose(settings: &Settings, cargo: &[OsString]) -> Result<Option<(String, OsString)>> {
    let triple = settings.triple.to_uppercase().replace('-', "_");
    let variable = format!("CARGO_TARGET_{triple}_LINKER");
    let program = settings::text("DRIVER_LINKER")?;
    let linker = match program.as_str() {
        "" | "auto" if env::var_os(&variable).map_or(false, |value| !value.is_empty()) => {
            return Ok(None); // the environment already selects one
        }
        "" | "auto" if cfg!(windows) => return Ok(None), // rustc finds link.exe
        "" | "auto" => find(cargo)?,
        "link" if cfg!(windows) => "link.exe".into(),
        "link" => {
            return Err(
                Failure::new("linker.program is \"link\", which exists only on Windows")
                    .help("set linker.program = \"auto\": it uses the linker of each host"),
            )
        }
        other => other.into(),
    };
    Ok(Some((variable, linker)))
}

fn find(cargo: &[OsString]) -> Result<OsString> {
    if on_path("rust-lld").is_some() || has_rust_lld(&sysroot(cargo)?) {
        return Ok("rust-lld".into()); // rustc finds its own by this name
    }
    if on_path("lld-link").is_some() {
        return Ok("lld-link".into());
    }
    newest_lld().map(OsString::from).ok_or_else(|| {
        Failure::new("no linker for Windows is installed")
            .because("This Rust toolchain has no rust-lld, and LLVM's lld-link is not installed.")
            .help(format!(
                "Debian: apt install lld-19 (lld-{OLDEST_LLD} or later)"
            ))
    })
}

/// Returns the folder of the toolchain that builds the driver. Under rustup, this needs no run of
/// rustc.
fn sysroot(cargo: &[OsString]) -> Result<PathBuf> {
    if let (1, Some(toolchain)) = (cargo.len(), env::var_os("RUSTUP_TOOLCHAIN")) {
        let home = env::var_os("RUSTUP_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".rustup")));
        let sysroot = home.map(|home| home.join("toolchains").join(toolchain));
        if let Some(sysroot) = sysroot.filter(|folder| folder.join("lib/rustlib").is_dir()) {
            return Ok(sysroot);
        }
    }
    let mut words = cargo.to_vec();
    if let Some(last) = words.last_mut() {
        *last = "rustc".into();
    }
    let output = Tool::new(&words[0])
        .args(&words[1..])
        .args(["--print", "sysroot"])
        .output()?;
    Ok(PathBuf::from(
        String::from_utf8_lossy(&output.stdout).trim(),
    ))
}

fn has_rust_lld(sysroot: &Path) -> bool {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib"))
        .into_iter()
        .flatten();
    hosts
        .flatten()
        .any(|host| is_program(&host.path().join("bin/rust-lld")))
}

/// Returns the newest `lld-link-NN` on the PATH, the name in Debian and Ubuntu.
fn newest_lld() -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut newest = OLDEST_LLD - 1;
    for folder in env::split_paths(&path).filter(|folder| folder.is_absolute()) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name
                .to_str()
                .and_then(|name| name.strip_prefix("lld-link-"));
            if let Some(Ok(version)) = version.map(str::parse::<u32>) {
                if version > newest && is_program(&entry.path()) {
                    newest = version;
                }
            }
        }
    }
    if newest < OLDEST_LLD {
        None
    } else {
        Some(format!("lld-link-{newest}"))
    }
}
