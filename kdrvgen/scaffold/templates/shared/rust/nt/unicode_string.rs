//! `UNICODE_STRING`: how the kernel passes text.

use core::char;
use core::fmt::{self, Write};
use core::marker::PhantomData;
use core::slice;

use super::status::{NtStatus, STATUS_NAME_TOO_LONG};

/// `UNICODE_STRING`: text in UTF-16 that somebody else owns, counted in bytes, with no NUL at its
/// end.
///
/// `unicode_string!` makes one of a literal, [`UnicodeString::from_units`] one of a slice.
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

// SAFETY: nothing is written through it, as through the `&[u16]` that it stands for.
unsafe impl Send for UnicodeString<'_> {}
// SAFETY: as above.
unsafe impl Sync for UnicodeString<'_> {}

impl<'a> UnicodeString<'a> {
    /// How many UTF-16 units the longest has: its length in bytes is a `u16`.
    pub const MAXIMUM_UNITS: usize = (u16::MAX / 2) as usize;

    /// Borrows UTF-16 text; `wide!` makes it of a literal.
    ///
    /// # Errors
    ///
    /// `STATUS_NAME_TOO_LONG` for more than [`Self::MAXIMUM_UNITS`].
    pub const fn from_units(units: &'a [u16]) -> Result<Self, NtStatus> {
        if units.len() > Self::MAXIMUM_UNITS {
            return Err(STATUS_NAME_TOO_LONG);
        }
        #[allow(clippy::cast_possible_truncation)] // at most 65534
        let length = (units.len() * 2) as u16;
        Ok(Self {
            length,
            maximum_length: length,
            buffer: units.as_ptr().cast_mut(),
            units: PhantomData,
        })
    }

    /// The text.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        // The kernel's empty strings may have no buffer at all.
        if self.buffer.is_null() {
            return &[];
        }
        // SAFETY: `from_units` borrowed this many; the kernel vouches for those that it passes.
        unsafe { slice::from_raw_parts(self.buffer, usize::from(self.length) / 2) }
    }
}

impl fmt::Display for UnicodeString<'_> {
    /// The text; what is no UTF-16 becomes U+FFFD.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        char::decode_utf16(self.units().iter().copied())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .try_for_each(|each| formatter.write_char(each))
    }
}

impl fmt::Debug for UnicodeString<'_> {
    /// The text in quotation marks, escaped as that of a `str` is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        char::decode_utf16(self.units().iter().copied())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .flat_map(char::escape_debug)
            .try_for_each(|each| formatter.write_char(each))?;
        formatter.write_char('"')
    }
}
