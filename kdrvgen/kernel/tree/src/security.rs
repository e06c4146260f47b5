//! Who may open an object: access control lists for devices.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr;

use crate::handle::Handle;
use crate::irql::{self, PASSIVE_LEVEL};
use crate::nt::object_attributes::OBJ_KERNEL_HANDLE;
use crate::nt::security::{
    AceHeader, Acl, SecurityDescriptor, ACCESS_ALLOWED_ACE_TYPE, ACL_REVISION,
    SECURITY_DESCRIPTOR_REVISION, SE_DACL_PRESENT, SE_DACL_PROTECTED, SE_SELF_RELATIVE,
};
use crate::nt::{NtError, NtStatus};

/// Who may open a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Members of the group Administrators, in an elevated process, and the account SYSTEM.
    ///
    /// In the security descriptor definition language: `D:P(A;;FA;;;SY)(A;;FA;;;BA)`.
    #[default]
    AdministratorsAndSystem,
    /// Every program that does not run in a sandbox, for reading and writing.
    ///
    /// Choose it only if the driver checks every request as an attack: a driver runs with all rights.
    /// `D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFW;;;WD)`.
    Everyone,
}

impl Access {
    /// Returns the static self-relative security descriptor, with its list. IRQL: any.
    #[must_use]
    pub fn descriptor(self) -> *const SecurityDescriptor {
        // Pointers to the whole: the list is behind the head.
        match self {
            Self::AdministratorsAndSystem => (&raw const TRUSTED).cast(),
            Self::Everyone => (&raw const EVERYONE).cast(),
        }
    }
}

/// Replaces the access control list of a kernel object.
///
/// IRQL: `PASSIVE_LEVEL`.
///
/// # Errors
///
/// The status of the kernel's functions.
///
/// # Safety
///
/// `object` is an object of the kernel's object manager, and exists during the call.
pub unsafe fn set_access(object: *mut c_void, access: Access) -> Result<(), NtError> {
    irql::assert_at_most(PASSIVE_LEVEL);
    let mut handle = ptr::null_mut();
    // SAFETY: the caller's contract. A kernel handle is not accessible to programs.
    unsafe {
        ObOpenObjectByPointer(
            object,
            OBJ_KERNEL_HANDLE,
            ptr::null_mut(),
            WRITE_DAC,
            ptr::null_mut(),
            KERNEL_MODE,
            &raw mut handle,
        )
    }
    .check()?;
    // SAFETY: the handle is open, and is a kernel handle.
    let handle = unsafe { Handle::from_raw(handle) };
    let descriptor = access.descriptor();
    // SAFETY: the handle is open, and the descriptor is static.
    unsafe { ZwSetSecurityObject(handle.as_raw(), DACL_SECURITY_INFORMATION, descriptor) }.check()
}

const WRITE_DAC: u32 = 0x4_0000;
const KERNEL_MODE: i8 = 0;
const DACL_SECURITY_INFORMATION: u32 = 4;

/// `FILE_ALL_ACCESS`.
const FILE_ALL_ACCESS: u32 = 0x1F_01FF;
/// `FILE_GENERIC_READ | FILE_GENERIC_WRITE`.
const FILE_READ_AND_WRITE: u32 = 0x12_019F;

/// A self-relative security descriptor with an access control list and nothing else.
#[repr(C)]
struct Descriptor<E> {
    head: SecurityDescriptor,
    acl: Acl,
    entries: E,
}

#[repr(C)]
struct TrustedEntries {
    system: AllowedAce<1>,
    administrators: AllowedAce<2>,
}

#[repr(C)]
struct EveryoneEntries {
    trusted: TrustedEntries,
    everyone: AllowedAce<1>,
}

/// `ACCESS_ALLOWED_ACE` with its SID of `N` subauthorities.
#[repr(C)]
struct AllowedAce<const N: usize> {
    header: AceHeader,
    mask: u32,
    sid: Sid<N>,
}

/// `SID`.
#[repr(C)]
struct Sid<const N: usize> {
    revision: u8,
    count: u8,
    authority: [u8; 6],
    subauthorities: [u32; N],
}

/// `SECURITY_WORLD_SID_AUTHORITY`.
const WORLD: [u8; 6] = [0, 0, 0, 0, 0, 1];
/// `SECURITY_NT_AUTHORITY`.
const NT: [u8; 6] = [0, 0, 0, 0, 0, 5];

const TRUSTED_ENTRIES: TrustedEntries = TrustedEntries {
    system: AllowedAce::new(FILE_ALL_ACCESS, NT, [18]),
    administrators: AllowedAce::new(FILE_ALL_ACCESS, NT, [32, 544]),
};
static TRUSTED: Descriptor<TrustedEntries> = Descriptor::new(2, TRUSTED_ENTRIES);
static EVERYONE: Descriptor<EveryoneEntries> = Descriptor::new(
    3,
    EveryoneEntries {
        trusted: TRUSTED_ENTRIES,
        everyone: AllowedAce::new(FILE_READ_AND_WRITE, WORLD, [0]),
    },
);

#[allow(clippy::cast_possible_truncation)] // some ten bytes
impl<E> Descriptor<E> {
    const fn new(count: u16, entries: E) -> Self {
        Self {
            head: SecurityDescriptor {
                revision: SECURITY_DESCRIPTOR_REVISION,
                sbz1: 0,
                control: SE_DACL_PRESENT | SE_DACL_PROTECTED | SE_SELF_RELATIVE,
                owner: 0,
                group: 0,
                sacl: 0,
                dacl: size_of::<SecurityDescriptor>() as u32,
            },
            acl: Acl {
                acl_revision: ACL_REVISION,
                sbz1: 0,
                acl_size: (size_of::<Acl>() + size_of::<E>()) as u16,
                ace_count: count,
                sbz2: 0,
            },
            entries,
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // some ten bytes
impl<const N: usize> AllowedAce<N> {
    const fn new(mask: u32, authority: [u8; 6], subauthorities: [u32; N]) -> Self {
        Self {
            header: AceHeader {
                ace_type: ACCESS_ALLOWED_ACE_TYPE,
                ace_flags: 0,
                ace_size: size_of::<Self>() as u16,
            },
            mask,
            sid: Sid {
                revision: 1,
                count: N as u8,
                authority,
                subauthorities,
            },
        }
    }
}

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ObOpenObjectByPointer(
            object: *mut c_void,
            attributes: u32,
            access_state: *mut c_void,
            access: u32,
            object_type: *mut c_void,
            mode: i8,
            handle: *mut *mut c_void,
        ) -> NtStatus;
        fn ZwSetSecurityObject(
            handle: *mut c_void,
            information: u32,
            descriptor: *const SecurityDescriptor,
        ) -> NtStatus;
    }
}
