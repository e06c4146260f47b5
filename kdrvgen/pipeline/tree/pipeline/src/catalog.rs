//! Reads catalogs, and checks their signatures and digests.
//!
//! A catalog is a signed message (RFC 2315, 9.1) whose content is a certificate trust list.

use std::path::Path;

use crate::certificate::Identity;
use crate::der::{
    read, Element, CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET,
};
use crate::failure::{Failure, Result};
use crate::output;
use crate::settings::Settings;
use crate::strict;
use crate::verify;

/// The list in a catalog.
pub struct Catalog<'a> {
    /// The certificate trust list, in DER.
    pub list: &'a [u8],
    /// Whether the catalog has a signature, valid or not.
    pub is_signed: bool,
}

impl<'a> Catalog<'a> {
    /// Reads a catalog; None for anything else.
    pub fn parse(data: &'a [u8]) -> Option<Catalog<'a>> {
        let mut outer = read(data).expect(SEQUENCE)?.children();
        outer.expect(OBJECT_IDENTIFIER)?;
        let message = outer.expect(CONTEXT_0)?.children().expect(SEQUENCE)?;
        let mut parts = message.children();
        parts.expect(INTEGER)?;
        parts.expect(SET)?;
        let mut content = parts.expect(SEQUENCE)?.children();
        content.expect(OBJECT_IDENTIFIER)?;
        let list = content.expect(CONTEXT_0)?.children().expect(SEQUENCE)?;
        let signers = parts.find(|part| part.tag == SET)?;
        Some(Catalog {
            list: list.whole,
            is_signed: !signers.content.is_empty(),
        })
    }

    /// The files that the catalog names, in lower case, each with a digest.
    pub fn members(&self) -> Vec<Member> {
        // The usage and the algorithm are sequences too.
        let list = read(self.list)
            .next()
            .and_then(|list| list.children().filter(|part| part.tag == SEQUENCE).nth(2));
        list.into_iter()
            .flat_map(Element::children)
            .filter_map(Member::of)
            .collect()
    }
}

/// An entry of a catalog.
#[derive(Debug, PartialEq)]
pub struct Member {
    pub file: String,
    /// Lower-case hexadecimal digits: SHA-1 or SHA-256.
    pub digest: String,
}

/// Version 1 catalogs tag a member with the digits of its digest in UTF-16, others with its bytes.
const SHA1_SIZE: usize = 20;
const SHA256_SIZE: usize = 32;

impl Member {
    fn of(entry: Element<'_>) -> Option<Member> {
        let mut parts = entry.children();
        let tag = parts.expect(OCTET_STRING)?.content;
        let digest = if tag.len() == SHA1_SIZE || tag.len() == SHA256_SIZE {
            tag.iter().map(|byte| format!("{byte:02x}")).collect()
        } else {
            utf16(tag, u16::from_le_bytes).to_lowercase()
        };
        let file = parts.expect(SET)?.children().find_map(file_name)?;
        Some(Member { file, digest })
    }
}

/// Returns the value of the attribute `File`: a name in UTF-16BE, flags, and a value in UTF-16LE.
fn file_name(attribute: Element<'_>) -> Option<String> {
    let mut fields = attribute.children();
    fields.expect(OBJECT_IDENTIFIER)?;
    let mut pair = fields.expect(SET)?.children().expect(SEQUENCE)?.children();
    let name = pair.next()?;
    pair.expect(INTEGER)?;
    let value = pair.expect(OCTET_STRING)?;
    if utf16(name.content, u16::from_be_bytes) == "File" {
        Some(utf16(value.content, u16::from_le_bytes).to_lowercase())
    } else {
        None
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| unit([pair[0], pair[1]]))
        .collect();
    let text = String::from_utf16_lossy(&units);
    text.trim_end_matches('\0').to_owned()
}

/// Fails unless a catalog was signed with the key of its certificate, is in strict DER, and has
/// this list.
pub fn check_signed(
    settings: &Settings,
    file: &Path,
    list: &[u8],
    identity: Option<&Identity>,
) -> Result<()> {
    let data = output::read(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let catalog = Catalog::parse(&data)
        .filter(|catalog| catalog.is_signed)
        .ok_or_else(|| Failure::new(format!("the signing tool did not sign {name}")))?;
    if catalog.list != list {
        return Err(Failure::new(format!(
            "the signing tool changed the list of files in {name}"
        )));
    }
    if let Some(flaw) = strict::flaw(&data) {
        return Err(Failure::new(format!("{name} is not in strict DER: {flaw}"))
            .because("Windows refuses such a catalog.")
            .help("sign with signtool, or with osslsigncode 2.8 or later"));
    }
    verify::new_signature(settings, file, identity)
}

#[cfg(test)]
mod tests {
    use super::{Catalog, Member};
    use crate::der::element;

    fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    fn entry(tag: &[u8], file: &str) -> Vec<u8> {
        let pair = [
            element(0x1E, &wide("File", u16::to_be_bytes)),
            vec![2, 1, 1],
            element(4, &wide(&format!("{file}\0"), u16::to_le_bytes)),
        ];
        let attribute = [vec![6, 0], element(0x31, &element(0x30, &pair.concat()))];
        let set = element(0x31, &element(0x30, &attribute.concat()));
        element(0x30, &[element(4, tag), set].concat())
    }

    fn catalog(entries: &[Vec<u8>], signers: &[u8]) -> Vec<u8> {
        let list = [
            vec![0x30, 0, 4, 0, 0x17, 0, 0x30, 0],
            element(0x30, &entries.concat()),
        ];
        let list = element(0xA0, &element(0x30, &list.concat()));
        let content = element(0x30, &[vec![6, 0], list].concat());
        let message = [vec![2, 1, 1, 0x31, 0], content, element(0x31, signers)];
        let message = element(0xA0, &element(0x30, &message.concat()));
        element(0x30, &[vec![6, 0], message].concat())
    }

    #[test]
    fn names_and_digests_of_both_versions_are_read() {
        let entries = [
            entry(&[0xAB; 32], "Hello.SYS"),
            entry(&wide(&"0F".repeat(20), u16::to_le_bytes), "hello.inf"),
        ];
        let data = catalog(&entries, &[]);
        let read = Catalog::parse(&data).unwrap();
        let expected = [
            ("hello.sys", "ab".repeat(32)),
            ("hello.inf", "0f".repeat(20)),
        ];
        let expected = expected.map(|(file, digest)| Member {
            file: file.to_owned(),
            digest,
        });
        assert_eq!(read.members(), expected);
        assert!(!read.is_signed);
        assert!(
            Catalog::parse(&catalog(&entries, &[0x30, 0]))
                .unwrap()
                .is_signed
        );
    }

    #[test]
    fn anything_else_is_no_catalog() {
        assert!(Catalog::parse(b"").is_none());
        assert!(Catalog::parse(b"MZ").is_none());
        let data = catalog(&[], &[]);
        assert!((0..data.len()).all(|end| Catalog::parse(&data[..end]).is_none()));
    }
}
