//! The registry: the settings of the driver.
//!
//! `registry_path` of the start function is the driver's key below `Services`. Its settings are by
//! convention in the key `Parameters` below it:
//!
//! ```text
//! let parameters = Key::open(registry_path)?.open_subkey(&unicode_string!("Parameters"))?;
//! let interval = parameters.query(&unicode_string!("Interval"), 4)?.dword()?;
//! ```
//!
//! Only administrators can write there, but a value can have any type, size and content: so each query
//! has a limit, and each conversion checks the type.
//!
//! All functions require `PASSIVE_LEVEL`, if they do not say otherwise. `RtlQueryRegistryValues` is not
//! here on purpose: without the right flags for each value, it writes more than there is room for.

mod value;

use core::ffi::c_void;
use core::ptr;

use crate::handle::Handle;
use crate::irql::{self, PASSIVE_LEVEL};
use crate::nt::object_attributes::{ObjectAttributes, OBJ_CASE_INSENSITIVE};
use crate::nt::registry::{
    KEY_READ, KEY_VALUE_PARTIAL_INFORMATION, KEY_WRITE, REG_BINARY, REG_DWORD, REG_MULTI_SZ,
    REG_QWORD, REG_SZ,
};
use crate::nt::status::{
    STATUS_ACCESS_DENIED, STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER,
};
use crate::nt::{NtError, NtStatus, UnicodeString};
use crate::shared::Pooled;

use value::HEADER;

pub use value::Value;

/// An open key, which is closed when it is dropped. IRQL of that: `PASSIVE_LEVEL`.
pub struct Key {
    handle: Handle,
    /// The kernel does not check the access of its own handles, so this crate does.
    is_writable: bool,
}

impl Key {
    /// Opens a key for reading, by its full path. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_NAME_NOT_FOUND` if it does not exist.
    pub fn open(path: &UnicodeString<'_>) -> Result<Self, NtError> {
        Self::open_below(ptr::null_mut(), path, KEY_READ)
    }

    /// Opens a key for reading and writing, by its full path. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_NAME_NOT_FOUND` if it does not exist.
    pub fn open_writable(path: &UnicodeString<'_>) -> Result<Self, NtError> {
        Self::open_below(ptr::null_mut(), path, KEY_READ | KEY_WRITE)
    }

    /// Opens a key below this one for reading. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_NAME_NOT_FOUND` if it does not exist.
    pub fn open_subkey(&self, name: &UnicodeString<'_>) -> Result<Self, NtError> {
        Self::open_below(self.handle.as_raw(), name, KEY_READ)
    }

    /// Opens a key below this one for reading and writing, and creates it if it does not exist.
    ///
    /// This key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` if this key is not writable.
    pub fn create_subkey(&self, name: &UnicodeString<'_>) -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let root = self.writable()?;
        let attributes = ObjectAttributes::of_kernel_handle(root, name, OBJ_CASE_INSENSITIVE);
        let mut handle = ptr::null_mut();
        // SAFETY: all pointers are valid during the call.
        unsafe {
            ZwCreateKey(
                &raw mut handle,
                KEY_READ | KEY_WRITE,
                &raw const attributes,
                0,
                ptr::null(),
                REG_OPTION_NON_VOLATILE,
                ptr::null_mut(),
            )
        }
        .check()?;
        Ok(Self {
            // SAFETY: it is a new kernel handle.
            handle: unsafe { Handle::from_raw(handle) },
            is_writable: true,
        })
    }

    fn open_below(
        root: *mut c_void,
        name: &UnicodeString<'_>,
        access: u32,
    ) -> Result<Self, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let attributes = ObjectAttributes::of_kernel_handle(root, name, OBJ_CASE_INSENSITIVE);
        let mut handle = ptr::null_mut();
        // SAFETY: all pointers are valid during the call.
        unsafe { ZwOpenKey(&raw mut handle, access, &raw const attributes) }.check()?;
        Ok(Self {
            // SAFETY: it is a new kernel handle.
            handle: unsafe { Handle::from_raw(handle) },
            is_writable: access & KEY_WRITE == KEY_WRITE,
        })
    }

    /// Returns the handle of a key that was opened for writing.
    fn writable(&self) -> Result<*mut c_void, NtError> {
        if self.is_writable {
            Ok(self.handle.as_raw())
        } else {
            Err(STATUS_ACCESS_DENIED)
        }
    }

    /// Reads a value of at most `limit` bytes. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_NAME_NOT_FOUND` if it does not exist, `STATUS_BUFFER_OVERFLOW` if it is larger.
    pub fn query(&self, name: &UnicodeString<'_>, limit: usize) -> Result<Value, NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        // The size can change between the calls, but the value has to fit into one that is allowed.
        let size = HEADER
            .checked_add(limit)
            .ok_or(STATUS_INVALID_PARAMETER)?
            .min(HEADER.saturating_add(self.data_length(name)?));
        let mut memory = Pooled::zeroed(size)?;
        self.query_into(name, memory.as_mut())?;
        Value::new(memory)
    }

    /// Returns the present size of a value's data in bytes.
    fn data_length(&self, name: &UnicodeString<'_>) -> Result<usize, NtError> {
        let mut header = [0; HEADER];
        match self.query_into(name, &mut header) {
            // A warning: the header fits, and the data does not.
            Ok(()) | Err(STATUS_BUFFER_OVERFLOW | STATUS_BUFFER_TOO_SMALL) => {}
            Err(error) => return Err(error),
        }
        Ok(value::data_length(&header))
    }

    /// Calls `ZwQueryValueKey`.
    fn query_into(&self, name: &UnicodeString<'_>, to: &mut [u8]) -> Result<(), NtError> {
        let mut length = 0;
        let room = u32::try_from(to.len()).map_err(|_| STATUS_INVALID_PARAMETER)?;
        // SAFETY: all pointers are valid during the call, and there is room for that many bytes.
        unsafe {
            ZwQueryValueKey(
                self.handle.as_raw(),
                name,
                KEY_VALUE_PARTIAL_INFORMATION,
                to.as_mut_ptr().cast(),
                room,
                &raw mut length,
            )
        }
        .check()
    }

    /// Writes a `REG_DWORD`. The key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` if the key is not writable.
    pub fn set_dword(&self, name: &UnicodeString<'_>, value: u32) -> Result<(), NtError> {
        self.set(name, REG_DWORD, &value.to_le_bytes())
    }

    /// Writes a `REG_QWORD`. The key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` if the key is not writable.
    pub fn set_qword(&self, name: &UnicodeString<'_>, value: u64) -> Result<(), NtError> {
        self.set(name, REG_QWORD, &value.to_le_bytes())
    }

    /// Writes a `REG_BINARY`. The key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` if the key is not writable.
    pub fn set_binary(&self, name: &UnicodeString<'_>, value: &[u8]) -> Result<(), NtError> {
        self.set(name, REG_BINARY, value)
    }

    /// Writes a `REG_SZ`, with a NUL at its end. The key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` if the key is not writable, `STATUS_INVALID_PARAMETER` if the text contains
    /// a NUL.
    pub fn set_string(&self, name: &UnicodeString<'_>, value: &[u16]) -> Result<(), NtError> {
        self.set_texts(name, REG_SZ, &[value])
    }

    /// Writes a `REG_MULTI_SZ`. The key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_ACCESS_DENIED` if the key is not writable, `STATUS_INVALID_PARAMETER` if a text is empty or
    /// contains a NUL: it would end the list or the text.
    pub fn set_multi_string(
        &self,
        name: &UnicodeString<'_>,
        values: &[&[u16]],
    ) -> Result<(), NtError> {
        if values.iter().any(|text| text.is_empty()) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.set_texts(name, REG_MULTI_SZ, values)
    }

    /// Writes texts with a NUL behind each of them, and one more behind a list.
    fn set_texts(
        &self,
        name: &UnicodeString<'_>,
        value_type: u32,
        texts: &[&[u16]],
    ) -> Result<(), NtError> {
        if texts.iter().any(|text| text.contains(&0)) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let end = usize::from(value_type == REG_MULTI_SZ);
        let size = texts
            .iter()
            .try_fold(end, |units, text| units.checked_add(text.len() + 1))
            .and_then(|units| units.checked_mul(2))
            .ok_or(STATUS_INVALID_PARAMETER)?;
        let mut memory = Pooled::zeroed(size)?;
        let mut rest = memory.as_mut();
        for text in texts {
            for unit in *text {
                let (place, others) = rest.split_at_mut(2);
                place.copy_from_slice(&unit.to_le_bytes());
                rest = others;
            }
            rest = &mut rest[2..];
        }
        self.set(name, value_type, &memory)
    }

    fn set(&self, name: &UnicodeString<'_>, value_type: u32, data: &[u8]) -> Result<(), NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let key = self.writable()?;
        let length = u32::try_from(data.len()).map_err(|_| STATUS_INVALID_PARAMETER)?;
        // SAFETY: all pointers are valid during the call.
        unsafe { ZwSetValueKey(key, name, 0, value_type, data.as_ptr().cast(), length) }.check()
    }

    /// Deletes a value. The key must be writable. IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_NAME_NOT_FOUND` if it does not exist, `STATUS_ACCESS_DENIED` if the key is not
    /// writable.
    pub fn delete(&self, name: &UnicodeString<'_>) -> Result<(), NtError> {
        irql::assert_at_most(PASSIVE_LEVEL);
        let key = self.writable()?;
        // SAFETY: the name is valid during the call.
        unsafe { ZwDeleteValueKey(key, name) }.check()
    }
}

/// `REG_OPTION_NON_VOLATILE`: the key stays when Windows restarts.
const REG_OPTION_NON_VOLATILE: u32 = 0;

crate::import! {
    "ntoskrnl.exe",
    extern "system" {
        fn ZwCreateKey(
            handle: *mut *mut c_void,
            access: u32,
            attributes: *const ObjectAttributes<'_>,
            title_index: u32,
            class: *const UnicodeString<'_>,
            options: u32,
            disposition: *mut u32,
        ) -> NtStatus;
        fn ZwDeleteValueKey(key: *mut c_void, name: *const UnicodeString<'_>) -> NtStatus;
        fn ZwOpenKey(
            handle: *mut *mut c_void,
            access: u32,
            attributes: *const ObjectAttributes<'_>,
        ) -> NtStatus;
        fn ZwQueryValueKey(
            key: *mut c_void,
            name: *const UnicodeString<'_>,
            class: i32,
            information: *mut c_void,
            length: u32,
            result_length: *mut u32,
        ) -> NtStatus;
        fn ZwSetValueKey(
            key: *mut c_void,
            name: *const UnicodeString<'_>,
            title_index: u32,
            value_type: u32,
            data: *const c_void,
            length: u32,
        ) -> NtStatus;
    }
}
