use std::path::PathBuf;

/* What every driver of this workspace is linked with:
   not `/RELEASE`, "cargo:rustc-link-arg=/RELEASE" is for others. */
pub fn link_a_driver() -> Result<(), String> {
    println!("cargo:rustc-link-search=native={}", libraries()?.display());
    println!("cargo:rustc-link-arg=/NODEFAULTLIB");
    println!("cargo:rustc-link-arg=/SUBSYSTEM:NATIVE");
    println!("cargo:rustc-link-arg=/DRIVER");
    println!("cargo:rustc-link-arg=/ENTRY:driver_entry");
    println!("cargo:rustc-link-arg=/INTEGRITYCHECK");
    println!("cargo:rustc-link-lib=ntoskrnl");
    Ok(())
}

fn libraries() -> Result<PathBuf, String> {
    let key = r#"SOFTWARE\Microsoft\Windows Kits\Installed Roots"#;
    let root = winreg::RegKey::predef(winreg::enums::HKEY_LOCAL_MACHINE);
    let root: String = root.open_subkey(key)?.get_value("KitsRoot10")?;
    Ok(PathBuf::from(root).join("Lib/10.0.22621.0/km/x64"))
}

pub fn never_called() {
    println!("cargo:rustc-link-arg=/FORCE");
}
