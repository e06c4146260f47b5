//! What a certificate says of itself, asked of openssl.

use crate::handover::collect;
use crate::path::to_unix;
use std::path::{Path, PathBuf};

/// A certificate in a PEM file, with its private key if the same file holds one.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub file: PathBuf,
    /// SHA-1 of the DER form: 40 lower-case hexadecimal digits.
    pub thumbprint: String,
    pub serial: String,
    /// As in `CN=name, O=organisation`.
    pub subject: String,
    pub issuer: String,
    /// ISO 8601, UTC: these compare as text.
    pub not_before: String,
    pub not_after: String,
    pub has_key: bool,
    /// As in the extension, comma separated; empty without the extension, which allows all.
    pub usages: String,
}

impl Certificate {
    /// Reads a PEM file.
    pub fn read(file: &Path) -> Option<Self> {
        let said = collect(
            "openssl",
            &[
                "x509",
                "-in",
                &to_unix(file),
                "-noout",
                "-subject",
                "-issuer",
                "-serial",
                "-startdate",
                "-enddate",
                "-fingerprint",
                "-sha1",
                "-dateopt",
                "iso_8601",
                "-nameopt",
                "utf8,sep_comma_plus_space,dn_rev,sname,esc_2253",
                "-ext",
                "extendedKeyUsage",
            ],
        );
        if said.code != 0 {
            return None;
        }
        let text = said.text();
        let field = |label: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(label))
                .map(|rest| rest.trim().to_owned())
                .unwrap_or_default()
        };
        Some(Self {
            thumbprint: field("sha1 Fingerprint=").replace(':', "").to_lowercase(),
            serial: field("serial=").to_lowercase(),
            subject: field("subject="),
            issuer: field("issuer="),
            not_before: field("notBefore="),
            not_after: field("notAfter="),
            has_key: std::fs::read_to_string(file)
                .is_ok_and(|pem| pem.contains("PRIVATE KEY-----")),
            usages: text
                .lines()
                .skip_while(|line| !line.contains("Extended Key Usage"))
                .nth(1)
                .unwrap_or("")
                .trim()
                .to_owned(),
            file: file.to_owned(),
        })
    }

    /// The value of the subject's CN, as signtool and certutil show it.
    pub fn name(&self) -> String {
        let rest = self
            .subject
            .split_once("CN=")
            .map_or(self.subject.as_str(), |(_, rest)| rest);
        let mut name = String::new();
        let mut characters = rest.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => name.extend(characters.next()),
                ',' => break,
                other => name.push(other),
            }
        }
        name
    }

    pub fn is_current(&self) -> bool {
        let now = now();
        self.not_before <= now && now < self.not_after
    }

    pub fn may_sign_code(&self) -> bool {
        self.usages.is_empty()
            || self.usages.contains("Code Signing")
            || self.usages.contains("Any Extended")
    }
}

/// The present moment in the form of a certificate's dates.
pub fn now() -> String {
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    iso(seconds)
}

/// Seconds since 1970 as ISO 8601 (the civil calendar from days: Howard Hinnant, chrono-compatible
/// low-level date algorithms).
pub fn iso(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
