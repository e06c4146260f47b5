//! UTF-16 text from literals, at compile time.

/// The UTF-16 of a literal or constant: `&'static [u16; N]`, without a NUL at its end.
///
/// Write `"text\0"` for a function that requires a NUL.
#[macro_export]
macro_rules! wide {
    ($text:expr) => {
        const { &$crate::string::utf16::<{ $crate::string::utf16_length($text) }>($text) }
    };
}

/// A [`UnicodeString<'static>`](crate::UnicodeString) of a literal or constant. One that is too long does
/// not compile.
///
/// A NUL follows the string and is not part of it: a few functions of the kernel require one, such as
/// `ZwUnloadDriver`.
#[macro_export]
macro_rules! unicode_string {
    ($text:expr) => {
        const {
            match $crate::UnicodeString::from_terminated(
                const {
                    &$crate::string::terminated::<{ $crate::string::utf16_length($text) + 1 }>(
                        $text,
                    )
                },
            ) {
                ::core::result::Result::Ok(string) => string,
                ::core::result::Result::Err(_) => {
                    ::core::panic!("a literal UNICODE_STRING has at most 32766 UTF-16 units")
                }
            }
        }
    };
}

/// Returns the number of UTF-16 units of a text. IRQL: any.
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

/// Returns the UTF-16 of a text, which has `N` units. IRQL: any.
///
/// # Panics
///
/// If `N` is not [`utf16_length`] of the text.
#[must_use]
pub const fn utf16<const N: usize>(text: &str) -> [u16; N] {
    let (units, length) = encode(text);
    assert!(length == N, "N is not the number of units");
    units
}

/// Returns the UTF-16 of a text, which has `N - 1` units, and a NUL. IRQL: any.
///
/// # Panics
///
/// If `N - 1` is not [`utf16_length`] of the text.
#[must_use]
pub const fn terminated<const N: usize>(text: &str) -> [u16; N] {
    let (units, length) = encode(text);
    assert!(length + 1 == N, "N is not the number of units and the NUL");
    units
}

/// Returns the UTF-16 of a text with zeros behind it, and its length.
#[allow(clippy::cast_possible_truncation)] // a surrogate has 10 of 20 bits
const fn encode<const N: usize>(text: &str) -> ([u16; N], usize) {
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
    (units, length)
}

/// Returns the character at a place of valid UTF-8, and its number of bytes.
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
