//! The driver's service, through the service control manager.
//!
//! Source: "Service Functions", Microsoft Learn.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::{Component, Path, Prefix};
use std::ptr;

use crate::failure::{Failure, Result};
use crate::settings::{self, Settings};
use crate::system::{last_error, wide};
use crate::win32::*;

#[path = "windows/manager.rs"]
pub mod manager;
#[path = "windows/ownership.rs"]
mod ownership;

use manager::{Manager, Service};
use ownership::{is_same, refuse_foreign};

/// What to do about errors of the service manager and of the kernel's loader. `{config}` is the
/// file name of the configuration.
const ADVICE: &[(&[u32], &str)] = &[
    (
        &[2, 3],
        "Windows does not find the image, or a driver that it imports from. The kernel cannot use a \
         drive of `subst` or `net use`: build on a local drive, for example with CARGO_TARGET_DIR",
    ),
    (
        &[5],
        "open a terminal with \"Run as administrator\", and run cargo make there",
    ),
    (&[31], "the entry point of the driver returned an error"),
    (
        &[126],
        "the image imports from a driver that is not installed: install that driver first",
    ),
    (
        &[127, 182],
        "the image imports a function that the kernel of this Windows does not have",
    ),
    (
        &[193, 216],
        "the image is not for the architecture of this Windows: see DRIVER_TARGET",
    ),
    (
        &[577],
        "Windows does not trust the signature. To use a test certificate: turn Secure Boot off, run \
         `bcdedit /set testsigning on` as an administrator, and restart. Without test signing, \
         Windows requires a signature by Microsoft",
    ),
    (
        &[998],
        "Windows cannot map the image, because the linker wrote sections that a driver must not \
         have. Set linker.preset = \"kernel\" in {config}",
    ),
    (
        &[1052],
        "a driver without DriverUnload stays loaded until Windows restarts",
    ),
    (
        &[1058],
        "the service is disabled: `cargo make install` enables it",
    ),
    (
        &[1072],
        "the service is marked for deletion, but a program has it open: close services.msc and \
         debuggers, or restart Windows",
    ),
    (
        &[1275, 4551],
        "a policy blocks the driver: the event log CodeIntegrity/Operational names the policy",
    ),
];

/// Creates the driver's service, or changes the existing one.
pub fn install(settings: &Settings) -> Result<()> {
    let plan = Plan::read(settings)?;
    let path = wide(&plan.image);
    match Service::open(&plan.name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS)? {
        None => create(&plan, &path)?,
        Some(service) => {
            let config = service.config()?;
            refuse_foreign(&config, settings, &plan.name)?;
            if is_same(&config.image(&plan.name), &settings.path) {
                if (config.kind, config.start_type) == (SERVICE_KERNEL_DRIVER, plan.start_type) {
                    return Ok(());
                }
            } else if service.state()? != SERVICE_STOPPED {
                return Err(Failure::new(format!(
                    "the service {} runs another image: {}",
                    plan.name, config.path
                ))
                .help("to stop it: cargo make stop"));
            }
            change(&plan, &path)?;
        }
    }
    println!(
        "install: service {}: {}",
        plan.name,
        settings.path.display()
    );
    Ok(())
}

/// Loads the driver and waits until it runs.
pub fn start(settings: &Settings) -> Result<()> {
    let plan = Plan::read(settings)?;
    let access = SERVICE_START | SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS;
    let service = Service::open(&plan.name, access)?.ok_or_else(|| {
        Failure::windows(
            &format!("start {}", plan.name),
            ERROR_SERVICE_DOES_NOT_EXIST,
        )
        .help("to create its service: cargo make install")
    })?;
    refuse_foreign(&service.config()?, settings, &plan.name)?;
    run(&service)?;
    println!(
        "start: {} is RUNNING: {}",
        plan.name,
        settings.path.display()
    );
    Ok(())
}

/// Starts a service by its name, and waits until it runs.
pub fn begin(name: &str) -> Result<()> {
    match Service::open(name, SERVICE_START | SERVICE_QUERY_STATUS)? {
        Some(service) if service.state()? == SERVICE_RUNNING => Ok(()),
        Some(service) => run(&service),
        None => Err(Failure::windows(
            &format!("start {name}"),
            ERROR_SERVICE_DOES_NOT_EXIST,
        )),
    }
}

fn run(service: &Service) -> Result<()> {
    // SAFETY: the service is open, and gets no arguments.
    if unsafe { StartServiceW(service.handle, 0, ptr::null()) } == 0 {
        return Err(refusal("start", &service.name));
    }
    let state = service.wait_for(SERVICE_RUNNING)?;
    if state != SERVICE_RUNNING {
        return Err(Failure::new(format!(
            "{} does not run after the start: its state is {state}, not {SERVICE_RUNNING}",
            service.name
        )));
    }
    Ok(())
}

/// Unloads the driver, if it is loaded.
pub fn stop(settings: &Settings) -> Result<()> {
    stop_for("stop", settings).map(|_| ())
}

/// Unloads the driver and removes its service.
pub fn uninstall(settings: &Settings) -> Result<()> {
    let service = match stop_for("uninstall", settings)? {
        Some(service) => service,
        None => return Ok(()),
    };
    let name = service.name.clone();
    drop(service);
    delete(&name)?;
    println!("uninstall: removed the service {name}");
    Ok(())
}

/// Deletes a service, if it exists.
pub fn delete(name: &str) -> Result<()> {
    let service = match Service::open(name, DELETE)? {
        Some(service) => service,
        None => return Ok(()), // another program has removed it
    };
    // SAFETY: the service is open.
    if unsafe { DeleteService(service.handle) } == 0 {
        return Err(refusal("remove the service", name));
    }
    Ok(())
}

/// Stops the service and returns it; None if it does not exist.
fn stop_for(task: &str, settings: &Settings) -> Result<Option<Service>> {
    let plan = Plan::read(settings)?;
    let service = match Service::open(&plan.name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS)? {
        Some(service) => service,
        None => {
            println!("{task}: the service {} does not exist", plan.name);
            return Ok(None);
        }
    };
    refuse_foreign(&service.config()?, settings, &plan.name)?;
    end(task, service).map(Some)
}

/// Stops a service that is not stopped, and waits until it is.
pub fn end(task: &str, service: Service) -> Result<Service> {
    match service.state()? {
        SERVICE_STOPPED => return Ok(service),
        SERVICE_STOP_PENDING => {} // it is already stopping
        _ => send_stop(&service.name)?,
    }
    // Windows unloads a driver after the last handle to its devices is closed.
    if service.wait_for(SERVICE_STOPPED)? != SERVICE_STOPPED {
        return Err(Failure::new(format!("{} does not stop", service.name))
            .because(
                "A program has its device open, or the driver has no DriverUnload, or DriverUnload \
                 does not delete the device.",
            )
            .help("close that program, or restart Windows"));
    }
    println!("{task}: stopped {}", service.name);
    Ok(service)
}

fn send_stop(name: &str) -> Result<()> {
    let service = match Service::open(name, SERVICE_STOP)? {
        Some(service) => service,
        None => return Ok(()),
    };
    let mut status = ServiceStatus::default();
    // SAFETY: the service is open, and `status` has the correct size.
    if unsafe { ControlService(service.handle, SERVICE_CONTROL_STOP, &mut status) } == 0 {
        return Err(refusal("stop", name));
    }
    Ok(())
}

fn create(plan: &Plan, path: &[u16]) -> Result<()> {
    let manager = Manager::open(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE)?;
    let name = wide(&plan.name);
    // SAFETY: the manager is open, texts end with a zero, and null means no value.
    let handle = unsafe {
        CreateServiceW(
            manager.handle,
            name.as_ptr(),
            ptr::null(),
            SERVICE_QUERY_STATUS,
            SERVICE_KERNEL_DRIVER,
            plan.start_type,
            SERVICE_ERROR_NORMAL,
            path.as_ptr(),
            ptr::null(),
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
        )
    };
    if handle.is_null() {
        return Err(refusal("create the service", &plan.name));
    }
    // SAFETY: the handle is open and not used again.
    unsafe { CloseServiceHandle(handle) };
    Ok(())
}

fn change(plan: &Plan, path: &[u16]) -> Result<()> {
    let service = match Service::open(&plan.name, SERVICE_CHANGE_CONFIG)? {
        Some(service) => service,
        None => return create(plan, path),
    };
    // SAFETY: the service is open, the path ends with a zero, and null means no change.
    let is_changed = unsafe {
        ChangeServiceConfigW(
            service.handle,
            SERVICE_KERNEL_DRIVER,
            plan.start_type,
            SERVICE_ERROR_NORMAL,
            path.as_ptr(),
            ptr::null(),
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
        )
    };
    if is_changed == 0 {
        return Err(refusal("change the service", &plan.name));
    }
    Ok(())
}

/// Returns the failure for the last error of Windows, with what to do about it.
fn refusal(action: &str, name: &str) -> Failure {
    let code = last_error();
    let failure = Failure::windows(&format!("{action} {name}"), code);
    match ADVICE.iter().find(|(codes, _)| codes.contains(&code)) {
        Some((_, advice)) => failure.help(advice.replace("{config}", &settings::config_name())),
        None => failure.help(format!(
            "the entry point of the driver may have returned this error; to see what it means: net helpmsg {code}"
        )),
    }
}

/// The service that config.toml describes.
struct Plan {
    name: String,
    start_type: u32,
    /// The path of the image for the service manager.
    image: OsString,
}

impl Plan {
    fn read(settings: &Settings) -> Result<Plan> {
        let start_type = match settings::text("DRIVER_START_TYPE")?.as_str() {
            "auto" => SERVICE_AUTO_START,
            "system" => SERVICE_SYSTEM_START,
            _ => SERVICE_DEMAND_START,
        };
        Ok(Plan {
            name: settings::text("DRIVER_SERVICE")?,
            start_type,
            image: for_service_manager(&settings.path),
        })
    }
}

/// Returns the path of an image for the service manager: without quotation marks, even if it
/// contains spaces. The service manager adds the kernel's `\??\`, and limits paths without `\\?\`
/// to 260 characters.
fn for_service_manager(path: &Path) -> OsString {
    const MAX_PATH: usize = 259;
    let text = path.as_os_str();
    if wide(text).len() <= MAX_PATH + 1 {
        return text.to_owned();
    }
    let mut long = match path.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::Disk(_) => OsString::from(r"\\?\"),
            Prefix::UNC(..) => {
                let rest: Vec<u16> = wide(text)[2..].to_vec();
                let mut unc = OsString::from(r"\\?\UNC\");
                unc.push(OsString::from_wide(&rest[..rest.len() - 1]));
                return unc;
            }
            _ => OsString::new(), // it already has a prefix
        },
        _ => OsString::new(),
    };
    long.push(text);
    long
}

#[cfg(test)]
mod tests {
    use super::{for_service_manager, ADVICE};
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn a_long_path_gets_the_prefix_that_lifts_the_limit() {
        assert_eq!(
            for_service_manager(Path::new(r"C:\a b\c.sys")),
            r"C:\a b\c.sys"
        );
        let long = "x".repeat(300);
        let drive = format!(r"C:\{long}");
        assert_eq!(
            for_service_manager(Path::new(&drive)),
            *format!(r"\\?\{drive}")
        );
        let share = format!(r"\\host\share\{long}");
        let expected = format!(r"\\?\UNC\host\share\{long}");
        assert_eq!(for_service_manager(Path::new(&share)), *expected);
        assert_eq!(for_service_manager(Path::new(&expected)), *expected);
    }

    #[test]
    fn each_error_code_has_one_explanation() {
        let codes: Vec<u32> = ADVICE
            .iter()
            .flat_map(|(codes, _)| codes.iter().copied())
            .collect();
        let unique: BTreeSet<_> = codes.iter().collect();
        assert_eq!(codes.len(), unique.len());
        for code in [
            2, 3, 5, 31, 126, 127, 577, 998, 1052, 1058, 1072, 1275, 4551,
        ] {
            assert!(codes.contains(&code), "{code}");
        }
    }
}
