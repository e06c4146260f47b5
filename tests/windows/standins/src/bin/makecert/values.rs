//! Names and dates as makecert is given them, and as openssl wants them.

use crate::failed;

/// A name such as `CN=name, O="a, b"` as openssl's `-subj` wants it (CertStrToName: quotes around a
/// value, doubled inside).
pub fn subject(name: &str) -> String {
    let mut parts = vec![String::new()];
    let mut characters = name.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                parts.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' | ';' | '+' if !quoted => parts.push(String::new()),
            other => parts.last_mut().unwrap().push(other),
        }
    }
    if quoted {
        failed("CertStrToName failed => 0x80092023 (-2146885597)");
    }
    parts
        .iter()
        .map(|part| {
            let Some((kind, value)) = part.trim().split_once('=') else {
                failed("CertStrToName failed => 0x80092023 (-2146885597)")
            };
            if !["CN", "O", "OU", "C", "L", "S", "E", "DC"].contains(&kind.to_uppercase().as_str())
                || value.is_empty()
            {
                failed("CertStrToName failed => 0x80092023 (-2146885597)");
            }
            let kind = match kind.to_uppercase().as_str() {
                "S" => "ST".to_owned(),
                "E" => "emailAddress".to_owned(),
                other => other.to_owned(),
            };
            let escaped: String = value
                .chars()
                .flat_map(|character| match character {
                    '/' | '\\' | '+' => vec!['\\', character],
                    other => vec![other],
                })
                .collect();
            format!("/{kind}={escaped}")
        })
        .collect()
}

/// mm/dd/yyyy as openssl's YYYYMMDDHHMMSSZ.
pub fn date(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        [month, day, year]
            if (1..=2).contains(&month.len())
                && (1..=2).contains(&day.len())
                && year.len() == 4
                && text
                    .bytes()
                    .all(|byte| byte == b'/' || byte.is_ascii_digit()) =>
        {
            format!("{year}{month:0>2}{day:0>2}000000Z")
        }
        _ => failed(&format!("Invalid date: {text}")),
    }
}
