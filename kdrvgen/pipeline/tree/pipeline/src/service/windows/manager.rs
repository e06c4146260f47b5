//! The service control manager, its services, and their configuration.

use std::ffi::c_void;
use std::mem;
use std::path::PathBuf;
use std::ptr;
use std::thread;
use std::time::Duration;

use super::refusal;
use crate::failure::Result;
use crate::interrupt;
use crate::system::{last_error, wide};
use crate::win32::*;

/// The longest time for a driver to start or to stop.
const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

pub struct Manager {
    pub handle: *mut c_void,
}

impl Manager {
    pub fn open(access: u32) -> Result<Manager> {
        // SAFETY: null means this machine and its only database.
        let handle = unsafe { OpenSCManagerW(ptr::null(), ptr::null(), access) };
        if handle.is_null() {
            return Err(refusal("open", "the service control manager"));
        }
        Ok(Manager { handle })
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseServiceHandle(self.handle) };
    }
}

pub struct Service {
    pub handle: *mut c_void,
    pub name: String,
    _manager: Manager,
}

impl Service {
    /// Opens a service; None if it does not exist.
    pub fn open(name: &str, access: u32) -> Result<Option<Service>> {
        let manager = Manager::open(SC_MANAGER_CONNECT)?;
        let text = wide(name);
        // SAFETY: the manager is open, and the name ends with a zero.
        let handle = unsafe { OpenServiceW(manager.handle, text.as_ptr(), access) };
        if handle.is_null() {
            return match last_error() {
                ERROR_SERVICE_DOES_NOT_EXIST => Ok(None),
                _ => Err(refusal("open the service", name)),
            };
        }
        Ok(Some(Service {
            handle,
            name: name.to_owned(),
            _manager: manager,
        }))
    }

    /// Returns its state: SERVICE_RUNNING or another of these numbers.
    pub fn state(&self) -> Result<u32> {
        let mut status = ServiceStatus::default();
        // SAFETY: the service is open, and `status` has the correct size.
        if unsafe { QueryServiceStatus(self.handle, &mut status) } == 0 {
            return Err(refusal("read the state of", &self.name));
        }
        Ok(status.state)
    }

    /// Waits for a state, but not longer than the timeout. Returns the last state.
    pub fn wait_for(&self, expected: u32) -> Result<u32> {
        let mut attempts_left = TIMEOUT.as_millis() / PAUSE.as_millis();
        loop {
            let state = self.state()?;
            if state == expected || attempts_left == 0 {
                return Ok(state);
            }
            attempts_left -= 1;
            thread::sleep(PAUSE);
            interrupt::check()?;
        }
    }

    pub fn config(&self) -> Result<Config> {
        let mut size = 0;
        // SAFETY: without a buffer, the function returns only the size.
        unsafe { QueryServiceConfigW(self.handle, ptr::null_mut(), 0, &mut size) };
        if last_error() != ERROR_INSUFFICIENT_BUFFER {
            return Err(refusal("read the service", &self.name));
        }
        let mut buffer = vec![0_u64; size as usize / mem::size_of::<u64>() + 1];
        // SAFETY: the buffer has at least that size, and is aligned for the structure. Its texts
        // are in the buffer too, and end with a zero.
        unsafe {
            let config = buffer.as_mut_ptr().cast::<ServiceConfig>();
            if QueryServiceConfigW(self.handle, config, size, &mut size) == 0 {
                return Err(refusal("read the service", &self.name));
            }
            let config = &*config;
            let mut path = String::new();
            if !config.path.is_null() {
                let length = (0..).take_while(|at| *config.path.add(*at) != 0).count();
                let text = std::slice::from_raw_parts(config.path, length);
                path = String::from_utf16_lossy(text);
            }
            Ok(Config {
                kind: config.kind,
                start_type: config.start_type,
                path,
            })
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseServiceHandle(self.handle) };
    }
}

/// The configuration of a service.
pub struct Config {
    pub kind: u32,
    pub start_type: u32,
    /// The path of the image, as in the registry; empty without one.
    pub path: String,
}

impl Config {
    /// Returns the path of the image in the form that programs use.
    pub fn image(&self, name: &str) -> PathBuf {
        let path = self.path.trim_matches('"');
        let windows = || PathBuf::from(std::env::var_os("SystemRoot").unwrap_or_default());
        let lower = path.to_lowercase();
        if path.is_empty() {
            // Windows' default ("CreateServiceW function").
            return windows()
                .join("System32\\drivers")
                .join(format!("{name}.sys"));
        }
        for prefix in [r"\systemroot\", r"%systemroot%\"] {
            if lower.starts_with(prefix) {
                return windows().join(&path[prefix.len()..]);
            }
        }
        // The prefix of the kernel, and that of programs.
        for prefix in [r"\??\", r"\\?\"] {
            if let Some(rest) = path.strip_prefix(prefix) {
                return match rest.get(..4) {
                    Some(unc) if unc.eq_ignore_ascii_case("UNC\\") => {
                        PathBuf::from(format!(r"\\{}", &rest[4..]))
                    }
                    _ => PathBuf::from(rest),
                };
            }
        }
        windows().join(path) // `path` itself, if it has a drive
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use std::path::{Path, PathBuf};

    fn image(path: &str) -> PathBuf {
        Config {
            kind: 1,
            start_type: 3,
            path: path.to_owned(),
        }
        .image("my driver")
    }

    #[test]
    fn every_form_of_an_image_path_is_read() {
        let windows = PathBuf::from(std::env::var_os("SystemRoot").unwrap());
        let own = windows.join("System32\\drivers\\a.sys");
        for path in [
            r"System32\drivers\a.sys",
            r"\SystemRoot\System32\drivers\a.sys",
            r"%SystemRoot%\System32\drivers\a.sys",
        ] {
            assert_eq!(image(path), own, "{path}");
        }
        assert_eq!(image(""), windows.join("System32\\drivers\\my driver.sys"));
        for path in [
            r"C:\a b\c.sys",
            r"\??\C:\a b\c.sys",
            r"\\?\C:\a b\c.sys",
            "\"C:\\a b\\c.sys\"",
        ] {
            assert_eq!(image(path), Path::new(r"C:\a b\c.sys"), "{path}");
        }
        assert_eq!(
            image(r"\??\UNC\host\share\c.sys"),
            Path::new(r"\\host\share\c.sys")
        );
    }
}
