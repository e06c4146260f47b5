//! Reads and writes PEM texts (RFC 7468).

/// Decodes the first block of this kind in a PEM text.
#[cfg(unix)]
pub fn decode(text: &str, kind: &str) -> Option<Vec<u8>> {
    let begin = format!("-----BEGIN {kind}-----");
    let end = format!("-----END {kind}-----");
    let (_, rest) = text.split_once(&begin)?;
    let (body, _) = rest.split_once(&end)?;
    from_base64(body)
}

/// Decodes all blocks of this kind in a PEM text; None if one is damaged.
#[cfg(any(windows, test))]
pub fn decode_all(mut text: &str, kind: &str) -> Option<Vec<Vec<u8>>> {
    let begin = format!("-----BEGIN {kind}-----");
    let end = format!("-----END {kind}-----");
    let mut blocks = Vec::new();
    while let Some((_, rest)) = text.split_once(&begin) {
        let (body, after) = rest.split_once(&end)?;
        blocks.push(from_base64(body)?);
        text = after;
    }
    Some(blocks)
}

/// Encodes a PEM block.
pub fn encode(der: &[u8], kind: &str) -> String {
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
    use super::{decode_all, encode, from_base64, to_base64};

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

    #[test]
    fn all_blocks_of_a_kind_are_decoded() {
        let text = format!(
            "of the root\r\n{}{}and\n{}",
            encode(b"one", "CERTIFICATE").replace('\n', "\r\n"),
            encode(b"key", "PRIVATE KEY"),
            encode(b"two", "CERTIFICATE"),
        );
        let blocks = decode_all(&text, "CERTIFICATE");
        assert_eq!(blocks, Some(vec![b"one".to_vec(), b"two".to_vec()]));
        assert_eq!(decode_all("", "CERTIFICATE"), Some(Vec::new()));
        let cut = &text[..text.len() - 8];
        assert_eq!(decode_all(cut, "CERTIFICATE"), None);
    }
}
