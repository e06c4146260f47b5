//! Creates and removes devices that are made by software, through SetupAPI.
//!
//! Without the standard library, and with the functions of the module `api` of the crate: the
//! program for Windows uses this module, and so does the small one that the task smoke compiles for
//! Wine. Source: "SetupAPI", Microsoft Learn (windows-hardware/drivers/install/setupapi).

use core::cell::Cell;
use core::ffi::c_void;
use core::mem::{size_of, zeroed};
use core::ptr::{null, null_mut};

use crate::api::*;

/// An error of Windows: what could not be done, and the number.
pub type Refused = (&'static str, u32);

/// SP_DEVINFO_DATA
#[repr(C)]
pub struct Device {
    size: u32,
    class: Guid,
    instance: u32,
    reserved: usize,
}

pub type Guid = [u32; 4];

/// SP_REMOVEDEVICE_PARAMS, with the SP_CLASSINSTALL_HEADER at its start.
#[repr(C)]
pub struct RemoveParameters {
    header_size: u32,
    function: u32,
    scope: u32,
    profile: u32,
}

/// SP_DEVINSTALL_PARAMS_W
#[repr(C)]
pub struct InstallParameters {
    size: u32,
    flags: u32,
    more_flags: u32,
    window: usize,
    handler: usize,
    context: usize,
    queue: usize,
    class_reserved: usize,
    reserved: u32,
    path: [u16; MAX_PATH],
}

/// The devices that were removed.
#[allow(dead_code)] // the program for Wine reads neither
pub struct Removed {
    pub count: u32,
    /// Whether Windows removes one of them, which a program uses, when it restarts.
    pub must_restart: bool,
}

/// UpdateDriverForPlugAndPlayDevicesW, of newdev.dll.
pub type UpdateDriver =
    unsafe extern "system" fn(*mut c_void, *const u16, *const u16, u32, *mut i32) -> i32;

const DICD_GENERATE_ID: u32 = 1;
const DIGCF_ALLCLASSES: u32 = 4;
const SPDRP_HARDWAREID: u32 = 1;
const DIF_REMOVE: u32 = 5;
const DIF_REGISTERDEVICE: u32 = 0x19;
const DI_REMOVEDEVICE_GLOBAL: u32 = 1;
const DI_NEEDRESTART: u32 = 0x80;
const DI_NEEDREBOOT: u32 = 0x100;
const INSTALLFLAG_FORCE: u32 = 1;
const MAX_PATH: usize = 260;
/// MAX_CLASS_NAME_LEN
const CLASS_NAME: usize = 32;
/// The units of the longest list of hardware IDs that is read: one ID has up to 200.
const IDS: usize = 1024;

/// A set of devices, which is destroyed when it is dropped.
struct Devices(*mut c_void);

impl Drop for Devices {
    fn drop(&mut self) {
        // SAFETY: the set is open and not used again.
        unsafe { SetupDiDestroyDeviceInfoList(self.0) };
    }
}

fn refused(action: &'static str) -> Refused {
    // SAFETY: the function has no preconditions.
    (action, unsafe { GetLastError() })
}

/// Whether a function failed to return a set or a file.
fn is_invalid(handle: *mut c_void) -> bool {
    handle as isize == -1
}

fn device() -> Device {
    Device {
        size: size_of::<Device>() as u32,
        class: [0; 4],
        instance: 0,
        reserved: 0,
    }
}

/// Registers a device with a hardware ID, of the class of the INF. It has no driver yet.
///
/// # Safety
///
/// `inf` points to a path, and `ids` to a hardware ID, which a second zero follows.
pub unsafe fn create(inf: *const u16, ids: &[u16]) -> Result<(), Refused> {
    let mut class = [0; 4];
    let mut name = [0; CLASS_NAME];
    let size = CLASS_NAME as u32;
    if SetupDiGetINFClassW(inf, &mut class, name.as_mut_ptr(), size, null_mut()) == 0 {
        return Err(refused("read the class in the INF"));
    }
    let set = SetupDiCreateDeviceInfoList(&class, null_mut());
    if is_invalid(set) {
        return Err(refused("create the device"));
    }
    let set = Devices(set);
    let mut new = device();
    let is_created = SetupDiCreateDeviceInfoW(
        set.0,
        name.as_ptr(),
        &class,
        null(),
        null_mut(),
        DICD_GENERATE_ID,
        &mut new,
    );
    let bytes = 2 * ids.len() as u32;
    if is_created == 0
        || SetupDiSetDeviceRegistryPropertyW(
            set.0,
            &mut new,
            SPDRP_HARDWAREID,
            ids.as_ptr().cast(),
            bytes,
        ) == 0
    {
        return Err(refused("create the device"));
    }
    if SetupDiCallClassInstaller(DIF_REGISTERDEVICE, set.0, &mut new) == 0 {
        return Err(refused("register the device"));
    }
    Ok(())
}

/// Installs the driver of an INF on all devices with a hardware ID. Returns whether Windows must
/// restart.
///
/// # Safety
///
/// Both texts end with a zero.
pub unsafe fn update(
    inf: *const u16,
    id: *const u16,
    update: UpdateDriver,
) -> Result<bool, Refused> {
    let mut must_restart = 0;
    if update(null_mut(), id, inf, INSTALLFLAG_FORCE, &mut must_restart) == 0 {
        return Err(refused("install the driver on the device"));
    }
    Ok(must_restart != 0)
}

/// Calls `act` for each device whose first hardware ID is this one, in any case. Returns their
/// number.
///
/// # Safety
///
/// The text ends with a zero.
unsafe fn for_each(
    id: *const u16,
    act: impl Fn(*mut c_void, &mut Device) -> Result<(), Refused>,
) -> Result<u32, Refused> {
    let set = SetupDiGetClassDevsW(null(), null(), null_mut(), DIGCF_ALLCLASSES);
    if is_invalid(set) {
        return Err(refused("list the devices"));
    }
    let set = Devices(set);
    let mut ids = [0_u16; IDS];
    let mut count = 0;
    let mut found = device();
    let mut index = 0;
    while SetupDiEnumDeviceInfo(set.0, index, &mut found) != 0 {
        index += 1;
        let is_read = SetupDiGetDeviceRegistryPropertyW(
            set.0,
            &mut found,
            SPDRP_HARDWAREID,
            null_mut(),
            ids.as_mut_ptr().cast(),
            2 * IDS as u32 - 2, // the last unit stays zero
            null_mut(),
        );
        if is_read != 0 && lstrcmpiW(ids.as_ptr(), id) == 0 {
            act(set.0, &mut found)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Returns the number of devices with a hardware ID.
///
/// # Safety
///
/// The text ends with a zero.
#[allow(dead_code)] // only for Windows
pub unsafe fn count(id: *const u16) -> Result<u32, Refused> {
    for_each(id, |_, _| Ok(()))
}

/// Removes all devices with a hardware ID.
///
/// # Safety
///
/// The text ends with a zero.
pub unsafe fn remove(id: *const u16) -> Result<Removed, Refused> {
    let must_restart = Cell::new(false);
    let count = for_each(id, |set, device| {
        let parameters = RemoveParameters {
            header_size: 2 * size_of::<u32>() as u32,
            function: DIF_REMOVE,
            scope: DI_REMOVEDEVICE_GLOBAL,
            profile: 0,
        };
        let size = size_of::<RemoveParameters>() as u32;
        // SAFETY: the set is open, the device is in it, and the structures contain their sizes.
        unsafe {
            // Wine does not have this function, and removes a device from all hardware profiles.
            SetupDiSetClassInstallParamsW(set, device, &parameters, size);
            if SetupDiCallClassInstaller(DIF_REMOVE, set, device) == 0 {
                return Err(refused("remove the device"));
            }
            let mut after: InstallParameters = zeroed();
            after.size = size_of::<InstallParameters>() as u32;
            let is_read = SetupDiGetDeviceInstallParamsW(set, device, &mut after) != 0;
            if is_read && after.flags & (DI_NEEDRESTART | DI_NEEDREBOOT) != 0 {
                must_restart.set(true);
            }
        }
        Ok(())
    })?;
    Ok(Removed {
        count,
        must_restart: must_restart.get(),
    })
}

#[cfg(test)]
mod tests {
    use super::{size_of, Device, InstallParameters, RemoveParameters};

    /// The sizes in setupapi.h, whose structures have no padding on 32-bit Windows.
    #[test]
    fn structures_have_the_sizes_that_windows_compares() {
        let is_64 = size_of::<usize>() == 8;
        assert_eq!(size_of::<Device>(), if is_64 { 32 } else { 28 });
        assert_eq!(
            size_of::<InstallParameters>(),
            if is_64 { 584 } else { 556 }
        );
        assert_eq!(size_of::<RemoveParameters>(), 16);
    }
}
