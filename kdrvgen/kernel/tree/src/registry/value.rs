//! The values of the registry: their types, and conversions that check them.

use core::mem::size_of;
use core::slice;

use crate::nt::registry::{
    KeyValuePartialInformation, REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD,
    REG_SZ,
};
use crate::nt::status::{
    STATUS_BUFFER_OVERFLOW, STATUS_INVALID_BUFFER_SIZE, STATUS_OBJECT_TYPE_MISMATCH,
};
use crate::nt::NtError;
use crate::shared::Pooled;

/// The bytes of `KEY_VALUE_PARTIAL_INFORMATION` before the data.
pub(super) const HEADER: usize = size_of::<KeyValuePartialInformation>();

/// A value that was read: its type, and its data in non-paged pool. IRQL of dropping it: `DISPATCH_LEVEL`
/// or below.
pub struct Value {
    kind: u32,
    data_length: usize,
    /// The data begins after the header.
    memory: Pooled<[u8]>,
}

impl Value {
    /// Takes over the answer of `ZwQueryValueKey`, which has a header at least.
    ///
    /// # Errors
    ///
    /// `STATUS_BUFFER_OVERFLOW` if the data is longer than the memory behind the header: drivers that
    /// filter the registry can change the answer.
    pub(super) fn new(memory: Pooled<[u8]>) -> Result<Self, NtError> {
        let data_length = data_length(&memory);
        if data_length > memory.len() - HEADER {
            return Err(STATUS_BUFFER_OVERFLOW);
        }
        Ok(Self {
            kind: u32_at(&memory, 4),
            data_length,
            memory,
        })
    }

    /// Returns the type, `REG_…`. IRQL: any.
    #[must_use]
    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// Returns the data, of any type. IRQL: `DISPATCH_LEVEL` or below.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.memory[HEADER..][..self.data_length]
    }

    /// Returns the number of a `REG_DWORD`. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_TYPE_MISMATCH` for another type, `STATUS_INVALID_BUFFER_SIZE` if it has not 4 bytes.
    pub fn dword(&self) -> Result<u32, NtError> {
        self.expect(&[REG_DWORD])?;
        let bytes = self.data().try_into();
        bytes
            .map(u32::from_le_bytes)
            .map_err(|_| STATUS_INVALID_BUFFER_SIZE)
    }

    /// Returns the number of a `REG_QWORD`. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_TYPE_MISMATCH` for another type, `STATUS_INVALID_BUFFER_SIZE` if it has not 8 bytes.
    pub fn qword(&self) -> Result<u64, NtError> {
        self.expect(&[REG_QWORD])?;
        let bytes = self.data().try_into();
        bytes
            .map(u64::from_le_bytes)
            .map_err(|_| STATUS_INVALID_BUFFER_SIZE)
    }

    /// Returns the bytes of a `REG_BINARY`. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_TYPE_MISMATCH` for another type.
    pub fn binary(&self) -> Result<&[u8], NtError> {
        self.expect(&[REG_BINARY])?;
        Ok(self.data())
    }

    /// Returns the text of a `REG_SZ` or `REG_EXPAND_SZ` up to its first NUL, if it has one: programs can
    /// write text without it. Variables are not expanded. IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_TYPE_MISMATCH` for another type, `STATUS_INVALID_BUFFER_SIZE` if it has an odd number
    /// of bytes.
    pub fn string(&self) -> Result<&[u16], NtError> {
        self.expect(&[REG_SZ, REG_EXPAND_SZ])?;
        let units = self.units()?;
        Ok(units.split(|unit| *unit == 0).next().unwrap_or(units))
    }

    /// Returns the texts of a `REG_MULTI_SZ`, up to the first empty one, which ends the list.
    ///
    /// IRQL: `DISPATCH_LEVEL` or below.
    ///
    /// # Errors
    ///
    /// `STATUS_OBJECT_TYPE_MISMATCH` for another type, `STATUS_INVALID_BUFFER_SIZE` if it has an odd number
    /// of bytes.
    pub fn strings(&self) -> Result<impl Iterator<Item = &[u16]>, NtError> {
        self.expect(&[REG_MULTI_SZ])?;
        let texts = self.units()?.split(|unit| *unit == 0);
        Ok(texts.take_while(|text| !text.is_empty()))
    }

    fn expect(&self, types: &[u32]) -> Result<(), NtError> {
        if types.contains(&self.kind) {
            Ok(())
        } else {
            Err(STATUS_OBJECT_TYPE_MISMATCH)
        }
    }

    fn units(&self) -> Result<&[u16], NtError> {
        let data = self.data();
        if data.len() % 2 != 0 {
            return Err(STATUS_INVALID_BUFFER_SIZE);
        }
        // SAFETY: the pool aligns memory for pointers, and the header has 12 bytes, so the data is
        // aligned for `u16`. Any bits are valid.
        Ok(unsafe { slice::from_raw_parts(data.as_ptr().cast(), data.len() / 2) })
    }
}

/// Returns the size of the data in bytes, which a header contains.
pub(super) fn data_length(header: &[u8]) -> usize {
    u32_at(header, 8) as usize
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..][..4]);
    u32::from_le_bytes(number)
}
