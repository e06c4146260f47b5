//! Has the linker look where the kit's kernel-mode libraries are.

use std::env;
use std::path::PathBuf;
use winreg::{enums::HKEY_LOCAL_MACHINE, RegKey};

fn kits() -> PathBuf {
    let root = RegKey::predef(HKEY_LOCAL_MACHINE)
        .open_subkey(r"SOFTWARE\Microsoft\Windows Kits\Installed Roots")
        .unwrap();
    let path: String = root.get_value("KitsRoot10").unwrap();
    PathBuf::from(path)
}

fn newest(kits: PathBuf) -> PathBuf {
    let versions = kits.join("lib").read_dir().unwrap();
    versions
        .filter_map(|entry| entry.ok())
        .map(|entry| entry.path())
        .filter(|version| version.join("km").is_dir())
        .max()
        .unwrap()
}

fn main() {
    let folder = match env::var("TARGET").unwrap().split('-').next() {
        Some("x86_64") => "x64",
        _ => "x86",
    };
    let libraries = newest(kits()).join("km").join(folder);
    println!("cargo:rustc-link-search=native={}", libraries.display());
    println!("cargo:rustc-link-lib=static=ntoskrnl");
}
