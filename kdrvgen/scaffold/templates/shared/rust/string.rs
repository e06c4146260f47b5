//! UTF-16 text from literals, at compile time.

/// The UTF-16 of a literal, `&'static [u16; N]`, without a NUL at its end: write `"text\0"` for a
/// function that wants one.
#[macro_export]
macro_rules! wide {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const UNITS: [u16; $crate::string::utf16_length(TEXT)] = $crate::string::utf16(TEXT);
        &UNITS
    }};
}

/// A `UnicodeString<'static>` of a literal. One that is too long does not compile.
#[macro_export]
macro_rules! unicode_string {
    ($text:expr) => {{
        const STRING: $crate::nt::UnicodeString<'static> =
            match $crate::nt::UnicodeString::from_units($crate::wide!($text)) {
                Ok(string) => string,
                Err(_) => panic!("a UNICODE_STRING has at most 32767 UTF-16 units"),
            };
        STRING
    }};
}

/// How many UTF-16 units a text has.
#[must_use]
pub const fn utf16_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (code, width) = decode(bytes, at);
        length += if code < 0x1_0000 { 1 } else { 2 };
        at += width;
    }
    length
}

/// The UTF-16 of a text, which has `N` units.
///
/// # Panics
///
/// If it has not; `wide!` asks [`utf16_length`].
#[must_use]
#[allow(clippy::cast_possible_truncation)] // the surrogates are cut out of 20 bits
pub const fn utf16<const N: usize>(text: &str) -> [u16; N] {
    let bytes = text.as_bytes();
    let mut units = [0; N];
    let mut length = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (code, width) = decode(bytes, at);
        if code < 0x1_0000 {
            units[length] = code as u16;
            length += 1;
        } else {
            let code = code - 0x1_0000;
            units[length] = 0xD800 | (code >> 10) as u16;
            units[length + 1] = 0xDC00 | (code & 0x3FF) as u16;
            length += 2;
        }
        at += width;
    }
    assert!(length == N, "N is not the number of units");
    units
}

/// The character that begins at a place of valid UTF-8, and how many bytes it has.
const fn decode(bytes: &[u8], at: usize) -> (u32, usize) {
    let first = bytes[at] as u32;
    let (mut code, width) = match first {
        0x00..=0x7F => (first, 1),
        0x80..=0xDF => (first & 0x1F, 2),
        0xE0..=0xEF => (first & 0x0F, 3),
        _ => (first & 0x07, 4),
    };
    let mut next = 1;
    while next < width {
        code = code << 6 | (bytes[at + next] & 0x3F) as u32;
        next += 1;
    }
    (code, width)
}
