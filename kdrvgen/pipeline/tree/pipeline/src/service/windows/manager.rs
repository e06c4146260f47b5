//! The service control manager, its services, and what it keeps of them.

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

/// How long a driver may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

pub struct Manager {
    pub handle: *mut c_void,
}

impl Manager {
    pub fn open(access: u32) -> Result<Manager> {
        // SAFETY: null stands for this machine and its one database.
        let handle = unsafe { OpenSCManagerW(ptr::null(), ptr::null(), access) };
        if handle.is_null() {
            return Err(refusal("reach", "the service manager"));
        }
        Ok(Manager { handle })
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // SAFETY: the handle is open and used no more.
        unsafe { CloseServiceHandle(self.handle) };
    }
}

pub struct Service {
    pub handle: *mut c_void,
    pub name: String,
    _manager: Manager,
}

impl Service {
    /// Opens a service; None if there is none of that name.
    pub fn open(name: &str, access: u32) -> Result<Option<Service>> {
        let manager = Manager::open(SC_MANAGER_CONNECT)?;
        let text = wide(name);
        // SAFETY: the manager is open, and the name ends in a zero.
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

    /// Its state: one of the numbers SERVICE_….
    pub fn state(&self) -> Result<u32> {
        let mut status = ServiceStatus::default();
        // SAFETY: the service is open, and `status` has its size.
        if unsafe { QueryServiceStatus(self.handle, &mut status) } == 0 {
            return Err(refusal("ask for the state of", &self.name));
        }
        Ok(status.state)
    }

    /// Waits for a state; returns the last one.
    pub fn wait_for(&self, wanted: u32) -> Result<u32> {
        let mut left = PATIENCE.as_millis() / PAUSE.as_millis();
        loop {
            let state = self.state()?;
            if state == wanted || left == 0 {
                return Ok(state);
            }
            left -= 1;
            thread::sleep(PAUSE);
            interrupt::check()?;
        }
    }

    pub fn config(&self) -> Result<Config> {
        let mut size = 0;
        // SAFETY: without a buffer, only the size is asked for.
        unsafe { QueryServiceConfigW(self.handle, ptr::null_mut(), 0, &mut size) };
        if last_error() != ERROR_INSUFFICIENT_BUFFER {
            return Err(refusal("read the service", &self.name));
        }
        let mut buffer = vec![0_u64; size as usize / mem::size_of::<u64>() + 1];
        // SAFETY: the buffer has at least that size, and is aligned for the structure. Its texts lie
        // in it too, and end in a zero.
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
        // SAFETY: the handle is open and used no more.
        unsafe { CloseServiceHandle(self.handle) };
    }
}

/// What Windows has of a service.
pub struct Config {
    pub kind: u32,
    pub start_type: u32,
    /// The image's path as it stands in the registry; empty for none.
    pub path: String,
}

impl Config {
    /// The image, as programs name it.
    pub fn image(&self, name: &str) -> PathBuf {
        let path = self.path.trim_matches('"');
        let windows = || PathBuf::from(std::env::var_os("SystemRoot").unwrap_or_default());
        let lower = path.to_lowercase();
        if path.is_empty() {
            // What Windows takes then ("CreateServiceW function").
            return windows()
                .join("System32\\drivers")
                .join(format!("{name}.sys"));
        }
        for prefix in [r"\systemroot\", r"%systemroot%\"] {
            if lower.starts_with(prefix) {
                return windows().join(&path[prefix.len()..]);
            }
        }
        // The kernel's name of a path, and that of programs.
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
        windows().join(path) // which is the whole path for one with a drive
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
    fn every_spelling_of_an_image_is_understood() {
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
