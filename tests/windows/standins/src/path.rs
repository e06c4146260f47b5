//! Paths of Windows as paths of Linux, and back, as Wine itself sees them.

use std::ffi::{c_char, c_void, CStr, CString};
use std::os::windows::ffi::OsStrExt;
use std::path::Path;

#[link(name = "kernel32")]
extern "system" {
    fn GetModuleHandleA(name: *const c_char) -> *mut c_void;
    fn GetProcAddress(module: *mut c_void, name: *const c_char) -> *mut c_void;
    fn GetProcessHeap() -> *mut c_void;
    fn HeapFree(heap: *mut c_void, flags: u32, memory: *mut c_void) -> i32;
}

fn wine(name: &CStr) -> *mut c_void {
    let function =
        unsafe { GetProcAddress(GetModuleHandleA(c"kernel32.dll".as_ptr()), name.as_ptr()) };
    assert!(!function.is_null(), "the stand-ins run in Wine only");
    function
}

/// The file of Linux that a path of Windows names, whether or not it exists.
pub fn to_unix(path: impl AsRef<Path>) -> String {
    type Function = unsafe extern "C" fn(*const u16) -> *mut c_char;
    let function: Function = unsafe { std::mem::transmute(wine(c"wine_get_unix_file_name")) };
    let full = std::path::absolute(path.as_ref()).unwrap_or_else(|_| path.as_ref().to_path_buf());
    // Wine finds what is there, and what would be new in a folder that is.
    for above in full.ancestors() {
        let wide: Vec<u16> = above.as_os_str().encode_wide().chain([0]).collect();
        let found = unsafe { function(wide.as_ptr()) };
        if found.is_null() {
            continue;
        }
        let text = unsafe { CStr::from_ptr(found) };
        let text = tidy(text.to_str().expect("Linux paths are UTF-8"));
        unsafe { HeapFree(GetProcessHeap(), 0, found.cast()) };
        let rest = full
            .strip_prefix(above)
            .expect("it is above")
            .to_string_lossy();
        if rest.is_empty() {
            return text;
        }
        return format!("{}/{}", text.trim_end_matches('/'), rest.replace('\\', "/"));
    }
    panic!("{full:?} is on no drive")
}

/// Resolves the drive's link, so that programs of Linux name the file by its own path.
fn tidy(path: &str) -> String {
    match path.split_once("/dosdevices/") {
        Some((_, rest)) if rest.starts_with("z:/") || rest == "z:" => rest[2..].to_owned(),
        _ => path.to_owned(),
    }
}

/// The same path without the link that a drive is: cargo names a folder by what it is.
pub fn resolve(path: &str) -> String {
    let Some((prefix, rest)) = path.split_once("/dosdevices/") else {
        return path.to_owned();
    };
    let (drive, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let link = format!("{prefix}/dosdevices/{drive}");
    let target = crate::handover::collect("readlink", &["-f", &link]).text();
    format!("{}/{rest}", target.trim_end())
}

/// The path of Windows that names a file of Linux, on the drive whose root is nearest.
pub fn to_windows(path: &str) -> String {
    type Function = unsafe extern "C" fn(*const c_char) -> *mut u16;
    let function: Function = unsafe { std::mem::transmute(wine(c"wine_get_dos_file_name")) };
    let Ok(text) = CString::new(path) else {
        return path.to_owned();
    };
    unsafe {
        let found = function(text.as_ptr());
        if found.is_null() {
            return path.to_owned();
        }
        let length = (0..).take_while(|&at| *found.add(at) != 0).count();
        let wide = std::slice::from_raw_parts(found, length);
        let text = String::from_utf16_lossy(wide);
        HeapFree(GetProcessHeap(), 0, found.cast());
        text
    }
}
