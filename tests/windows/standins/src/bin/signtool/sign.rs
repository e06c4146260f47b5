//! `sign`: finds certificate and key, and has osslsigncode sign.

use crate::call::{Call, SIGN, SIGN_NOT_COVERED};
use standins::certificate::Certificate;
use standins::handover::collect;
use standins::path::to_unix;
use standins::{fail, store};
use std::path::{Path, PathBuf};

/// Chooses among a store's certificates as `sign` documents it for /sha1, /n and /a.
fn choose(call: &Call) -> Certificate {
    let thumbprint = call.get("sha1").map(|text| text.to_lowercase());
    if thumbprint
        .as_ref()
        .is_some_and(|text| text.len() != 40 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        fail("SignTool Error: Invalid SHA1 hash format.", 1);
    }
    let contains = |option: &str, text: &str| {
        call.get(option)
            .is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
    };
    let mut found: Vec<Certificate> =
        store::certificates(call.has("sm"), call.get("s").unwrap_or("My"))
            .into_iter()
            .filter(|each| {
                thumbprint
                    .as_ref()
                    .is_none_or(|wanted| *wanted == each.thumbprint)
            })
            .filter(|each| contains("n", &each.name()))
            .filter(|each| each.has_key && each.is_current() && each.may_sign_code())
            .collect();
    found.sort_by(|a, b| b.not_after.cmp(&a.not_after));
    if found.is_empty() {
        fail(
            "SignTool Error: No certificates were found that met all the given criteria.",
            1,
        );
    }
    if found.len() > 1 && !call.has("a") {
        println!("The following certificates meet all given criteria:");
        for each in &found {
            println!(
                "    Issued to: {}\n    Expires:   {}\n    SHA1 hash: {}\n",
                each.name(),
                each.not_after,
                each.thumbprint.to_uppercase()
            );
        }
        fail(
            "SignTool Error: Multiple certificates were found that meet all the given\n\tcriteria. Use the /a option to \
             allow SignTool to choose the best\n\tcertificate automatically or use the /sha1 option with the hash of\n\tthe \
             desired certificate.",
            1,
        );
    }
    found.remove(0)
}

/// The options of osslsigncode that name certificate and key.
fn identity(call: &Call) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let root = || PathBuf::from(std::env::var_os("KDRVGEN_FAKE_STORE").unwrap_or_default());
    if call.existing("dlib").is_some() {
        call.existing("dmdf");
        // The older kind of library is given the certificate, the newer one brings its own.
        call.existing("f");
        if call.has("sha1") {
            choose(call);
        }
        let file = to_unix(root().join("cloud.pem"));
        return words(&["-certs", &file, "-key", &file]);
    }
    let Some(file) = call.existing("f") else {
        let chosen = choose(call);
        if call.has("v") {
            println!(
                "The following certificate was selected:\n    Issued to: {}\n    SHA1 hash: {}\n",
                chosen.name(),
                chosen.thumbprint.to_uppercase()
            );
        }
        let file = to_unix(&chosen.file);
        return words(&["-certs", &file, "-key", &file]);
    };
    if let (Some(csp), Some(container)) = (call.get("csp"), call.get("kc")) {
        let key = root()
            .join("keys")
            .join(csp)
            .join(format!("{container}.pem"));
        if !key.is_file() {
            fail(
                "SignTool Error: The specified private key container was not found.",
                1,
            );
        }
        return words(&["-certs", &file, "-key", &to_unix(key)]);
    }
    words(&["-pkcs12", &file, "-pass", call.get("p").unwrap_or("")])
}

pub fn sign(args: &[String]) -> i32 {
    let call = Call::parse(args, SIGN, SIGN_NOT_COVERED);
    call.only_one_of(&["t", "tr"]);
    call.only_one_of(&["f", "sm"]);
    call.only_one_of(&["f", "s"]);
    call.needs("td", "tr");
    call.needs("p", "f");
    call.needs("csp", "kc");
    call.needs("kc", "csp");
    call.needs("csp", "f");
    call.needs("dmdf", "dlib");
    let Some(digest) = call.algorithm("fd") else {
        fail(
            "SignTool Error: No file digest algorithm specified. Please specify the digest algorithm with the /fd flag. \
             Using /fd SHA256 is recommended and more secure than SHA1.",
            1,
        )
    };
    if call.has("tr") && call.algorithm("td").is_none() {
        fail(
            "SignTool Error: No timestamp digest algorithm specified. Please specify the digest algorithm with the /td flag. \
             Using /td SHA256 is recommended and more secure than SHA1.",
            1,
        );
    }
    let mut options = vec!["sign".to_owned()];
    options.extend(identity(&call));
    options.extend(["-h".to_owned(), digest]);
    options.extend(call.has("ph").then(|| "-ph".to_owned()));
    for file in call.switches.get("ac").into_iter().flatten() {
        if !Path::new(file).is_file() {
            fail(&format!("SignTool Error: File not found: {file}"), 1);
        }
        options.extend(["-ac".to_owned(), as_pem(file)]);
    }
    let stamp: Vec<String> = [("tr", "-ts"), ("t", "-t")]
        .iter()
        .filter_map(|(switch, option)| Some([(*option).to_owned(), call.get(switch)?.to_owned()]))
        .flatten()
        .collect();

    let mut code = 0;
    for file in &call.files {
        code = code.max(sign_file(&call, file, &options, &stamp));
    }
    code
}

/// osslsigncode takes additional certificates as PEM only.
fn as_pem(file: &str) -> String {
    if std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"-----BEGIN")) {
        return to_unix(file);
    }
    let pem = std::env::temp_dir().join(format!("additional-{}.pem", std::process::id()));
    let made = collect(
        "openssl",
        &[
            "x509",
            "-inform",
            "DER",
            "-in",
            &to_unix(file),
            "-out",
            &to_unix(&pem),
        ],
    );
    if made.code != 0 {
        fail(
            &format!("SignTool Error: The file {file} is no certificate."),
            1,
        );
    }
    to_unix(pem)
}

fn sign_file(call: &Call, file: &str, options: &[String], stamp: &[String]) -> i32 {
    if !Path::new(file).is_file() {
        eprintln!("SignTool Error: File not found: {file}");
        return 1;
    }
    let part = format!("{file}.signing-{}", std::process::id());
    let (input, output) = (to_unix(file), to_unix(&part));
    let run = |stamp: &[String]| {
        let words: Vec<&str> = options
            .iter()
            .chain(stamp)
            .map(String::as_str)
            .chain(["-in", &input, "-out", &output])
            .collect();
        collect("osslsigncode", &words)
    };
    let mut result = run(stamp);
    let mut code = 0;
    if result.code != 0 && !stamp.is_empty() {
        let _ = std::fs::remove_file(&part);
        if std::env::var_os("KDRVGEN_FAKE_TIMESTAMP_WARNING").is_none() {
            eprintln!("SignTool Error: The specified timestamp server either could not be reached or\n\treturned an invalid response.");
        } else {
            result = run(&[]);
            if result.code == 0 {
                eprintln!("SignTool Warning: Signing succeeded, but an error occurred while attempting to\n\ttimestamp: {file}");
                code = 2;
            }
        }
    }
    if result.code != 0 {
        if call.has("v") {
            eprintln!("{}", result.said());
        }
        let _ = std::fs::remove_file(&part);
        eprintln!("SignTool Error: An error occurred while attempting to sign: {file}");
        return 1;
    }
    // In place, as signtool does it: whatever is linked to the file changes with it.
    let bytes = std::fs::read(&part).unwrap_or_default();
    let _ = std::fs::remove_file(&part);
    if let Err(error) = std::fs::write(file, bytes) {
        eprintln!("SignTool Error: The file is being used by another process, or is read-only: {error}\nSignTool Error: An error occurred while attempting to sign: {file}");
        return 1;
    }
    if code == 0 {
        println!("Done Adding Additional Store\nSuccessfully signed: {file}");
    }
    code
}
