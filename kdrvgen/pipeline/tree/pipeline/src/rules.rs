//! Checks that Windows can load a linked image as this driver.

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::image::{Image, NATIVE, WINDOWS_CONSOLE, WINDOWS_GUI};
use crate::map;
use crate::settings::{config_name, Model, Settings};

/// Kernel-mode modules whose names do not end with `.sys` (Microsoft Learn, "Windows kernel-mode
/// components"; API sets of the kernel begin with `ext-ms-win-ntos-`).
const KERNEL_MODULES: &[&str] = &[
    "ntoskrnl.exe",
    "ntkrnlpa.exe",
    "hal.dll",
    "bootvid.dll",
    "ci.dll",
    "kdcom.dll",
    "pshed.dll",
];
const KERNEL_API_SETS: &str = "ext-ms-win-ntos-";

/// Fails for an image that is not this driver, whatever the linker's exit code was.
pub fn check(settings: &Settings, dll: &Path, data: &[u8]) -> Result<()> {
    let failure = |what: String| Failure::new(format!("{}: {what}", dll.display()));
    let unreadable = |what: &str| failure(format!("its {what} cannot be read"));
    let image = Image::parse(data).ok_or_else(|| failure("it is not a PE image".to_owned()))?;
    let machine = match settings.architecture() {
        "x86_64" => 0x8664,
        "i686" => 0x014C,
        "aarch64" => 0xAA64,
        other => {
            return Err(failure(format!(
                "drivers cannot have the architecture `{other}`"
            )))
        }
    };
    if image.machine != machine {
        return Err(failure(format!(
            "it is for machine type {:#06x}, not for {}",
            image.machine, settings.triple
        )));
    }
    check_subsystem(settings, &image).map_err(failure_with_arguments(settings, dll))?;
    if settings.model != Model::Umdf {
        let modules = image.imports().ok_or_else(|| unreadable("import table"))?;
        for module in &modules {
            check_module(module).map_err(|(what, help)| failure(what).help(help))?;
        }
        if image.has_delay_imports() {
            return Err(
                failure("it has delay imports, which the kernel does not resolve".into())
                    .help("remove /DELAYLOAD from linker.args"),
            );
        }
    }
    let exports = image.exports().ok_or_else(|| unreadable("export table"))?;
    let entry = exports
        .iter()
        .find(|(name, _)| is_named(name, &settings.entry_point, settings.architecture()));
    let (_, entry) = entry.ok_or_else(|| {
        failure(format!("it does not export {}", settings.entry_point))
            .because("driver.entry-point is the function that Windows or the framework calls.")
            .help(format!(
                "declare it as #[no_mangle] pub extern \"system\" fn {}, or change driver.entry-point in {}",
                settings.entry_point,
                config_name()
            ))
    })?;
    match settings.model {
        Model::Umdf => Ok(()), // the host process calls the exports of the framework
        Model::Kmdf => check_framework_entry(dll, &image),
        Model::Wdm if image.entry == *entry => Ok(()),
        Model::Wdm => {
            let actual = exports.iter().find(|(_, address)| *address == image.entry);
            let actual = actual.map_or("another function", |(name, _)| name);
            Err(failure(format!(
                "its entry point is {actual}, not {}",
                settings.entry_point
            ))
            .because("The last /ENTRY wins, and the build script of a dependency can pass one (cargo issue 9562).")
            .help("to see the linker arguments: cargo rustc -- --print link-args"))
        }
    }
}

fn check_subsystem(settings: &Settings, image: &Image<'_>) -> std::result::Result<(), String> {
    let is_right = match settings.model {
        Model::Umdf => [WINDOWS_GUI, WINDOWS_CONSOLE].contains(&image.subsystem),
        Model::Wdm | Model::Kmdf => image.subsystem == NATIVE,
    };
    if is_right {
        return Ok(());
    }
    let expected = if settings.model == Model::Umdf {
        "2 (Windows)"
    } else {
        "1 (native)"
    };
    Err(format!(
        "its subsystem is {}, not {expected}",
        image.subsystem
    ))
}

fn failure_with_arguments<'a>(
    settings: &'a Settings,
    dll: &'a Path,
) -> impl Fn(String) -> Failure + 'a {
    move |what| {
        Failure::new(format!("{}: {what}", dll.display()))
            .because("The linker did not get the arguments that make the image a driver.")
            .help(format!(
                "find what replaces or overrides them: linker.args of {}, RUSTFLAGS, or a \
                 cargo configuration above {}",
                config_name(),
                settings.root.display()
            ))
    }
}

fn check_module(module: &str) -> std::result::Result<(), (String, String)> {
    let name = module.to_ascii_lowercase();
    if name.ends_with(".sys")
        || name.starts_with(KERNEL_API_SETS)
        || KERNEL_MODULES.contains(&name.as_str())
    {
        return Ok(());
    }
    let bare = name.strip_suffix(".dll").unwrap_or(&name);
    if KERNEL_MODULES.contains(&bare) || bare.ends_with(".sys") {
        return Err((
            format!("it imports from `{module}`, which does not exist in Windows"),
            format!(
                "rustc appended .dll to the name: use #[link(name = \"{bare}\", kind = \"raw-dylib\", \
                 modifiers = \"+verbatim\")]"
            ),
        ));
    }
    Err((
        format!("it imports from the user-mode module `{module}`, which the kernel does not load"),
        "use #![no_std] and /NODEFAULTLIB, and call only functions that the kernel exports"
            .to_owned(),
    ))
}

/// Whether an exported name is that of a function. On x86, the name of a stdcall function contains
/// the size of its arguments: `_driver_entry@8`.
fn is_named(export: &str, function: &str, architecture: &str) -> bool {
    if export == function {
        return true;
    }
    if architecture != "i686" {
        return false;
    }
    let name = export.strip_prefix('_').unwrap_or(export);
    match name.split_once('@') {
        Some((name, bytes)) => name == function && bytes.parse::<u32>().is_ok(),
        None => name == function,
    }
}

/// Checks that the entry point of a KMDF driver is the framework's function. It is not exported, so
/// the linker's map file must name it.
fn check_framework_entry(dll: &Path, image: &Image<'_>) -> Result<()> {
    const FRAMEWORK_ENTRY: &str = "FxDriverEntry";
    let (_, map) = map::find(dll, image).ok_or_else(|| {
        Failure::new(format!(
            "{}: the linker wrote no map file for this image",
            dll.display()
        ))
        .because(format!(
            "Only the map file can show that the entry point is {FRAMEWORK_ENTRY}."
        ))
        .help("keep /MAP, without a file name, in the linker arguments")
    })?;
    // On x86, the name has a leading underscore and the size of the arguments.
    let is_framework = |symbol: &String| {
        let symbol = symbol.trim_start_matches('_');
        symbol == FRAMEWORK_ENTRY || symbol.starts_with(&format!("{FRAMEWORK_ENTRY}@"))
    };
    if map.entry_symbols.iter().any(is_framework) {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "{}: its entry point is {}, not {FRAMEWORK_ENTRY}",
            dll.display(),
            map.entry_symbols.first().map_or("unknown", String::as_str)
        ))
        .because("Only the entry point of the framework binds a KMDF driver to KMDF.")
        .help("keep /ENTRY:FxDriverEntry from linker.preset"))
    }
}

#[cfg(test)]
mod tests {
    use super::{check_module, is_named};

    #[test]
    fn names_are_decorated_on_x86_only() {
        assert!(is_named("_driver_entry@8", "driver_entry", "i686"));
        assert!(is_named("driver_entry@8", "driver_entry", "i686"));
        assert!(is_named("driver_entry", "driver_entry", "x86_64"));
        assert!(!is_named("_driver_entry@8", "driver_entry", "x86_64"));
        assert!(!is_named("_driver_entry@x", "driver_entry", "i686"));
        assert!(!is_named("driver_entry2", "driver_entry", "i686"));
    }

    #[test]
    fn user_mode_modules_are_refused() {
        for module in [
            "ntoskrnl.exe",
            "HAL.dll",
            "NDIS.SYS",
            "ext-ms-win-ntos-ksr-l1-1-0.dll",
        ] {
            assert!(check_module(module).is_ok(), "{module}");
        }
        for module in [
            "KERNEL32.dll",
            "ntdll.dll",
            "api-ms-win-core-file-l1-1-0.dll",
            "x.exe",
        ] {
            assert!(check_module(module).is_err(), "{module}");
        }
        let (_, help) = check_module("ntoskrnl.exe.dll").unwrap_err();
        assert!(help.contains("+verbatim"));
    }
}
