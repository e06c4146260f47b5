//! Reads PE images (Microsoft, "PE Format").

const SIGNATURE: &[u8; 4] = b"PE\0\0";
const FILE_HEADER: usize = 20;
const SECTION_HEADER: usize = 40;
const IMPORT_DESCRIPTOR: usize = 20;
const MAX_ENTRIES: usize = 1 << 16;

pub const NATIVE: u16 = 1;
pub const WINDOWS_GUI: u16 = 2;
pub const WINDOWS_CONSOLE: u16 = 3;

const EXPORTS: usize = 0;
const IMPORTS: usize = 1;
const CERTIFICATES: usize = 4;
const DELAY_IMPORTS: usize = 13;

struct Section {
    address: u32,
    size: u32,
    offset: u32,
    raw_size: u32,
    is_code: bool,
}

const IMAGE_SCN_MEM_EXECUTE: u32 = 0x2000_0000;

/// An image in memory. Every number in it is checked before it is used.
pub struct Image<'a> {
    data: &'a [u8],
    pub machine: u16,
    pub timestamp: u32,
    pub subsystem: u16,
    /// Address of the entry point, relative to the image's base; 0 without one.
    pub entry: u32,
    checksum_at: usize,
    directories_at: usize,
    directories: usize,
    sections: Vec<Section>,
}

impl<'a> Image<'a> {
    /// Reads the headers; None if `data` is not a PE image.
    pub fn parse(data: &'a [u8]) -> Option<Image<'a>> {
        if data.get(..2)? != b"MZ" {
            return None;
        }
        let start = u32_at(data, 0x3C)? as usize;
        if data.get(start..start.checked_add(4)?)? != SIGNATURE {
            return None;
        }
        let file = start + 4;
        let optional = file + FILE_HEADER;
        let size = u16_at(data, file + 16)? as usize;
        let directories_at = match u16_at(data, optional)? {
            0x10B => optional + 96,
            0x20B => optional + 112, // PE32+
            _ => return None,
        };
        let directories = (u32_at(data, directories_at - 4)? as usize).min(16);
        if directories_at + 8 * directories > optional + size {
            return None;
        }
        let mut sections = Vec::new();
        for index in 0..u16_at(data, file + 2)? as usize {
            let at = optional + size + index * SECTION_HEADER;
            sections.push(Section {
                size: u32_at(data, at + 8)?,
                address: u32_at(data, at + 12)?,
                raw_size: u32_at(data, at + 16)?,
                offset: u32_at(data, at + 20)?,
                is_code: u32_at(data, at + 36)? & IMAGE_SCN_MEM_EXECUTE != 0,
            });
        }
        Some(Image {
            data,
            machine: u16_at(data, file)?,
            timestamp: u32_at(data, file + 4)?,
            subsystem: u16_at(data, optional + 68)?,
            entry: u32_at(data, optional + 16)?,
            checksum_at: optional + 64,
            directories_at,
            directories,
            sections,
        })
    }

    /// The exported functions: name, and address relative to the image's base. Forwarders, which
    /// name a function of another module, are left out.
    pub fn exports(&self) -> Option<Vec<(String, u32)>> {
        let (address, size) = self.directory(EXPORTS);
        if size == 0 {
            return Some(Vec::new());
        }
        let table = self.at(address)?;
        let count = (u32_at(table, 24)? as usize).min(MAX_ENTRIES);
        let functions = self.at(u32_at(table, 28)?)?;
        let names = self.at(u32_at(table, 32)?)?;
        let ordinals = self.at(u32_at(table, 36)?)?;
        let mut exports = Vec::new();
        for index in 0..count {
            let name = self.name_at(u32_at(names, 4 * index)?)?;
            let ordinal = u16_at(ordinals, 2 * index)? as usize;
            let function = u32_at(functions, 4 * ordinal)?;
            let is_forwarder = function >= address && function - address < size;
            if !is_forwarder {
                exports.push((name, function));
            }
        }
        Some(exports)
    }

    /// The modules that the image imports from, in its spelling.
    pub fn imports(&self) -> Option<Vec<String>> {
        let (address, size) = self.directory(IMPORTS);
        if size == 0 {
            return Some(Vec::new());
        }
        let table = self.at(address)?;
        let mut modules = Vec::new();
        for index in 0..MAX_ENTRIES {
            let at = index * IMPORT_DESCRIPTOR;
            let name = u32_at(table, at + 12)?;
            if name == 0 {
                break;
            }
            modules.push(self.name_at(name)?);
        }
        Some(modules)
    }

    /// Returns the address of an offset in a section, relative to the image's base. The first
    /// section is 1.
    pub fn address(&self, section: u32, offset: u32) -> Option<u32> {
        let index = (section as usize).checked_sub(1)?;
        self.sections.get(index)?.address.checked_add(offset)
    }

    /// The sections with code: address relative to the image's base, and bytes.
    pub fn code(&self) -> Vec<(u32, &'a [u8])> {
        let code = self.sections.iter().filter(|section| section.is_code);
        code.filter_map(|section| {
            let bytes = self.at(section.address)?;
            let length = bytes.len().min(section.size as usize);
            Some((section.address, &bytes[..length]))
        })
        .collect()
    }

    pub fn has_delay_imports(&self) -> bool {
        self.directory(DELAY_IMPORTS).1 != 0
    }

    /// The attribute certificate table, which a signature adds at the end of the file; empty
    /// without one.
    pub fn certificate_table(&self) -> Option<&'a [u8]> {
        // The only directory whose address is an offset in the file.
        let (offset, size) = self.directory(CERTIFICATES);
        let (start, size) = (offset as usize, size as usize);
        self.data.get(start..start.checked_add(size)?)
    }

    /// The signature: the first PKCS #7 message of the certificate table.
    pub fn signature(&self) -> Option<&'a [u8]> {
        let table = self.certificate_table()?;
        let length = u32_at(table, 0)? as usize;
        let kind = u16_at(table, 6)?;
        if kind == 2 {
            table.get(8..length) // WIN_CERT_TYPE_PKCS_SIGNED_DATA
        } else {
            None
        }
    }

    /// Whether `signed` is this image with only a signature added, and its checksum is correct.
    pub fn is_signed_as(&self, signed: &Image<'_>) -> bool {
        let length = self.data.len();
        let padded = (length + 7) / 8 * 8;
        let table_at = self.directories_at + 8 * CERTIFICATES;
        let (offset, size) = signed.directory(CERTIFICATES);
        if table_at + 8 > length
            || self.directory(CERTIFICATES) != (0, 0)
            || size == 0
            || offset as usize != padded
            || padded + size as usize != signed.data.len()
            || signed.data[length..padded].iter().any(|byte| *byte != 0)
        {
            return false;
        }
        let mut from = 0;
        for (at, width) in [(self.checksum_at, 4), (table_at, 8)] {
            if self.data[from..at] != signed.data[from..at] {
                return false;
            }
            from = at + width;
        }
        self.data[from..] == signed.data[from..length] && signed.has_correct_checksum()
    }

    /// The digest that Authenticode signs, over the bytes in the order of the file: without the
    /// checksum, the certificate table and its directory entry, padded to eight
    /// bytes (Microsoft, "Windows Authenticode Portable Executable Signature Format").
    pub fn authenticode_bytes(&self) -> Option<Vec<u8>> {
        let table_at = self.directories_at + 8 * CERTIFICATES;
        let (offset, size) = self.directory(CERTIFICATES);
        let end = if size == 0 {
            self.data.len()
        } else {
            offset as usize
        };
        let mut bytes = Vec::with_capacity(self.data.len());
        bytes.extend_from_slice(self.data.get(..self.checksum_at)?);
        bytes.extend_from_slice(self.data.get(self.checksum_at + 4..table_at)?);
        bytes.extend_from_slice(self.data.get(table_at + 8..end)?);
        if size == 0 {
            bytes.resize(bytes.len() + (8 - self.data.len() % 8) % 8, 0);
        }
        Some(bytes)
    }

    /// Whether the checksum in the header is correct; zero is not.
    pub fn has_correct_checksum(&self) -> bool {
        u32_at(self.data, self.checksum_at) == Some(self.checksum())
    }

    /// The checksum that the boot loader computes: the sum of the file's 16-bit words without the
    /// field itself, with the carries added, plus the length.
    fn checksum(&self) -> u32 {
        let mut sum = 0_u64;
        let mut add = |bytes: &[u8]| {
            // Two words at a time; the loop below adds the carries.
            for chunk in bytes.chunks(4) {
                let mut word = [0; 4];
                word[..chunk.len()].copy_from_slice(chunk);
                sum += u64::from(u32::from_le_bytes(word));
            }
        };
        add(&self.data[..self.checksum_at]);
        add(&self.data[self.checksum_at + 4..]);
        while sum >> 16 != 0 {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        (sum as u32).wrapping_add(self.data.len() as u32)
    }

    /// Address (or offset) and size of a data directory; zeros for none.
    fn directory(&self, index: usize) -> (u32, u32) {
        let at = self.directories_at + 8 * index;
        if index >= self.directories {
            return (0, 0);
        }
        match (u32_at(self.data, at), u32_at(self.data, at + 4)) {
            (Some(address), Some(size)) if address != 0 => (address, size),
            _ => (0, 0),
        }
    }

    /// The bytes that are loaded at an address, up to the end of their section.
    fn at(&self, address: u32) -> Option<&'a [u8]> {
        let section = self.sections.iter().find(|section| {
            address >= section.address && address - section.address < section.size.max(1)
        })?;
        let start = (address - section.address) as usize;
        let raw = self.data.get(section.offset as usize..)?;
        raw.get(start..raw.len().min(section.raw_size as usize))
    }

    fn name_at(&self, address: u32) -> Option<String> {
        let bytes = self.at(address)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
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
