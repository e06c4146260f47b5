//! RSA keys: the CryptoAPI's PRIVATEKEYBLOB (Microsoft Learn, "RSA/Schannel Key BLOBs"), and what
//! openssl reads (RFC 8017, A.1.2; RFC 7468).

use std::fmt::Write as _;

/// Converts a PRIVATEKEYBLOB to PEM; None for anything else.
pub fn to_pem(blob: &[u8]) -> Option<String> {
    const HEADER: usize = 8;
    let word = |at: usize| Some(u32::from_le_bytes(blob.get(at..at + 4)?.try_into().ok()?));
    if word(HEADER)? != u32::from_le_bytes(*b"RSA2") {
        return None;
    }
    let bits = word(HEADER + 4)? as usize;
    let exponent = blob.get(HEADER + 8..HEADER + 12)?;
    let mut at = HEADER + 12;
    let mut next = |length: usize| {
        let part = blob.get(at..at + length)?;
        at += length;
        Some(part)
    };
    let (modulus, half) = (next(bits / 8)?, bits / 16);
    let (p, q, dp, dq, inverse) = (
        next(half)?,
        next(half)?,
        next(half)?,
        next(half)?,
        next(half)?,
    );
    let private = next(bits / 8)?;
    let mut content = vec![2, 1, 0];
    for number in [modulus, exponent, private, p, q, dp, dq, inverse] {
        let mut bytes: Vec<u8> = number
            .iter()
            .rev()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        if bytes.first().is_none_or(|first| *first >= 0x80) {
            bytes.insert(0, 0);
        }
        content.extend(element(2, &bytes));
    }
    Some(pem("RSA PRIVATE KEY", &element(0x30, &content)))
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag];
    match content.len() {
        short @ 0..=127 => encoded.push(short as u8),
        long => encoded.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    encoded.extend(content);
    encoded
}

/// A PEM block.
pub fn pem(kind: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {kind}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let mut three = [0; 3];
            three[..group.len()].copy_from_slice(group);
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            for digit in 0..4 {
                let index = (bits >> (18 - 6 * digit)) as usize & 63;
                text.push(if digit > group.len() {
                    '='
                } else {
                    DIGITS[index] as char
                });
            }
        }
        text.push('\n');
    }
    writeln!(text, "-----END {kind}-----").unwrap();
    text
}
