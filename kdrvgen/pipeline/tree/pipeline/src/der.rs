//! Reads DER (ITU-T X.690): X.509 certificates, and the signatures of images and catalogs.

pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
pub const CONTEXT_0: u8 = 0xA0;
const CONTEXT_3: u8 = 0xA3;

/// id-signedData, 1.2.840.113549.1.7.2 (RFC 2315)
const SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
/// Netscape's certificate comment, 2.16.840.1.113730.1.13
const COMMENT: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xF8, 0x42, 0x01, 0x0D];
const IA5_STRING: u8 = 0x16;

/// One element: its tag, its content, and all its bytes.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    pub fn children(self) -> Reader<'a> {
        Reader { rest: self.content }
    }
}

/// Iterates over elements; ends at the first invalid one.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Returns the next element if it has this tag.
    pub fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, &first) = (self.rest.first()?, self.rest.get(1)?);
        let (length, header) = if first < 0x80 {
            (first as usize, 2)
        } else {
            let count = (first & 0x7F) as usize;
            if count == 0 || count > 4 {
                return None;
            }
            let mut length = 0;
            for byte in self.rest.get(2..2 + count)? {
                length = length << 8 | *byte as usize;
            }
            (length, 2 + count)
        };
        let whole = self.rest.get(..header.checked_add(length)?)?;
        self.rest = &self.rest[whole.len()..];
        Some(Element {
            tag,
            content: &whole[header..],
            whole,
        })
    }
}

/// Returns the elements in these bytes.
pub fn read(bytes: &[u8]) -> Reader<'_> {
    Reader { rest: bytes }
}

/// The fields of a certificate that the pipeline uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// Whether the serial number is positive, as RFC 5280, 4.1.2.2, requires.
    #[cfg_attr(unix, allow(dead_code))] // openssl always writes a positive one
    pub has_positive_serial: bool,
    /// The first second in which it is valid, since 1970.
    pub not_before: i64,
    /// The last second in which it is valid, since 1970.
    pub not_after: i64,
    /// The text of the comment extension; empty without one.
    pub comment: String,
}

impl Certificate {
    /// Parses one certificate (RFC 5280); None for anything else.
    pub fn parse(der: &[u8]) -> Option<Certificate> {
        let mut outer = read(der);
        let certificate = outer.expect(SEQUENCE)?;
        if !outer.rest.is_empty() {
            return None;
        }
        let mut fields = certificate.children().expect(SEQUENCE)?.children();
        let mut field = fields.next()?;
        if field.tag == CONTEXT_0 {
            field = fields.next()?; // after the version
        }
        if field.tag != INTEGER {
            return None;
        }
        fields.expect(SEQUENCE)?; // signature
        fields.expect(SEQUENCE)?; // issuer
        let mut validity = fields.expect(SEQUENCE)?.children();
        let not_before = time(validity.next()?)?;
        let not_after = time(validity.next()?)?;
        fields.expect(SEQUENCE)?; // subject
        fields.expect(SEQUENCE)?; // key
        let comment = fields
            .find(|field| field.tag == CONTEXT_3)
            .and_then(|field| field.children().expect(SEQUENCE))
            .and_then(|extensions| extensions.children().find_map(comment));
        Some(Certificate {
            has_positive_serial: field.content.first().map_or(false, |byte| *byte < 0x80),
            not_before,
            not_after,
            comment: comment.unwrap_or_default(),
        })
    }
}

fn comment(extension: Element<'_>) -> Option<String> {
    let mut fields = extension.children();
    if fields.expect(OBJECT_IDENTIFIER)?.content != COMMENT {
        return None;
    }
    let value = fields.last()?;
    let text = read(value.content).expect(IA5_STRING)?;
    String::from_utf8(text.content.to_vec()).ok()
}

/// Returns the seconds since 1970 (RFC 5280, 4.1.2.5: times are in UTC and end with `Z`).
fn time(element: Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(element.content)
        .ok()?
        .strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (element.tag, text.len()) {
        (UTC_TIME, 12) => {
            let year: i64 = text[..2].parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &text[2..],
            )
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let number = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let (month, day) = (number(0)?, number(2)?);
    let (hour, minute, second) = (number(4)?, number(6)?, number(8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Returns the days since 1970-01-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March, so that the leap day is its last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Returns year, month and day of a day since 1970-01-01, in the Gregorian calendar.
#[cfg(any(windows, test))]
pub fn date(day: i64) -> (i64, i64, i64) {
    let mut year = 1970 + day / 366;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12)
        .rev()
        .find(|month| days(year, *month, 1) <= day)
        .unwrap_or(1);
    (year, month, day - days(year, month, 1) + 1)
}

/// The parts of the signature of an image or a catalog.
#[cfg_attr(windows, allow(dead_code))] // WinVerifyTrust checks the other fields
pub struct Signed<'a> {
    /// openssl's name of the digest algorithm, such as `sha256`.
    pub digest_name: &'static str,
    /// What is signed: a structure with the digest of the image, or the list of the catalog. It is
    /// the input of the message digest.
    pub content: &'a [u8],
    pub message_digest: &'a [u8],
    /// The authenticated attributes, as the signature covers them.
    pub attributes: Vec<u8>,
    pub signature: &'a [u8],
    /// The signer's certificate.
    pub certificate: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Parses a signature (RFC 2315, 9.1 and 9.2); None for anything else.
    pub fn parse(signature: &'a [u8]) -> Option<Signed<'a>> {
        let mut outer = read(signature).expect(SEQUENCE)?.children();
        if outer.expect(OBJECT_IDENTIFIER)?.content != SIGNED_DATA {
            return None;
        }
        let data = outer.expect(CONTEXT_0)?.children().expect(SEQUENCE)?;
        let mut fields = data.children();
        fields.expect(INTEGER)?; // version
        fields.expect(SET)?; // digest algorithms
        let mut content = fields.expect(SEQUENCE)?.children();
        content.expect(OBJECT_IDENTIFIER)?;
        let content = content.expect(CONTEXT_0)?.children().expect(SEQUENCE)?;
        let certificates = fields.expect(CONTEXT_0)?;
        let signers = fields.find(|field| field.tag == SET)?;
        let mut signer = signers.children().expect(SEQUENCE)?.children();
        signer.expect(INTEGER)?; // version
        let issuer_and_serial = signer.expect(SEQUENCE)?;
        let algorithm = signer.expect(SEQUENCE)?.children().next()?;
        let attributes = signer.expect(CONTEXT_0)?;
        signer.expect(SEQUENCE)?; // signature algorithm
        let signature = signer.expect(OCTET_STRING)?;
        let message_digest = attributes.children().find_map(message_digest)?;
        let certificate = certificates
            .children()
            .find(|certificate| is_named(*certificate, issuer_and_serial))?;
        let mut signed = attributes.whole.to_vec();
        signed[0] = SET; // the signature covers this tag (RFC 2315, 9.3)
        Some(Signed {
            digest_name: digest_name(algorithm.content)?,
            content: content.content,
            message_digest,
            attributes: signed,
            signature: signature.content,
            certificate: certificate.whole,
        })
    }
}

impl<'a> Signed<'a> {
    /// The digest of the image that is signed ("Windows Authenticode Portable Executable Signature
    /// Format", SpcIndirectDataContent).
    #[cfg(unix)]
    pub fn image_digest(&self) -> Option<&'a [u8]> {
        let digest_info = read(self.content).nth(1)?;
        Some(digest_info.children().nth(1)?.content)
    }
}

/// id-sha256, id-sha384, id-sha512: 2.16.840.1.101.3.4.2.1 to 3 (NIST)
fn digest_name(identifier: &[u8]) -> Option<&'static str> {
    match identifier {
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
            1 => Some("sha256"),
            2 => Some("sha384"),
            3 => Some("sha512"),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the value of the attribute messageDigest, 1.2.840.113549.1.9.4.
fn message_digest(attribute: Element<'_>) -> Option<&[u8]> {
    const MESSAGE_DIGEST: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04];
    let mut fields = attribute.children();
    if fields.expect(OBJECT_IDENTIFIER)?.content != MESSAGE_DIGEST {
        return None;
    }
    let value = fields.expect(SET)?.children().expect(OCTET_STRING)?;
    Some(value.content)
}

/// Whether a certificate has this issuer and serial number.
fn is_named(certificate: Element<'_>, issuer_and_serial: Element<'_>) -> bool {
    let names = |wanted: &mut Reader<'_>| {
        let mut fields = certificate.children().expect(SEQUENCE)?.children();
        let mut serial = fields.next()?;
        if serial.tag == CONTEXT_0 {
            serial = fields.next()?;
        }
        fields.next()?; // signature
        let issuer = fields.next()?;
        Some(wanted.next()?.whole == issuer.whole && wanted.next()?.whole == serial.whole)
    };
    names(&mut issuer_and_serial.children()).unwrap_or(false)
}

/// Encodes one element.
#[cfg(any(windows, test))]
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut encoded = vec![tag];
    if content.len() < 0x80 {
        encoded.push(content.len() as u8);
    } else {
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        encoded.push(0x80 | (length.len() - zeros) as u8);
        encoded.extend_from_slice(&length[zeros..]);
    }
    encoded.extend_from_slice(content);
    encoded
}

/// Decodes the first block of this kind in a PEM text (RFC 7468).
#[cfg(unix)]
pub fn from_pem(text: &str, kind: &str) -> Option<Vec<u8>> {
    let begin = format!("-----BEGIN {kind}-----");
    let end = format!("-----END {kind}-----");
    let (_, rest) = text.split_once(&begin)?;
    let (body, _) = rest.split_once(&end)?;
    from_base64(body)
}

/// Encodes a PEM block.
pub fn to_pem(der: &[u8], kind: &str) -> String {
    let encoded = to_base64(der);
    let mut text = format!("-----BEGIN {kind}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {kind}-----\n"));
    text
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(any(unix, test))]
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        if character == b'=' {
            break;
        }
        let digit = DIGITS.iter().position(|digit| *digit == character)?;
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..group.len()].copy_from_slice(group);
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        for digit in 0..4 {
            text.push(if digit <= group.len() {
                DIGITS[(bits >> (18 - 6 * digit)) as usize & 63] as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{date, days, element, from_base64, read, time, to_base64, Element};

    #[test]
    fn an_encoded_element_of_any_length_is_decoded_again() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let encoded = element(0x30, &content);
            let decoded = read(&encoded).expect(0x30).unwrap();
            assert_eq!(
                (decoded.content, decoded.whole),
                (&content[..], &encoded[..])
            );
        }
        assert_eq!(element(0x16, b"ab"), [0x16, 2, b'a', b'b']);
    }

    #[test]
    fn days_start_at_1970() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 2, 29), 11_016);
        assert_eq!(days(2100, 3, 1), 47_541);
        assert_eq!(days(1969, 12, 31), -1);
    }

    #[test]
    fn a_date_has_its_day() {
        for day in 0..40_000 {
            let (year, month, date) = date(day);
            assert_eq!(days(year, month, date), day);
            assert!((1..=12).contains(&month) && (1..=31).contains(&date));
        }
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(0), (1970, 1, 1));
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let element = |tag, content: &'static str| Element {
            tag,
            content: content.as_bytes(),
            whole: b"",
        };
        assert_eq!(time(element(0x17, "700101000001Z")), Some(1));
        assert_eq!(time(element(0x17, "491231235959Z")), Some(2_524_607_999));
        assert_eq!(time(element(0x18, "20500101000000Z")), Some(2_524_608_000));
        for (tag, text) in [
            (0x17, "700101000001"),
            (0x17, "701301000001Z"),
            (0x18, "700101000001Z"),
        ] {
            assert_eq!(time(element(tag, text)), None, "{text}");
        }
    }

    #[test]
    fn base64_is_encoded_and_decoded() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(to_base64(bytes.as_bytes()), text);
            assert_eq!(from_base64(text), Some(bytes.as_bytes().to_vec()));
        }
        assert_eq!(from_base64("Zg!="), None);
    }
}
