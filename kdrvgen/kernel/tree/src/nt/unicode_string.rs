//! `UNICODE_STRING`: text in the kernel's functions.

use core::char;
use core::fmt::{self, Write};
use core::marker::PhantomData;
use core::slice;

use super::status::{NtError, STATUS_NAME_TOO_LONG};

/// `UNICODE_STRING`: borrowed text in UTF-16, with its length in bytes. A NUL at its end is not required.
///
/// [`unicode_string!`](crate::unicode_string!) makes one of a literal,
/// [`UnicodeString::from_units`] one of a slice.
#[repr(C)]
pub struct UnicodeString<'a> {
    length: u16,
    maximum_length: u16,
    buffer: *mut u16,
    units: PhantomData<&'a [u16]>,
}

layout! {
    UnicodeString: 0x10, 0x8 {
        length: 0x0, 0x0;
        maximum_length: 0x2, 0x2;
        buffer: 0x8, 0x4;
    }
}

// SAFETY: it is a `&[u16]` in another form: nothing is written through it.
unsafe impl Send for UnicodeString<'_> {}
// SAFETY: as above.
unsafe impl Sync for UnicodeString<'_> {}

impl<'a> UnicodeString<'a> {
    /// The largest number of UTF-16 units: the length in bytes is a `u16`.
    pub const MAXIMUM_UNITS: usize = (u16::MAX / 2) as usize;

    /// Borrows UTF-16 text; [`wide!`](crate::wide!) makes it of a literal. IRQL: any.
    ///
    /// # Errors
    ///
    /// `STATUS_NAME_TOO_LONG` for more than [`Self::MAXIMUM_UNITS`].
    pub const fn from_units(units: &'a [u16]) -> Result<Self, NtError> {
        Self::with_length(units, units.len())
    }

    /// Borrows UTF-16 text without the NUL at its end, which stays behind the string. IRQL: any.
    ///
    /// # Errors
    ///
    /// `STATUS_NAME_TOO_LONG` for more than [`Self::MAXIMUM_UNITS`], with the NUL.
    ///
    /// # Panics
    ///
    /// If the last unit is not a NUL.
    pub const fn from_terminated(units: &'a [u16]) -> Result<Self, NtError> {
        assert!(matches!(units, [.., 0]), "the text does not end with a NUL");
        Self::with_length(units, units.len() - 1)
    }

    const fn with_length(units: &'a [u16], length: usize) -> Result<Self, NtError> {
        if units.len() > Self::MAXIMUM_UNITS {
            return Err(STATUS_NAME_TOO_LONG);
        }
        #[allow(clippy::cast_possible_truncation)] // both are at most 65534
        let (length, maximum_length) = ((length * 2) as u16, (units.len() * 2) as u16);
        Ok(Self {
            length,
            maximum_length,
            buffer: units.as_ptr().cast_mut(),
            units: PhantomData,
        })
    }

    /// Returns the text. IRQL: that at which its memory is accessible.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        // An empty string of the kernel can have no buffer.
        if self.buffer.is_null() {
            return &[];
        }
        // SAFETY: `with_length` borrowed this many, and the strings that Windows passes are valid.
        unsafe { slice::from_raw_parts(self.buffer, usize::from(self.length) / 2) }
    }
}

impl fmt::Display for UnicodeString<'_> {
    /// Writes the text. U+FFFD replaces units that are not valid UTF-16.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        char::decode_utf16(self.units().iter().copied())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .try_for_each(|each| formatter.write_char(each))
    }
}

impl fmt::Debug for UnicodeString<'_> {
    /// Writes the text in quotation marks, with the escapes of a `str`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        char::decode_utf16(self.units().iter().copied())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .flat_map(char::escape_debug)
            .try_for_each(|each| formatter.write_char(each))?;
        formatter.write_char('"')
    }
}
