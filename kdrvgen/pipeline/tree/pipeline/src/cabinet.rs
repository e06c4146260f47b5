//! Reads the headers and the signatures of cabinets.
//!
//! Sources: Microsoft Learn, "Microsoft Cabinet Format", for the headers; cab.c of osslsigncode, for
//! the place of the signature and what it covers, which Microsoft does not document.

use std::path::Path;

use crate::certificate::Identity;
use crate::failure::{Failure, Result};
use crate::output;
use crate::settings::Settings;
use crate::verify;

const MAGIC: &[u8; 4] = b"MSCF";
/// CFHEADER without its optional fields.
const HEADER: usize = 36;
/// CFFOLDER without a reserved field.
const FOLDER: usize = 8;
/// cbCabinet, coffFiles, cFolders and flags.
const SIZE_AT: usize = 8;
const FILES_AT: usize = 16;
const FOLDERS_AT: usize = 26;
const FLAGS_AT: usize = 30;
/// The flag that the header has reserved fields; the others are those of sets of cabinets.
const RESERVED: u16 = 4;
/// The optional fields of a signed cabinet: three sizes, and a reserved field of 20 bytes.
const SIGNED_HEADER: [u8; 4] = [20, 0, 0, 0];
const OPTIONAL: usize = 24;
/// In the reserved field: offset and size of the signature, which follows the cabinet.
const SIGNATURE_AT: usize = 44;
/// The signature covers only the last four bytes of the optional fields.
const COVERED_AT: usize = 56;

/// A cabinet in memory that is not part of a set. Every number in it is checked before it is used.
pub struct Cabinet<'a> {
    data: &'a [u8],
    /// The end of the cabinet, where the signature begins.
    end: usize,
    has_reserve: bool,
}

impl<'a> Cabinet<'a> {
    /// Reads the header; None for anything but a cabinet that is unsigned, or signed as signing
    /// tools do it.
    pub fn parse(data: &'a [u8]) -> Option<Cabinet<'a>> {
        if data.get(..4)? != MAGIC {
            return None;
        }
        let flags = u16_at(data, FLAGS_AT)?;
        let has_reserve = flags == RESERVED;
        let mut end = data.len();
        if has_reserve {
            let offset = u32_at(data, SIGNATURE_AT)? as usize;
            let size = u32_at(data, SIGNATURE_AT + 4)? as usize;
            if data.get(HEADER..HEADER + 4)? != SIGNED_HEADER
                || offset.checked_add(size)? != data.len()
            {
                return None;
            }
            end = offset;
        } else if flags != 0 {
            return None;
        }
        let start = if has_reserve {
            HEADER + OPTIONAL
        } else {
            HEADER
        };
        let folders = FOLDER * u16_at(data, FOLDERS_AT)? as usize;
        if start + folders > end {
            return None;
        }
        Some(Cabinet {
            data,
            end,
            has_reserve,
        })
    }

    /// The signature, with the zeros that pad it; None for an unsigned cabinet.
    pub fn signature(&self) -> Option<&'a [u8]> {
        let signature = &self.data[self.end..];
        Some(signature).filter(|signature| !signature.is_empty())
    }

    /// The bytes that the signature covers: not the fields that are for the tools only, and not the
    /// place of the signature.
    pub fn covered(&self) -> Vec<u8> {
        let rest = if self.has_reserve { COVERED_AT } else { HEADER };
        [
            &self.data[..4],
            &self.data[SIZE_AT..HEADER - 2],
            &self.data[rest..self.end],
        ]
        .concat()
    }

    /// Whether `signed` is this unsigned cabinet with only a signature added.
    pub fn is_signed_as(&self, signed: &Cabinet<'_>) -> bool {
        if self.has_reserve || !signed.has_reserve || signed.signature().is_none() {
            return false;
        }
        // The optional fields move what is after them.
        let mut expected = self.data.to_vec();
        let folders = u16_at(self.data, FOLDERS_AT).unwrap_or_default() as usize;
        let starts = (0..folders).map(|index| HEADER + FOLDER * index);
        for at in starts.chain([SIZE_AT, FILES_AT]) {
            let moved = u32_at(self.data, at)
                .unwrap_or_default()
                .wrapping_add(OPTIONAL as u32);
            expected[at..at + 4].copy_from_slice(&moved.to_le_bytes());
        }
        expected[FLAGS_AT..FLAGS_AT + 2].copy_from_slice(&RESERVED.to_le_bytes());
        expected.splice(HEADER..HEADER, [0; OPTIONAL]);
        let expected = Cabinet {
            data: &expected,
            end: expected.len(),
            has_reserve: true,
        };
        expected.covered() == signed.covered()
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// Fails unless a cabinet is this one with a signature, which was made with the key of its
/// certificate.
pub fn check_signed(
    settings: &Settings,
    file: &Path,
    unsigned: &[u8],
    identity: Option<&Identity>,
) -> Result<()> {
    let data = output::read(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let signed = Cabinet::parse(&data)
        .filter(|cabinet| cabinet.signature().is_some())
        .ok_or_else(|| Failure::new(format!("the signing tool did not sign {name}")))?;
    let is_same = Cabinet::parse(unsigned).map_or(false, |old| old.is_signed_as(&signed));
    if !is_same {
        return Err(Failure::new(format!(
            "the signing tool changed more than the signature of {name}"
        )));
    }
    verify::new_signature(settings, file, identity)
}

#[cfg(test)]
mod tests {
    use super::{Cabinet, FILES_AT, FLAGS_AT, FOLDER, FOLDERS_AT, HEADER, OPTIONAL, SIZE_AT};

    const SIGNATURE: &[u8] = b"signed!!";

    /// A cabinet with two folders.
    fn unsigned() -> Vec<u8> {
        let mut data = vec![0; HEADER + 2 * FOLDER];
        data[..4].copy_from_slice(b"MSCF");
        data[FOLDERS_AT] = 2;
        data[FILES_AT] = data.len() as u8;
        data[HEADER] = 70;
        data[HEADER + FOLDER] = 90;
        data.extend_from_slice(b"files and blocks");
        data[SIZE_AT] = data.len() as u8;
        data
    }

    /// The same cabinet with a signature.
    fn signed() -> Vec<u8> {
        let mut data = unsigned();
        for at in [SIZE_AT, FILES_AT, HEADER, HEADER + FOLDER] {
            data[at] += OPTIONAL as u8;
        }
        data[FLAGS_AT] = 4;
        let mut optional = vec![0; OPTIONAL];
        optional[..8].copy_from_slice(&[20, 0, 0, 0, 0, 0, 16, 0]);
        optional[8] = (data.len() + OPTIONAL) as u8;
        optional[12] = SIGNATURE.len() as u8;
        data.splice(HEADER..HEADER, optional);
        data.extend_from_slice(SIGNATURE);
        data
    }

    #[test]
    fn a_signed_cabinet_is_the_unsigned_one_with_a_signature() {
        let (unsigned, signed) = (unsigned(), signed());
        let (old, new) = (
            Cabinet::parse(&unsigned).unwrap(),
            Cabinet::parse(&signed).unwrap(),
        );
        assert_eq!(old.signature(), None);
        assert_eq!(new.signature(), Some(SIGNATURE));
        assert!(old.is_signed_as(&new));
        assert!(!old.is_signed_as(&old));
        assert!(!new.is_signed_as(&new));
        assert_eq!(new.covered().len(), signed.len() - SIGNATURE.len() - 26);
    }

    #[test]
    fn a_change_of_any_byte_that_the_signature_covers_is_found() {
        let unsigned = unsigned();
        let old = Cabinet::parse(&unsigned).unwrap();
        for at in 0..signed().len() - SIGNATURE.len() {
            let mut data = signed();
            data[at] ^= 1;
            let is_same = Cabinet::parse(&data).map_or(false, |new| old.is_signed_as(&new));
            let is_free = matches!(at, 4..=7 | 34..=35 | 40..=43 | 52..=55);
            assert_eq!(is_same, is_free, "byte {at}");
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_no_cabinet() {
        let signed = signed();
        assert!((0..signed.len()).all(|end| Cabinet::parse(&signed[..end]).is_none()));
        let unsigned = unsigned();
        let folders = HEADER + 2 * FOLDER;
        assert!((0..folders).all(|end| Cabinet::parse(&unsigned[..end]).is_none()));
        // Parts of a set of cabinets, more folders than there are bytes, and signatures that begin
        // behind the end or have another size.
        let changes = [(FLAGS_AT, 1), (FLAGS_AT, 5), (FOLDERS_AT, 99), (44, 0xFF)];
        for (at, value) in changes.into_iter().chain([(47, 0xFF), (48, 7), (48, 9)]) {
            let mut data = signed.clone();
            data[at] = value;
            assert!(Cabinet::parse(&data).is_none(), "byte {at} is {value}");
        }
    }

    #[test]
    fn a_header_without_its_signature_is_unsigned() {
        let mut data = signed();
        data.truncate(data.len() - SIGNATURE.len());
        data[48] = 0;
        let unsigned = unsigned();
        let old = Cabinet::parse(&unsigned).unwrap();
        let new = Cabinet::parse(&data).unwrap();
        assert!(new.signature().is_none());
        assert!(!old.is_signed_as(&new));
    }
}
