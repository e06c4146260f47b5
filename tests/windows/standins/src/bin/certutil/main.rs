//! Stands in for certutil.exe: `-store`, `-addstore`, `-delstore`.
//!
//! Grammar and what each verb does: Microsoft Learn, "certutil" (windows-server/administration/
//! windows-commands/certutil). Verbs and options begin with `-` or `/` and are case-insensitive; the
//! store is LocalMachine's unless `-user` is given. A certificate is named by its place, serial
//! number, SHA-1 hash, or subject's common name. The exit code of a failure is its HRESULT.
//!
//! The output's labels are translated on a Windows of another language; KDRVGEN_FAKE_LANGUAGE=de
//! gives German ones. Dates are in the user's format. What a script may rest on are names, and the
//! forty digits of a hash, which older versions write with spaces (KDRVGEN_FAKE_HASH_SPACES). How
//! `-store` ends for a certificate that is not there is not documented: here as a failure, or with
//! KDRVGEN_FAKE_STORE_SUCCEEDS as a success that shows nothing.

mod files;
mod words;

use files::{as_pem, export_der};
use standins::certificate::Certificate;
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
    let (mut user, mut force, mut silent, mut verb) = (false, false, false, String::new());
    let mut operands = Vec::new();
    for arg in &args {
        match arg
            .strip_prefix(['-', '/'])
            .map(str::to_lowercase)
            .as_deref()
        {
            None => operands.push(arg.as_str()),
            Some("user") => user = true,
            Some("f") => force = true,
            Some("silent") => silent = true,
            Some(name @ ("store" | "addstore" | "delstore")) if verb.is_empty() => {
                verb = name.to_owned()
            }
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
    if silent && verb != "store" || force && verb == "delstore" {
        bad_usage("This option is not one of the verb's");
    }
    match (verb.as_str(), &operands[..]) {
        ("store", [name, wanted @ ..]) if wanted.len() <= 2 => {
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
            if found.is_empty()
                && !wanted.is_empty()
                && std::env::var_os("KDRVGEN_FAKE_STORE_SUCCEEDS").is_none()
            {
                missing(&verb);
            }
            for (place, each) in &found {
                show(*place, each);
            }
            if let [_, to] = wanted {
                if Path::new(to).exists() && !force {
                    failed(
                        &verb,
                        0x8007_0050,
                        "WIN32: 80 ERROR_FILE_EXISTS",
                        "The file exists.",
                    );
                }
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
        _ => bad_usage("Expected a verb and its arguments"),
    }
    println!("CertUtil: -{verb} {}", words().done);
}
