//! Reads DER (ITU-T X.690), and X.509 certificates.

pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
pub const CONTEXT_0: u8 = 0xA0;
pub const CONTEXT_1: u8 = 0xA1;
const CONTEXT_3: u8 = 0xA3;

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

#[cfg(test)]
mod tests {
    use super::{date, days, element, read, time, Element};

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
}
