//! Installs and removes the driver package, through SetupAPI and the service manager.
//!
//! Source: "Device Installation Functions" and "SetupAPI", Microsoft Learn.

use std::ffi::c_void;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::ptr;

use crate::api::{SetupCopyOEMInfW, SetupUninstallOEMInfW};
use crate::device::{self, Refused, UpdateDriver};
use crate::failure::{Failure, Result};
use crate::inf::Inf;
use crate::output;
use crate::package;
use crate::service::manager::Service;
use crate::service::{begin, delete, end};
use crate::settings::Settings;
use crate::system::{last_error, wide};
use crate::win32::*;

const SPOST_PATH: u32 = 1;
const SUOI_FORCEDELETE: u32 = 1;
const ERROR_NO_SUCH_DEVINST: u32 = 0xE000_020B;
/// A silent installation of the section `DefaultInstall`, without a restart.
const SILENTLY: &str = "DefaultInstall 128 ";

type DiInstallDriver = unsafe extern "system" fn(*mut c_void, *const u16, u32, *mut i32) -> i32;

/// What the INF of the package installs.
struct Package {
    folder: PathBuf,
    /// The name of the image, in lower case.
    image: String,
    path: PathBuf,
    inf: Inf,
}

impl Package {
    fn read(settings: &Settings) -> Result<Package> {
        let folder = package::folder(settings);
        let image = settings.path.file_name().unwrap_or_default();
        let path = folder.join(image).with_extension("inf");
        if !path.is_file() {
            return Err(
                Failure::new(format!("there is no package in {}", folder.display()))
                    .because("Its INF names the device and the service.")
                    .help("to make it: cargo make package"),
            );
        }
        Ok(Package {
            inf: Inf::parse(&output::read(&path)?),
            image: image.to_string_lossy().to_lowercase(),
            folder,
            path,
        })
    }

    /// The service that loads the image; None for a UMDF driver.
    fn service(&self) -> Option<String> {
        self.inf.services().into_iter().next()
    }

    /// Opens the service, if its image is that of this package.
    fn open_service(&self) -> Result<Option<Service>> {
        let name = match self.service() {
            Some(name) => name,
            None => return Ok(None),
        };
        let service = match Service::open(&name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS)? {
            Some(service) => service,
            None => return Ok(None),
        };
        let config = service.config()?;
        let image = config.image(&name);
        let file = image.file_name().unwrap_or_default().to_string_lossy();
        if file.to_lowercase() == self.image {
            return Ok(Some(service));
        }
        Err(Failure::new(format!(
            "the service {name} belongs to {}, not to this package",
            config.path
        ))
        .help("choose another name with deploy.service")
        .help(format!(
            "or, to delete that service: sc.exe delete \"{name}\""
        )))
    }
}

const LOG: &str = r"the log of the installation: C:\Windows\INF\setupapi.dev.log";

fn failure(refused: Refused) -> Failure {
    let (action, code) = refused;
    let failure = Failure::windows(action, code);
    match code {
        ERROR_ACCESS_DENIED => failure.help(
            "open a terminal with \"Run as administrator\", and run cargo make there",
        ),
        // ERROR_IN_WOW64
        0xE000_0235 => failure.help(
            "a 32-bit program cannot install drivers on 64-bit Windows: use the Rust toolchain for \
             the architecture of this Windows",
        ),
        // ERROR_AUTHENTICODE_TRUSTED_PUBLISHER, …_TRUST_NOT_ESTABLISHED, …_PUBLISHER_NOT_TRUSTED;
        // CERT_E_UNTRUSTEDROOT; ERROR_REQUIRES_INTERACTIVE_WINDOWSTATION, because Windows asks
        0xE000_0241..=0xE000_0243 | CERT_E_UNTRUSTEDROOT | 1459 => failure.help(
            "Windows does not trust the signature of the catalog. To trust the test certificate on \
             this machine: signing.machine-store = true, then cargo make trust-certificate",
        ),
        // ERROR_BAD_SERVICE_INSTALLSECT
        0xE000_0217 => failure.help("correct the section of the service in the INF").help(LOG),
        // ERROR_NO_COMPAT_DRIVERS
        0xE000_0228 => failure.help("the INF installs on no device of this Windows"),
        577 => failure.help("to use a test certificate: bcdedit /set testsigning on, and restart"),
        _ => failure.help(LOG),
    }
}

/// A hardware ID as SetupAPI takes it: a list, which a second zero ends.
fn list_of(id: &str) -> Vec<u16> {
    let mut ids = wide(id);
    ids.push(0);
    ids
}

fn is_of_software(id: &str) -> bool {
    id.to_lowercase().starts_with("root\\")
}

pub fn install(settings: &Settings) -> Result<()> {
    let package = Package::read(settings)?;
    let ids = package.inf.hardware_ids();
    let must_restart = if ids.is_empty() {
        install_without_device(&package)?
    } else {
        install_on_devices(&package, &ids)?
    };
    let path = package.path.display();
    match must_restart {
        None => println!(
            "install-package: {path}: no device is present: Windows installs the driver when one \
             appears"
        ),
        Some(true) => println!("install-package: {path}: Windows must restart to complete it"),
        Some(false) => {
            let state = package.open_service()?;
            let state = state.map(|service| service.wait_for(SERVICE_RUNNING));
            match (package.service(), state.transpose()?) {
                (Some(name), Some(SERVICE_RUNNING)) => {
                    println!("install-package: {name} is RUNNING: {path}");
                }
                (Some(name), state) => {
                    return Err(Failure::new(format!(
                        "{name} does not run after the installation: its state is {}, not \
                         {SERVICE_RUNNING}",
                        state.unwrap_or(0)
                    ))
                    .because("The package is installed.")
                    .help("the device manager shows why a device does not start")
                    .help("to remove it: cargo make uninstall-package"))
                }
                (None, _) => println!("install-package: {path}"),
            }
        }
    }
    Ok(())
}

/// Creates the device, if software makes it and it does not exist, and installs the driver on all
/// devices. Returns whether Windows must restart; None without a device.
fn install_on_devices(package: &Package, ids: &[String]) -> Result<Option<bool>> {
    let inf = wide(&package.path);
    let update = update_driver()?;
    let first = list_of(&ids[0]);
    // SAFETY: all texts end with a zero.
    unsafe {
        if is_of_software(&ids[0]) && device::count(first.as_ptr()).map_err(failure)? == 0 {
            device::create(inf.as_ptr(), &first).map_err(failure)?;
        }
    }
    let mut outcome = None;
    for id in ids {
        let id = wide(id);
        // SAFETY: both texts end with a zero.
        match unsafe { device::update(inf.as_ptr(), id.as_ptr(), update) } {
            Ok(must_restart) => outcome = Some(must_restart || outcome == Some(true)),
            Err((_, ERROR_NO_SUCH_DEVINST)) => {}
            Err(refused) => {
                if is_of_software(&ids[0]) {
                    // SAFETY: the text ends with a zero.
                    let _ = unsafe { device::remove(first.as_ptr()) };
                }
                return Err(failure(refused));
            }
        }
    }
    if outcome.is_none() {
        let folder = wide(&package.folder);
        // SAFETY: both texts end with a zero, and null means no value.
        let is_copied = unsafe {
            SetupCopyOEMInfW(
                inf.as_ptr(),
                folder.as_ptr(),
                SPOST_PATH,
                0,
                ptr::null_mut(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if is_copied == 0 {
            return Err(failure(("add the package to Windows", last_error())));
        }
    }
    Ok(outcome)
}

/// Installs a package without a device, and starts its service.
fn install_without_device(package: &Package) -> Result<Option<bool>> {
    if let Some(service) = package.open_service()? {
        end("install-package", service)?; // a loaded image cannot be replaced
    }
    let inf = wide(&package.path);
    let mut must_restart = 0;
    // SAFETY: this is the type of the function (Microsoft Learn, newdev.h), and the path ends with
    // a zero.
    let is_installed = unsafe {
        let install: DiInstallDriver = mem::transmute(newdev(b"DiInstallDriverW\0")?);
        install(ptr::null_mut(), inf.as_ptr(), 0, &mut must_restart)
    };
    let code = last_error();
    let name = package.service();
    let exists = match &name {
        Some(name) => Service::open(name, SERVICE_QUERY_STATUS)?.is_some(),
        None => false,
    };
    if is_installed == 0 {
        return Err(failure(("install the package", code)));
    }
    if !exists {
        // Windows before 10 version 1903, and Wine, install such a package only like this.
        let mut line = SILENTLY.to_owned();
        line.push_str(&package.path.display().to_string());
        let line = wide(line);
        // SAFETY: the text ends with a zero, and there is no window.
        unsafe {
            crate::api::InstallHinfSectionW(ptr::null_mut(), ptr::null_mut(), line.as_ptr(), 0);
        }
    }
    if let Some(name) = name {
        begin(&name)?;
    }
    Ok(Some(must_restart != 0))
}

/// Removes the devices that software made, the service and the installed copies of the package.
pub fn uninstall(settings: &Settings) -> Result<()> {
    let package = Package::read(settings)?;
    let ids = package.inf.hardware_ids();
    let mut is_done = false;
    let mut must_restart = false;
    for id in ids.iter().filter(|id| is_of_software(id)) {
        let text = wide(id);
        // SAFETY: the text ends with a zero.
        let removed = unsafe { device::remove(text.as_ptr()) }.map_err(failure)?;
        if removed.count > 0 {
            println!("uninstall-package: removed the device {id}");
            is_done = true;
        }
        must_restart |= removed.must_restart;
    }
    // The service of other devices is still in use.
    if ids.iter().all(|id| is_of_software(id)) {
        if let Some(service) = package.open_service()? {
            let name = service.name.clone();
            if !must_restart {
                end("uninstall-package", service)?;
            }
            delete(&name)?;
            println!("uninstall-package: removed the service {name}");
            is_done = true;
        }
    }
    for name in installed(&package.inf, &package.path) {
        let text = wide(&name);
        // SAFETY: the text ends with a zero.
        if unsafe { SetupUninstallOEMInfW(text.as_ptr(), SUOI_FORCEDELETE, ptr::null_mut()) } == 0 {
            return Err(failure(("remove the package from Windows", last_error())));
        }
        println!("uninstall-package: removed {name}");
        is_done = true;
    }
    if !is_done {
        println!("uninstall-package: the package is not installed");
    }
    if must_restart {
        println!("uninstall-package: a program uses a device: Windows must restart to complete it");
    }
    Ok(())
}

/// Returns the names of the copies of this package in Windows, which renames them to `oemN.inf`:
/// those with the same provider and catalog.
fn installed(inf: &Inf, path: &Path) -> Vec<String> {
    let windows = PathBuf::from(std::env::var_os("SystemRoot").unwrap_or_default());
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let mut names = Vec::new();
    for entry in fs::read_dir(windows.join("INF"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let lower = name.to_lowercase();
        let is_candidate =
            lower.ends_with(".inf") && (lower.starts_with("oem") || lower == own.to_lowercase());
        let bytes = if is_candidate {
            output::read_regular(&entry.path())
        } else {
            None
        };
        let is_same = bytes.map_or(false, |bytes| {
            let other = Inf::parse(&bytes);
            ["Provider", "CatalogFile"].iter().all(|key| {
                !inf.version(key).is_empty()
                    && other.version(key).to_lowercase() == inf.version(key).to_lowercase()
            })
        });
        if is_same {
            names.push(name);
        }
    }
    names
}

fn update_driver() -> Result<UpdateDriver> {
    // SAFETY: this is the type of the function (Microsoft Learn, newdev.h).
    Ok(unsafe {
        mem::transmute::<*mut c_void, UpdateDriver>(newdev(
            b"UpdateDriverForPlugAndPlayDevicesW\0",
        )?)
    })
}

/// Returns a function of newdev.dll, for which Rust ships no import library. Its name ends with a
/// zero.
fn newdev(name: &'static [u8]) -> Result<*mut c_void> {
    let library = wide("newdev.dll");
    // SAFETY: both names end with a zero. The module stays loaded.
    let function = unsafe {
        let module = LoadLibraryExW(
            library.as_ptr(),
            ptr::null_mut(),
            LOAD_LIBRARY_SEARCH_SYSTEM32,
        );
        if module.is_null() {
            return Err(Failure::windows("load newdev.dll", last_error()));
        }
        GetProcAddress(module, name.as_ptr())
    };
    if function.is_null() {
        return Err(Failure::windows("use newdev.dll", last_error()));
    }
    Ok(function.cast())
}
