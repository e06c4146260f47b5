//! Stands in for certutil.exe: `-store`, `-verifystore`, `-addstore`, `-delstore`, `-dump`, `-hashfile`,
//! `-importpfx`, `-exportpfx`.
//!
//! Grammar and what each verb does: Microsoft Learn, "certutil" (windows-server/administration/
//! windows-commands/certutil). Verbs and options begin with `-` or `/` and are case-insensitive; the
//! store is LocalMachine's unless `-user` is given. A certificate is named by its place, serial
//! number, SHA-1 hash, or subject's common name. The exit code of a failure is its HRESULT.
//!
//! The output's labels are translated on a Windows of another language; KDRVGEN_FAKE_LANGUAGE=de
//! gives German ones. Dates are in the user's format. What a script may rest on is the exit code,
//! and the forty digits of a hash, which older versions write with spaces
//! (KDRVGEN_FAKE_HASH_SPACES).

mod files;
mod words;

use files::{as_pem, export_der};
use standins::certificate::Certificate;
use standins::handover::collect;
use standins::path::to_unix;
use standins::{record, store};
use std::path::Path;
use words::words;

fn failed(verb: &str, code: u32, name: &str, text: &str) -> ! {
    println!(
        "CertUtil: -{verb} {} 0x{code:x} ({} {name})\nCertUtil: {text}",
        words().failed,
        code as i32
    );
    std::process::exit(code as i32)
}

fn bad_usage(text: &str) -> ! {
    failed("?", 0x8007_0057, "WIN32: 87 ERROR_INVALID_PARAMETER", text)
}

/// A hash, with a blank after each two digits where the version is an older one.
fn pairs(digits: &str) -> String {
    let pairs: Vec<_> = digits
        .as_bytes()
        .chunks(2)
        .map(String::from_utf8_lossy)
        .collect();
    pairs.join(if std::env::var_os("KDRVGEN_FAKE_HASH_SPACES").is_some() {
        " "
    } else {
        ""
    })
}

fn show(place: usize, each: &Certificate) {
    let words = words();
    let hash = pairs(&each.thumbprint);
    println!(
        "================ {} {place} ================",
        words.certificate
    );
    println!("{}: {}", words.serial, each.serial);
    println!("{}: {}", words.issuer, each.issuer);
    println!(
        " {}: {}\n {}: {}",
        words.not_before, each.not_before, words.not_after, each.not_after
    );
    println!("{}: {}", words.subject, each.subject);
    println!("{}: {hash}", words.hash);
    if !each.has_key {
        println!("{}", words.no_key);
    }
}

fn matching(all: &[Certificate], wanted: Option<&str>) -> Vec<(usize, Certificate)> {
    let hex = wanted.map(|text| text.to_lowercase().replace(' ', ""));
    all.iter()
        .cloned()
        .enumerate()
        .filter(|(place, each)| match (&hex, wanted) {
            (Some(hex), Some(wanted)) => {
                each.thumbprint == *hex
                    || each.serial == *hex
                    || place.to_string() == *wanted
                    || each.name().eq_ignore_ascii_case(wanted)
            }
            _ => true,
        })
        .collect()
}

fn main() {
    let args = record::call("certutil");
    let (mut user, mut force, mut verb, mut password) =
        (false, false, String::new(), String::new());
    let mut operands = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg
            .strip_prefix(['-', '/'])
            .map(str::to_lowercase)
            .as_deref()
        {
            None => operands.push(arg.as_str()),
            Some("user") => user = true,
            Some("f") => force = true,
            Some("p") => password = rest.next().unwrap_or_else(|| bad_usage("-p")).clone(),
            Some(
                name @ ("store" | "verifystore" | "addstore" | "delstore" | "dump" | "hashfile"
                | "importpfx" | "exportpfx"),
            ) if verb.is_empty() => verb = name.to_owned(),
            Some(_) => bad_usage(&format!("Unknown arg: {arg}")),
        }
    }
    let missing = |name: &str| failed(name, 0x8009_0011, "NTE_NOT_FOUND", "Object was not found.");
    let no_file = |file: &str| {
        if !Path::new(file).is_file() {
            failed(
                &verb,
                0x8007_0002,
                "WIN32: 2 ERROR_FILE_NOT_FOUND",
                "The system cannot find the file specified.",
            );
        }
    };
    match (verb.as_str(), &operands[..]) {
        ("store" | "verifystore", [name, wanted @ ..]) if wanted.len() <= 2 => {
            let all = store::certificates(!user, name);
            let found = matching(&all, wanted.first().copied());
            if all.is_empty() && !store::folder(!user, name).is_dir() {
                failed(
                    &verb,
                    0x8007_0002,
                    "WIN32: 2 ERROR_FILE_NOT_FOUND",
                    "The system cannot find the file specified.",
                );
            }
            println!("{name}");
            if found.is_empty() && !wanted.is_empty() {
                missing(&verb);
            }
            for (place, each) in &found {
                show(*place, each);
                if verb == "verifystore" && !each.is_current() {
                    failed(
                        &verb,
                        0x800b_0101,
                        "CERT_E_EXPIRED",
                        "A required certificate is not within its validity period.",
                    );
                }
            }
            if let [_, to] = wanted {
                if found.len() != 1 || !export_der(&found[0].1, to) {
                    missing(&verb);
                }
            }
        }
        ("addstore", [name, file]) => {
            no_file(file);
            if as_pem(file)
                .and_then(|pem| store::add(!user, name, &pem))
                .is_none()
            {
                failed(
                    &verb,
                    0x8009_2009,
                    "CRYPT_E_NO_MATCH",
                    "Cannot find the requested object.",
                );
            }
        }
        ("delstore", [name, wanted]) => {
            let all = store::certificates(!user, name);
            let found = matching(&all, Some(wanted));
            if found.is_empty() {
                missing(&verb);
            }
            for (_, each) in found {
                let _ = std::fs::remove_file(each.file);
            }
        }
        ("dump", [file]) => {
            no_file(file);
            let part = std::env::temp_dir().join(format!("dump-{}.pem", std::process::id()));
            let read = as_pem(file).and_then(|pem| {
                std::fs::write(&part, pem).ok()?;
                Certificate::read(&part)
            });
            let _ = std::fs::remove_file(&part);
            match read {
                Some(certificate) => show(0, &certificate),
                None => failed(
                    &verb,
                    0x8009_310b,
                    "ASN: 267 CRYPT_E_ASN1_BADTAG",
                    "ASN1 bad tag value met.",
                ),
            }
        }
        ("hashfile", [file, kind @ ..]) if kind.len() <= 1 => {
            no_file(file);
            let kind = kind.first().unwrap_or(&"SHA1").to_uppercase();
            if !["MD5", "SHA1", "SHA256", "SHA384", "SHA512"].contains(&kind.as_str()) {
                bad_usage(&kind);
            }
            let said = collect(
                "openssl",
                &[
                    "dgst",
                    &format!("-{}", kind.to_lowercase()),
                    "-r",
                    &to_unix(file),
                ],
            )
            .text();
            let label = if words().certificate == "Certificate" {
                "hash of"
            } else {
                "-Hash von"
            };
            println!(
                "{kind} {label} {file}:\n{}",
                pairs(said.split(' ').next().unwrap_or(""))
            );
        }
        ("importpfx", [name, file]) => {
            no_file(file);
            let said = collect(
                "openssl",
                &[
                    "pkcs12",
                    "-in",
                    &to_unix(file),
                    "-passin",
                    &format!("pass:{password}"),
                    "-nodes",
                ],
            );
            if said.code != 0 {
                failed(
                    &verb,
                    0x8007_0056,
                    "WIN32: 86 ERROR_INVALID_PASSWORD",
                    "The specified network password is not correct.",
                );
            }
            store::add(!user, name, &said.text());
        }
        ("exportpfx", [name, wanted, to]) => {
            let all = store::certificates(!user, name);
            let found = matching(&all, Some(wanted));
            let [(_, each)] = &found[..] else {
                missing(&verb)
            };
            if !std::fs::read_to_string(&each.file)
                .is_ok_and(|pem| pem.starts_with("exportable: yes"))
            {
                failed(
                    &verb,
                    0x8009_000b,
                    "NTE_BAD_KEY_STATE",
                    "Key not valid for use in specified state.",
                );
            }
            if Path::new(to).exists() && !force {
                failed(
                    &verb,
                    0x8007_0050,
                    "WIN32: 80 ERROR_FILE_EXISTS",
                    "The file exists.",
                );
            }
            let file = to_unix(&each.file);
            collect(
                "openssl",
                &[
                    "pkcs12",
                    "-export",
                    "-in",
                    &file,
                    "-inkey",
                    &file,
                    "-out",
                    &to_unix(to),
                    "-passout",
                    &format!("pass:{password}"),
                ],
            );
        }
        _ => bad_usage("Expected a verb and its arguments"),
    }
    println!("CertUtil: -{verb} {}", words().done);
}
